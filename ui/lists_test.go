package ui_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/uitest"
)

// town is an engine with two projects, what stands alone, and a host whose load
// is known.
func town(t *testing.T) *fake.Engine {
	e := fake.New()
	now := time.Now()
	e.SetInfo(engine.Info{Name: "embedded engine", Cgroup: "v2", Storage: "overlay"})
	e.AddImage(fake.Image{Refs: []string{"shop/api:dev"}, Size: 212e6, Created: now.Add(-3 * time.Minute)})
	e.AddImage(fake.Image{Refs: []string{"alpine:3.20"}, Size: 8.8e6, Created: now.Add(-50 * time.Hour)})
	for i, c := range []struct {
		project, name string
		state         engine.State
		cores         float64
		memory        uint64
	}{
		{"shop", "shop-api-1", engine.Running, 0.42, 118}, {"shop", "shop-api-2", engine.Running, 0.38, 121}, {"shop", "shop-api-10", engine.Running, 0.11, 99},
		{"shop", "shop-migrate", engine.Created, 0, 0}, {"blog", "blog_web", engine.Running, 0.02, 22}, {"blog", "blog_db", engine.Paused, 0, 340},
		{"", "scratchpad", engine.Running, 0, 3}, {"", "worker", engine.Exited, 0, 0},
	} {
		script := fake.Container{Name: c.name, Image: "shop/api:dev", Command: []string{"x"}, State: c.state, Created: now.Add(-time.Duration(i+1) * time.Hour)}
		if c.project != "" {
			script.Labels = map[string]string{"com.docker.compose.project": c.project}
		}
		if c.state == engine.Exited {
			script.ExitCode, script.OOM = 137, true
		}
		e.AddContainer(script)
		if err := e.SetSample(c.name, func(at time.Time) engine.Sample {
			s := at.Sub(now).Seconds()
			return engine.Sample{
				CPU:    engine.CPUSample{Usage: uint64(c.cores * 1e9 * (s + 0.4*math.Sin(s))), Online: 4},
				Memory: engine.MemSample{Usage: c.memory << 20, Limit: 8 << 30}, PIDs: 2,
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	e.SetHost(func(at time.Time) engine.HostSample {
		n := uint64(at.Sub(now).Milliseconds())
		return engine.HostSample{Busy: n / 3, Total: n + 1, MemoryUsed: 6_100 << 20, MemoryTotal: 23 << 30, StoreUsed: 42e9, StoreTotal: 80e9}
	})
	return e
}

// rows are the first words of the lines of the list of containers.
func rows(d *uitest.Driver) string {
	var out []string
	for i, line := range strings.Split(d.Screen(), "\n") {
		if strings.HasPrefix(line, "╰") {
			break
		}
		inner, ok := strings.CutPrefix(line, "│")
		if f := strings.Fields(strings.NewReplacer("▌", " ", "✓", " ").Replace(inner)); ok && i > 2 && !strings.HasPrefix(f[0], "│") {
			out = append(out, f[1])
		}
	}
	return strings.Join(out, " ")
}

func TestTownScreens(t *testing.T) {
	for _, size := range []struct{ w, h int }{{40, 12}, {80, 24}, {120, 40}, {200, 50}} {
		name := fmt.Sprintf("%dx%d", size.w, size.h)
		t.Run(name, func(t *testing.T) {
			drive(t, size.w, size.h, town, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				d.Pass(12 * time.Second)
				d.Golden("town-" + name)
			})
		})
	}
}

func TestProjectsFold(t *testing.T) {
	drive(t, 120, 40, town, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if got, want := rows(d), "blog db web shop api-1 api-2 api-10 migrate scratchpad worker"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		wants(t, d, "by project", "1/8", "3/4")
		d.Keys("z")
		if got, want := rows(d), "blog shop api-1 api-2 api-10 migrate scratchpad worker"; got != want {
			t.Errorf("folded: got %q, want %q", got, want)
		}
		wants(t, d, "blog: 2 of 2 running")
		d.Keys("enter")
		if got := rows(d); !strings.HasPrefix(got, "blog db web") {
			t.Errorf("enter on the heading: %q", got)
		}
		d.Keys("Z")
		if got, want := rows(d), "blog shop scratchpad worker"; got != want {
			t.Errorf("all folded: got %q, want %q", got, want)
		}
		d.Keys("o") // by name: no headings
		if got := rows(d); !strings.HasPrefix(got, "blog_db blog_web scratchpad shop-api-1 shop-api-2 shop-api-10") {
			t.Errorf("by name: %q", got)
		}
	})
}

// TestActionsOnAHeadingGoToItsProject, each named before anything happens.
func TestActionsOnAHeadingGoToItsProject(t *testing.T) {
	drive(t, 120, 40, town, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("j", "j", "z", "s")
		wants(t, d, "shop-api-1", "shop-api-2", "shop-api-10", "Stop 3 containers?")
		lacks(t, d, "Stop 4")
	})
}

func TestRangesMarkWhatIsBetween(t *testing.T) {
	drive(t, 120, 40, town, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "api-1")
		d.Keys("v", "j", "j")
		wants(t, d, "✓ 3 marked")
		d.Keys("esc")
		lacks(t, d, "marked")
		d.Keys("shift+up", "shift+up")
		wants(t, d, "✓ 3 marked")
		d.Keys("space", "G", "space")
		wants(t, d, "✓ 4 marked")
		d.Keys("d")
		d.Pass(time.Second)
		wants(t, d, "Remove 4 containers?", "shop-api-10", "worker")
	})
}

// TestRowsAreMeasuredWhileTheyShow, and not after the key that turns it off.
func TestRowsAreMeasuredWhileTheyShow(t *testing.T) {
	drive(t, 120, 40, town, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Pass(5 * time.Second)
		wants(t, d, "118 MiB", "cpu ", "mem 6.0/23 GiB", "disk 42/80 GB")
		d.Keys("o", "o") // by CPU
		if got := rows(d); !strings.HasPrefix(got, "shop-api-1 shop-api-2 shop-api-10 blog_web") {
			t.Errorf("by CPU: %q", got)
		}
		d.Keys("%")
		lacks(t, d, "118 MiB", "mem 6.0")
		before := d.Raw()
		d.Pass(20 * time.Second)
		lacks(t, d, "118 MiB")
		if d.Raw() == before { // the toast has left
			t.Error("the toast stays")
		}
		d.Keys("%")
		d.Pass(3 * time.Second)
		wants(t, d, "118 MiB")
	})
}

func TestJobs(t *testing.T) {
	slow := func(t *testing.T) *fake.Engine {
		e := town(t)
		e.AddRemote("big:1", fake.Remote{Pace: 2 * time.Second})
		return e
	}
	drive(t, 120, 40, slow, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		lacks(t, d, "8 Jobs")
		d.Keys("8")
		wants(t, d, "Jobs: there are none")
		if _, err := e.Jobs().Start(t.Context(), engine.JobSpec{Kind: "pull", Args: map[string]string{"ref": "big:1"}}); err != nil {
			t.Fatal(err)
		}
		d.Pass(3 * time.Second)
		wants(t, d, "╭─ 8 Jobs 1", "pull big:1")
		d.Golden("jobs-120x40")
		d.Keys("8")
		wants(t, d, "running since", "enter watches it.")
		lacks(t, d, "Log Stats Inspect") // the tabs of a container
		d.Keys("enter")
		wants(t, d, "cancel it")
		d.Keys("esc")
		d.Keys("s", "y")
		d.Pass(3 * time.Second)
		wants(t, d, "canceled after", "enter shows all of it.")
		d.Keys("esc", "1")
		d.Pass(time.Second)
		lacks(t, d, "╭─ 8 Jobs") // over: only in the bar
		wants(t, d, " 8 Jobs 1")
		d.Keys("8", "d")
		d.Pass(time.Second)
		lacks(t, d, "8 Jobs")
	})
}

// TestSidesOnWideScreens: the log has a column of its own, and is not a tab.
func TestSidesOnWideScreens(t *testing.T) {
	drive(t, 200, 50, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "shop-api-1")
		d.Pass(time.Second)
		wants(t, d, "Log  shop-api-1", "GET /cart", "Stats Inspect Env")
		d.Keys("m") // full screen, and back
		d.Pass(time.Second)
		wants(t, d, "GET /cart")
		d.Keys("esc", "esc")
		d.Pass(time.Second)
		wants(t, d, "Log  shop-api-1", "GET /cart")
		d.Keys("shift+tab") // the column itself
		wants(t, d, "f follow")
		d.Send(tea.WindowSizeMsg{Width: 120, Height: 40})
		d.Pass(time.Second)
		wants(t, d, "● shop-api-1  Log Stats", "GET /cart", "f follow")
	})
}
