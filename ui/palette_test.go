package ui_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry/engine/fake"
	"gantry/ui"
	"gantry/ui/uitest"
)

// TestPaletteRemembers lines from one start to the next, each once, and keeps
// them from other users.
func TestPaletteRemembers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	start := func(t *testing.T, test func(t *testing.T, e *fake.Engine, d *uitest.Driver)) {
		synctest.Test(t, func(t *testing.T) {
			e := stocked(t)
			ctx, cancel := context.WithCancel(context.Background())
			d := uitest.New(t, ui.New(ctx, e, ui.Options{StateDir: dir}), 100, 30)
			defer func() {
				cancel()
				if err := e.Close(); err != nil {
					t.Error(err)
				}
				d.End(2 * time.Minute)
			}()
			d.Pass(300 * time.Millisecond)
			test(t, e, d)
		})
	}
	start(t, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		palette(d, "pause db")
		palette(d, "tag redis:7 mine:1")
		palette(d, "pause db")
	})
	text, err := os.ReadFile(filepath.Join(dir, "palette"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(strings.ReplaceAll(string(text), " ", "_")); !slices.Equal(got, []string{"tag_redis:7_mine:1", "pause_db"}) {
		t.Errorf("kept: %q", got)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	start(t, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		d.Keys(":", "up", "up")
		wants(t, d, "› tag redis:7 mine:1")
	})
}

// TestANewContainerIsChosen when it is there.
func TestANewContainerIsChosen(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		palette(d, "run redis:7 --name zebra")
		d.Pass(time.Second)
		if got := marked(d.Screen()); got != "● zebra" {
			t.Errorf("the cursor is on %q", got)
		}
	})
}

// TestPaletteArguments does what the words say, and says why not.
func TestPaletteArguments(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		for _, tt := range []struct{ line, wrong string }{
			{"stop nobody", `there is no container "nobody"`},
			{"stop migrate", "migrate: it is not running"},
			{"start db", "db: it is running already"},
			{"run", ""},
			{"run --name x", "which image?"},
			{"run alpine --frobnicate", "--frobnicate: not known here"},
			{"run alpine --name", "--name: its value is missing"},
			{"run alpine -m lots", "invalid size"},
			{"run alpine --name db", "the name of another container"},
			{"tag redis:7 NOT_OK!", "parse image reference"},
			{"rename db a!", "invalid name"},
			{"rmi nope", `there is no image "nope"`},
			{"theme nope", `there is no theme "nope"`},
			{"exec migrate ls", "it is not running"},
			{"save", ""},
			{"load a b", "want load FILE"},
			{`stop "db`, "a quote is not closed"},
		} {
			if tt.wrong == "" {
				continue
			}
			d.Keys(":")
			text(d, tt.line)
			d.Keys("enter")
			if w := d.Window("Command"); !strings.Contains(strings.ReplaceAll(w, "\n", " "), "▲ ") || !strings.Contains(strings.ToLower(w), strings.ToLower(tt.wrong)) {
				t.Errorf("%s: %q is not said:\n%s", tt.line, tt.wrong, d.Screen())
			}
			d.Keys("esc")
		}
		d.Keys(":", "up")
		wants(t, d, `stop "db`) // the last line can be put right
		d.Keys("esc")
		palette(d, "theme light")
		palette(d, "stats db")
		d.Pass(time.Second)
		wants(t, d, "● db")
	})
}

// TestPaletteCompletesPaths: folders go on, blanks in names are kept together,
// and what is typed at the end names the file.
func TestPaletteCompletesPaths(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "archives", "old ones"), 0o755); err != nil {
		t.Fatal(err)
	}
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys(":")
		text(d, "save shop/api:dev "+dir+"/ar")
		d.Keys("tab")
		text(d, "o")
		d.Keys("tab")
		wants(t, d, `archives/old\ ones/`)
		text(d, "api.tar")
		d.Keys("enter")
		d.Pass(time.Second)
		file := filepath.Join(dir, "archives", "old ones", "api.tar")
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%v:\n%s", err, d.Screen())
		}
		wants(t, d, "Save", "done", "saved shop/api:dev")
		d.Keys("esc", ":")
		text(d, "load "+dir+"/archives/old")
		d.Keys("tab", "tab", "enter")
		d.Pass(time.Second)
		wants(t, d, "loaded shop/api:dev")
	})
}

// TestSaveIsWatchedAndCancelled: while it writes it says how far it is.
func TestSaveIsWatchedAndCancelled(t *testing.T) {
	dir := t.TempDir()
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpSave, fake.Fault{Delay: time.Minute})
		palette(d, "save alpine:3.20 "+dir+"/a.tar")
		d.Pass(time.Second)
		wants(t, d, "Save", "a.tar")
		d.Keys("x")
		d.Pass(time.Second)
		wants(t, d, "was cancelled")
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("it leaves %v, %v", left, err)
		}
	})
}
