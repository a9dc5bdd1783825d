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
