package ui_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/images"
	"gantry/ui/uitest"
)

// stocked is shop with what dialogs can show more of: an image with a whole
// configuration, images that nobody uses, limits, registries.
func stocked(t *testing.T) *fake.Engine {
	e := shop(t)
	e.AddImage(fake.Image{Refs: []string{"nginx:1.27", "nginx:stable"}, Size: 187_000_000, Config: images.Config{
		Entrypoint: []string{"/docker-entrypoint.sh"}, Cmd: []string{"nginx", "-g", "daemon off;"}, User: "nginx", WorkingDir: "/srv",
		Env: []string{"PATH=/usr/bin", "NGINX_VERSION=1.27"},
	}})
	e.AddImage(fake.Image{Refs: []string{"redis:7"}, Size: 117_000_000, Config: images.Config{Cmd: []string{"redis-server"}}})
	e.Program("redis-server", fake.Idle)
	e.AddImage(fake.Image{Size: 52_000_000})
	e.AddContainer(fake.Container{Name: "limited", Image: "redis:7", State: engine.Running, Host: engine.HostConfig{Resources: engine.Resources{Memory: 256 << 20, NanoCpus: 1.5e9, PidsLimit: 100}}})
	e.AddRemote("busybox:1", fake.Remote{Pace: 400 * time.Millisecond})
	e.AddRemote("private:1", fake.Remote{Err: images.ErrUnauthorized})
	return e
}

// text types each character.
func text(d *uitest.Driver, s string) {
	for _, r := range s {
		if r == ' ' {
			d.Keys("space")
			continue
		}
		d.Keys(string(r))
	}
}

// palette does what a line of the palette says.
func palette(d *uitest.Driver, line string) {
	d.Keys(":")
	text(d, line)
	d.Keys("enter")
	d.Pass(100 * time.Millisecond)
}

// chooseImage moves the cursor onto an image.
func chooseImage(t *testing.T, d *uitest.Driver, name string) {
	t.Helper()
	palette(d, "images")
	palette(d, "filter "+name)
}

// TestWindows draws every dialog at three sizes.
func TestWindows(t *testing.T) {
	for _, tt := range []struct {
		name, title string
		open        func(t *testing.T, e *fake.Engine, d *uitest.Driver)
	}{
		{"stop", "Stop", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "stop db shop-api-1") }},
		{"restart", "Restart", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "restart worker") }},
		{"remove", "Remove", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "rm db worker migrate") }},
		{"remove-image", "Remove", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "rmi alpine:3.20") }},
		{"remove-images", "Remove", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "rmi redis:7 nginx:1.27 debian:bookworm")
		}},
		{"kill", "Send a signal", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "kill db") }},
		{"rename", "Rename", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { choose(t, d, "db"); d.Keys("R") }},
		{"limits", "Change limits", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "update limited") }},
		{"exec", "Run a command in it", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "exec db"); text(d, "ps") }},
		{"commit", "Make an image of it", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "commit db"); text(d, "my/db:1") }},
		{"attach", "Attach", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "attach db") }},
		{"run", "Run a new container", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			chooseImage(t, d, "nginx")
			d.Keys("n")
			d.Pass(100 * time.Millisecond)
		}},
		{"run-filled", "Run a new container", runFilled},
		{"run-wrong", "Run a new container", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			chooseImage(t, d, "nginx")
			d.Keys("n", "tab")
			text(d, "db")
			d.Keys("enter")
		}},
		{"run-leave", "Run a new container", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { runFilled(t, e, d); d.Keys("esc") }},
		{"pull", "Pull an image", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { d.Keys("2", "P"); text(d, "busyb") }},
		{"pull-progress", "Pull", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "pull busybox:1")
			d.Pass(2 * time.Second)
		}},
		{"pull-done", "Pull", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "pull busybox:1")
			d.Pass(5 * time.Second)
		}},
		{"pull-failed", "Pull", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "pull nope:1"); d.Pass(time.Second) }},
		{"pull-unauthorized", "The registry wants a login", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "pull private:1")
			d.Pass(time.Second)
		}},
		{"push", "Push", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "push redis:7") }},
		{"push-which", "Push which name?", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { chooseImage(t, d, "nginx"); d.Keys("U") }},
		{"login", "Log in to a registry", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "login registry.example.com")
			d.Keys("tab")
			text(d, "bob")
			d.Keys("tab")
			text(d, "secret")
		}},
		{"logout", "Log out of a registry", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "logout") }},
		{"tag", "Tag", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			chooseImage(t, d, "redis")
			d.Keys("t")
			text(d, "alpine:3.20")
		}},
		{"save", "Save to a file", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { chooseImage(t, d, "redis"); d.Keys("S") }},
		{"load", "Load from a file", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "load") }},
		{"import", "Import a file system", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "import") }},
		{"prune", "Prune", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "prune")
			d.Keys("tab", "tab", "space")
		}},
		{"work", "Stop", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			e.Inject(fake.OpStop, fake.Fault{Delay: 30 * time.Second})
			palette(d, "stop db shop-api-1 limited")
			d.Keys("y")
			d.Pass(time.Second)
		}},
		{"report", "Remove", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "rmi redis:7 nginx:1.27 debian:bookworm")
			d.Keys("y")
			d.Pass(time.Second)
		}},
		{"failure", "That did not work", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			e.Inject(fake.OpStart, fake.Fault{Err: &engine.OpError{Op: "start", Kind: "container", ID: "migrate", Err: errors.New(`exec: "x": executable file not found in $PATH`)}})
			palette(d, "start migrate")
			d.Keys("e")
		}},
		{"menu", "What to do", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { choose(t, d, "migrate"); d.Keys("x") }},
		{"palette", "Command", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { d.Keys(":"); text(d, "res") }},
		{"palette-arguments", "Command", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { d.Keys(":"); text(d, "stop s") }},
		{"palette-wrong", "Command", func(t *testing.T, e *fake.Engine, d *uitest.Driver) { palette(d, "stop nobody") }},
		{"history", "Command log", func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			palette(d, "pause db")
			palette(d, "tag redis:7 mine:1")
			d.Keys("@")
		}},
	} {
		for _, size := range []struct{ w, h int }{{40, 12}, {80, 24}, {120, 40}} {
			name := fmt.Sprintf("%s-%dx%d", tt.name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				drive(t, size.w, size.h, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
					tt.open(t, e, d)
					d.GoldenWindow("windows/"+name, tt.title)
				})
			})
		}
	}
}

func runFilled(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
	chooseImage(t, d, "nginx")
	d.Keys("n", "tab")
	text(d, "web")
	d.Keys("tab", "right", "tab")
	text(d, "A=1")
	d.Keys("enter")
	text(d, "B=two words")
	d.Keys("tab")
	text(d, "/data:/srv/data:ro")
	d.Keys("tab", "right", "tab")
	text(d, "8080:80")
	d.Keys("tab", "tab", "tab", "space", "tab")
	text(d, "256m")
	d.Keys("tab")
	text(d, "1.5")
}
