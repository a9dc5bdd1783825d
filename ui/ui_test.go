package ui_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/logs"
	"gantry/ui"
	"gantry/ui/uitest"
)

// shop is an engine with a container in every state.
func shop(t *testing.T) *fake.Engine {
	t.Helper()
	e := fake.New()
	now := time.Now()
	e.SetInfo(engine.Info{Name: "embedded engine", Cgroup: "v2", Storage: "overlay"})
	for i, ref := range []string{"alpine:3.20", "shop/api:dev", "debian:bookworm", "registry.example.com/team/path/to/image:v1.2.3"} {
		e.AddImage(fake.Image{Refs: []string{ref}, Size: int64(i+1) * 12_345_678, Created: now.Add(-time.Duration(i) * 50 * time.Hour)})
	}
	e.AddContainer(fake.Container{
		Name: "shop-api-1", Image: "shop/api:dev", Command: []string{"serve"}, State: engine.Running, Created: now.Add(-3 * time.Minute),
		Log: lines(now, "INFO  GET /cart 200 12ms", "\x1b[31mred\x1b[2J\x1b[H escapes\tits pane? 漢字", "INFO  GET /health 200 0ms"),
	})
	e.AddContainer(fake.Container{Name: "db", Image: "debian:bookworm", Command: []string{"x"}, State: engine.Running, Created: now.Add(-3 * time.Hour)})
	e.AddContainer(fake.Container{Name: "worker", Image: "registry.example.com/team/path/to/image:v1.2.3", Command: []string{"x"}, State: engine.Exited, ExitCode: 137, OOM: true, Created: now.Add(-3 * time.Hour)})
	e.AddContainer(fake.Container{Name: "migrate", Image: "alpine:3.20", Command: []string{"x"}, State: engine.Exited, Created: now.Add(-72 * time.Hour)})
	e.AddContainer(fake.Container{Name: "frozen", Image: "alpine:3.20", Command: []string{"x"}, State: engine.Paused})
	return e
}

func lines(at time.Time, texts ...string) []logs.Entry {
	var out []logs.Entry
	for i, s := range texts {
		out = append(out, logs.Entry{Time: at.Add(time.Duration(i) * time.Millisecond), Stream: logs.Stdout, Line: []byte(s)})
	}
	return out
}

// drive runs a test in a bubble with a workbench over eng.
func drive(t *testing.T, width, height int, setup func(t *testing.T) *fake.Engine, test func(t *testing.T, e *fake.Engine, d *uitest.Driver)) {
	t.Helper()
	driveWith(t, width, height, ui.Options{}, setup, test)
}

// driveWith is drive with options.
func driveWith(t *testing.T, width, height int, opts ui.Options, setup func(t *testing.T) *fake.Engine, test func(t *testing.T, e *fake.Engine, d *uitest.Driver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("TZ", "UTC")
		e := setup(t)
		ctx, cancel := context.WithCancel(context.Background())
		d := uitest.New(t, ui.New(ctx, e, opts), width, height)
		d.Pass(300 * time.Millisecond)
		defer func() { // also after a test that gave up: the bubble waits for all that runs in it
			cancel()
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			d.End(2 * time.Minute)
		}()
		test(t, e, d)
	})
}

func TestScreens(t *testing.T) {
	for _, size := range []struct{ w, h int }{{40, 12}, {60, 24}, {80, 24}, {120, 40}, {200, 50}} {
		name := fmt.Sprintf("%dx%d", size.w, size.h)
		t.Run(name, func(t *testing.T) {
			drive(t, size.w, size.h, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				d.Golden("list-" + name)
				d.Keys("G")
				d.Pass(200 * time.Millisecond)
				d.Keys("enter")
				d.Golden("log-" + name)
				d.Keys("?")
				d.Golden("help-" + name)
				for i, line := range strings.Split(d.Raw(), "\n") {
					if w := ansi.StringWidth(line); w > size.w {
						t.Errorf("line %d is %d cells wide:\n%s", i, w, d.Screen())
					}
				}
			})
		})
	}
}

func TestEmptyStoreSaysWhatToDo(t *testing.T) {
	drive(t, 80, 24, func(*testing.T) *fake.Engine { return fake.New() }, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Golden("empty-80x24")
	})
}

// TestChangesShowByThemselves: what another process does is on the screen
// without a key.
func TestChangesShowByThemselves(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if _, err := e.Containers().Create(context.Background(), engine.CreateOptions{Name: "newcomer", Config: engine.ContainerConfig{Image: "alpine:3.20", Cmd: []string{"sleep", "9"}}}); err != nil {
			t.Fatal(err)
		}
		d.Pass(100 * time.Millisecond)
		if !strings.Contains(d.Screen(), "newcomer") {
			t.Errorf("a container that was created is not shown after 100 ms:\n%s", d.Screen())
		}
	})
}

// TestCursorStaysOnItsContainer while rows are added above it.
func TestCursorStaysOnItsContainer(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("j", "j")
		before := marked(d.Screen())
		if _, err := e.Containers().Create(context.Background(), engine.CreateOptions{Name: "aaa", Config: engine.ContainerConfig{Image: "alpine:3.20", Cmd: []string{"true"}}}); err != nil {
			t.Fatal(err)
		}
		d.Pass(200 * time.Millisecond)
		if after := marked(d.Screen()); after != before {
			t.Errorf("the cursor went from %q to %q", before, after)
		}
	})
}

func marked(screen string) string {
	for line := range strings.Lines(screen) {
		if _, rest, ok := strings.Cut(strings.Replace(line, "|>", "|▌", 1), "▌"); ok { // either set of glyphs
			return strings.Join(strings.Fields(rest)[:2], " ")
		}
	}
	return ""
}

// TestLogHoldsStillWhileScrolledBack: new lines do not move what is read.
func TestLogHoldsStillWhileScrolledBack(t *testing.T) {
	many := func(t *testing.T) *fake.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}})
		var texts []string
		for i := range 200 {
			texts = append(texts, fmt.Sprintf("line %d", i))
		}
		e.AddContainer(fake.Container{Name: "talker", Image: "a:1", Command: []string{"x"}, State: engine.Running, Log: lines(time.Now(), texts...)})
		return e
	}
	drive(t, 100, 24, many, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("enter", "k", "k", "k")
		top := topLine(d.Screen())
		for i := range 50 {
			if err := e.Log("talker", logs.Stdout, fmt.Sprintf("new %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		d.Pass(200 * time.Millisecond)
		if got := topLine(d.Screen()); got != top {
			t.Errorf("the view moved from %q to %q", top, got)
		}
		if !strings.Contains(d.Screen(), "50 new lines below") {
			t.Errorf("the number of lines below is not shown:\n%s", d.Screen())
		}
		d.Keys("G")
		if !strings.Contains(d.Screen(), "new 49") || !strings.Contains(d.Screen(), "following") {
			t.Errorf("G does not follow again:\n%s", d.Screen())
		}
	})
}

func topLine(screen string) string {
	return strings.Split(screen, "\n")[2]
}

// TestEngineFailureIsShownAndPasses: a failing list is named in the footer,
// keys go on working, and it goes away by itself.
func TestEngineFailureIsShownAndPasses(t *testing.T) {
	broken := func(t *testing.T) *fake.Engine {
		e := shop(t)
		e.Inject(fake.OpList, fake.Fault{Err: errors.New("disk on fire"), Times: 1})
		return e
	}
	drive(t, 100, 30, broken, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if !strings.Contains(d.Screen(), "disk on fire") {
			t.Errorf("the failure is not shown:\n%s", d.Screen())
		}
		d.Pass(3 * time.Second)
		if s := d.Screen(); strings.Contains(s, "disk on fire") || !strings.Contains(s, "shop-api-1") {
			t.Errorf("the failure does not pass:\n%s", s)
		}
		d.Keys("q")
		if !d.Quit() {
			t.Error("q does not quit")
		}
	})
}

// TestIdleDrawsNothingNew: with nothing happening the screen stays as it is,
// ages apart.
func TestIdleDrawsNothingNew(t *testing.T) {
	old := func(t *testing.T) *fake.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}, Created: time.Now().Add(-100 * time.Hour)})
		for _, name := range []string{"one", "two"} {
			e.AddContainer(fake.Container{Name: name, Image: "a:1", Command: []string{"x"}, State: engine.Running, Created: time.Now().Add(-100 * time.Hour)})
		}
		return e
	}
	drive(t, 120, 40, old, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("%") // else the rows show what was measured
		d.Pass(5 * time.Second)
		before := d.Raw()
		d.Pass(20 * time.Second)
		if d.Raw() != before {
			t.Errorf("the screen changed while nothing happened:\n%s", d.Screen())
		}
	})
}
