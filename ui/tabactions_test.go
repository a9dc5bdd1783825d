package ui_test

import (
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui"
	"gantry/ui/uitest"
)

// inLog opens a log and gives it the focus.
func inLog(t *testing.T, d *uitest.Driver, name string) {
	t.Helper()
	choose(t, d, name)
	d.Keys("enter")
	d.Pass(time.Second)
}

// TestKeysOfTabsCanBeSet: they are actions like all others, wherever actions
// are shown.
func TestKeysOfTabsCanBeSet(t *testing.T) {
	opts := ui.Options{Keys: map[string][]string{
		"log.wrap": {"w"}, "log.times": {}, "tree.copy.path": {"ctrl+y"}, "log.search": {"q"}, "move.down": {"ctrl+n"},
	}}
	driveWith(t, 120, 40, opts, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		wants(t, d, `the key "q" is wanted by log.search and quit`)
		d.Keys("esc")
		inLog(t, d, "db")
		wants(t, d, "q search")
		lacks(t, d, "/ search")
		before := d.Screen()
		d.Keys("W", "j")
		if d.Screen() != before {
			t.Errorf("a key that was taken away does something:\n%s", d.Screen())
		}
		d.Keys("x")
		wants(t, d, "Wrap lines", "Choose streams")
		for line := range strings.Lines(d.Screen()) {
			if strings.Contains(line, "Wrap lines") && !strings.Contains(line, " w ") || strings.Contains(line, "Show times") && strings.Contains(line, " i ") {
				t.Errorf("the menu says: %s", line)
			}
		}
		d.Keys("esc", "?")
		wants(t, d, "Log", "w              Wrap lines")
		d.Keys("esc", "q")
		wants(t, d, "search /", "enter keep", "esc cancel")
	})
}

// TestClashesOfTabsAreReported with both owners, where both would be in effect.
func TestClashesOfTabsAreReported(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keys map[string][]string
		want string // "" is nothing
	}{
		"two of a tab":                {map[string][]string{"log.wrap": {"f"}}, `the key "f" is wanted by log.follow and log.wrap`},
		"a tab's and a global one":    {map[string][]string{"env.copy": {"%"}}, `the key "%" is wanted by env.copy and meters`},
		"a tab's and a table's":       {map[string][]string{"table.filter": {"K"}}, `the key "K" is wanted by table.filter and process.signal`},
		"a tab's and a motion":        {map[string][]string{"tree.copy": {"j"}}, `the key "j" is wanted by tree.copy and move.down`},
		"a list's and a motion":       {map[string][]string{"container.stop": {"k"}}, `the key "k" is wanted by container.stop and move.up`},
		"two tabs":                    {map[string][]string{"log.wrap": {"t"}}, ""},
		"a tab's and a list's":        {map[string][]string{"log.wrap": {"s"}}, ""},
		"tables and tabs that fold":   {map[string][]string{"table.filter": {"z"}}, ""},
		"a tab's that was taken away": {map[string][]string{"log.follow": {}, "log.wrap": {"f"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range (ui.Options{Keys: tt.keys}).Check() {
				got = append(got, p.Message)
			}
			text := strings.Join(got, "\n")
			if tt.want == "" && text != "" || !strings.Contains(text, tt.want) {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

// TestKeysOfListsDoNothingInTabs but say where they do something.
func TestKeysOfListsDoNothingInTabs(t *testing.T) {
	for key, name := range map[string]string{"s": "Stop", "S": "Start", "2": "Images", "h": "Previous list", "l": "Next list", "p": "Pause or go on"} {
		drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			inLog(t, d, "db")
			d.Keys(key)
			d.Pass(time.Second)
			wants(t, d, key+" is "+name+" in the list; esc goes there", "next error") // still in the log
			if s := state(t, e, "db"); s != engine.Running {
				t.Errorf("%s: db is %s", key, s)
			}
		})
	}
}

// TestListKeysStayAmongLists: h and l, which are a tab's own in the detail,
// would not lead back from there.
func TestListKeysStayAmongLists(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("l")
		wants(t, d, "P pull")
		d.Keys("l")
		wants(t, d, "3 Volumes", "n new")
		d.Keys("l", "l")
		wants(t, d, "s stop")
		d.Keys("left", "left", "left")
		wants(t, d, "P pull")
		d.Keys("tab", "tab", "tab")
		d.Pass(time.Second)
		wants(t, d, "Containers Inspect Events", "esc back")
	})
}

// TestPaletteDoesWhatTabsDo: in the tab that is in sight, which gets the focus.
func TestPaletteDoesWhatTabsDo(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys(":")
		text(d, "fold all")
		wants(t, d, "Inspect, Config: Fold all", "that tab is not open")
		d.Keys("esc", ":")
		text(d, "log: search")
		d.Keys("enter")
		text(d, "ready")
		wants(t, d, "search /ready")
	})
}

// TestLogFullScreen: the same key leads back.
func TestLogFullScreen(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		inLog(t, d, "db")
		d.Keys("Z")
		lacks(t, d, "Images")
		d.Keys("Z")
		wants(t, d, "2 Images")
	})
}

// TestWhatALogAsksForIsReadable: every choice of the time window, what a time
// looks like, and the keys for it, however narrow the screen is.
func TestWhatALogAsksForIsReadable(t *testing.T) {
	for _, size := range []struct {
		w, h           int
		window, moment string
	}{{40, 12, "6:1d 0:all", "to 14:05 or 10m:"}, {120, 40, "6: 1d  0: all", "go to 14:05, or 10m ago:"}, {80, 24, "6:1d 0:all", "to 14:05 or 10m:"}} {
		drive(t, size.w, size.h, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			inLog(t, d, "db")
			d.Keys("T")
			wants(t, d, size.window, "1-6 how long", "0 all", "esc cancel")
			lacks(t, d, "enter keep")
			d.Keys("esc", "@")
			wants(t, d, size.moment, "enter go there", "esc cancel")
			d.Keys("esc", "/")
			wants(t, d, "enter keep", "esc cancel")
		})
	}
}

// TestNarrowScreensCutNoWord: the bar names every pane, a failure is readable to
// its end, and what has no room is left out whole.
func TestNarrowScreensCutNoWord(t *testing.T) {
	drive(t, 40, 12, harbour, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "1 Ctrs", "2 Imgs", "3 Vols", "4 Nets")
		d.Keys("esc", "4", "G")
		d.Pass(time.Second)
		d.Keys("d")
		wants(t, d, "every engine has none; it", " stays")
		d.Pass(5 * time.Second)
		wants(t, d, "? help")
	})
	for _, size := range []struct{ w, h int }{{40, 12}, {80, 24}, {120, 40}} {
		drive(t, size.w, size.h, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			inLog(t, d, "shop-api-1")
			d.Keys("v", "M", "up", "/", "G", "E", "T", "enter")
			d.Pass(time.Second)
			lacks(t, d, "lin…", "line…", "follow…")
			d.Keys("+")
			lacks(t, d, "zoom…", "zoome…")
		})
	}
}
