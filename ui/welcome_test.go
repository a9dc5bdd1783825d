package ui_test

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/internal/demo/service"
	"gantry/ui"
	"gantry/ui/uitest"
)

// nothing is an engine without containers or images, that knows the program of
// the demo.
func nothing(*testing.T) *fake.Engine {
	e := fake.New()
	e.Program(path.Base(service.Path), func(ctx context.Context, p *fake.Process) int {
		if p.Args[len(p.Args)-1] == service.Migrate {
			return 1
		}
		<-ctx.Done()
		return 0
	})
	return e
}

func TestWelcomeAtEverySize(t *testing.T) {
	for name, size := range map[string][2]int{"40x12": {40, 12}, "80x24": {80, 24}, "120x40": {120, 40}, "200x50": {200, 50}} {
		drive(t, size[0], size[1], nothing, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			d.Golden("welcome-" + name)
		})
	}
}

// TestWelcomeOffersItsKeys wherever they belong otherwise.
func TestWelcomeOffersItsKeys(t *testing.T) {
	drive(t, 100, 30, nothing, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("P")
		if !strings.Contains(d.Screen(), "Pull an image") {
			t.Errorf("P does not ask for an image:\n%s", d.Screen())
		}
		d.Keys("esc", "enter")
		if !strings.Contains(d.Screen(), "Pull an image") {
			t.Errorf("enter does not take the first offer:\n%s", d.Screen())
		}
		d.Keys("esc", "D")
		d.Pass(time.Second)
		for _, want := range []string{"web-1", "web-2", "queue-1", "store-1", "migrate-1", "started the demo"} {
			if !strings.Contains(d.Screen(), want) {
				t.Errorf("%s is missing after D:\n%s", want, d.Screen())
			}
		}
	})
}

// TestWelcomeGoesWithTheFirstObject, and comes back after the last.
func TestWelcomeGoesWithTheFirstObject(t *testing.T) {
	drive(t, 100, 30, nothing, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.AddImage(fake.Image{Refs: []string{"alpine:3.20"}})
		e.Emit(engine.Event{Kind: engine.KindImage, Action: engine.ActionPull, ID: "alpine:3.20"})
		d.Pass(200 * time.Millisecond)
		if s := d.Screen(); strings.Contains(s, "Welcome") || !strings.Contains(s, "alpine:3.20") {
			t.Errorf("an image has come:\n%s", s)
		}
		if _, err := e.Images().Remove(t.Context(), "alpine:3.20", engine.ImageRemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		d.Pass(200 * time.Millisecond)
		if !strings.Contains(d.Screen(), "Welcome") {
			t.Errorf("the image has gone:\n%s", d.Screen())
		}
	})
}

// TestRemovalOfTheDemoNamesWhatGoes, and leaves the user's own.
func TestRemovalOfTheDemoNamesWhatGoes(t *testing.T) {
	drive(t, 100, 30, nothing, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("D")
		d.Pass(time.Second)
		e.AddImage(fake.Image{Refs: []string{"alpine:3.20"}})
		e.AddContainer(fake.Container{Name: "mine", Image: "alpine:3.20", Command: []string{"sleep", "9"}, Labels: map[string]string{"com.docker.compose.project": "demo"}})
		d.Pass(time.Second)
		d.Keys(":")
		d.Keys(strings.Split("remove the demo", "")...)
		d.Keys("enter")
		s := d.Screen()
		for _, want := range []string{"Remove the demo?", "demo-web-1", "demo-web-2", "demo-queue-1", "demo-store-1", "demo-migrate-1", "gantry/demo:latest", "$ gantry demo --rm"} {
			if !strings.Contains(s, want) {
				t.Errorf("the question does not name %s:\n%s", want, s)
			}
		}
		d.Keys("y")
		d.Pass(time.Second)
		list, err := e.Containers().List(t.Context(), engine.ListOptions{All: true})
		if err != nil || len(list.Items) != 1 || list.Items[0].Name != "mine" {
			t.Errorf("left are %+v, %v", list.Items, err)
		}
	})
}

// TestRefusedSaysWhatIsMissing and how to get it.
func TestRefusedSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := &engine.OpError{Op: "open", Kind: "engine", ID: "/var/lib/gantry", Err: errors.New("not permitted: it needs root"), Hint: "run it with sudo"}
		d := uitest.New(t, ui.NewRefused(err, []engine.Feature{
			{Name: "root", Note: "this process has no privileges", Hint: "run it with sudo"}, {Name: "overlay", OK: true},
		}, ui.Options{}), 80, 24)
		d.Golden("refused-80x24")
		d.Send(tea.WindowSizeMsg{Width: 40, Height: 12})
		d.Golden("refused-40x12")
		d.Keys("q")
		if !d.Quit() {
			t.Error("q does not leave")
		}
	})
}
