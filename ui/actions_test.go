package ui_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui"
	"gantry/ui/uitest"
)

// wants fails unless the screen shows every text.
func wants(t *testing.T, d *uitest.Driver, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(d.Screen(), s) {
			t.Errorf("%q is not on the screen:\n%s", s, d.Screen())
		}
	}
}

func lacks(t *testing.T, d *uitest.Driver, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(d.Screen(), s) {
			t.Errorf("%q is on the screen:\n%s", s, d.Screen())
		}
	}
}

func state(t *testing.T, e *fake.Engine, name string) engine.State {
	t.Helper()
	d, err := e.Containers().Inspect(context.Background(), name)
	if errors.Is(err, engine.ErrNotFound) {
		return "gone"
	}
	if err != nil {
		t.Fatal(err)
	}
	return d.State.Status
}

// choose moves the cursor onto a container.
func choose(t *testing.T, d *uitest.Driver, name string) {
	t.Helper()
	d.Keys("1", "g")
	for range 20 {
		if strings.Contains(marked(d.Screen()), name) {
			return
		}
		d.Keys("j")
	}
	t.Fatalf("%s is not in the list:\n%s", name, d.Screen())
}

func TestStopAsksAndNamesTheContainer(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("s")
		wants(t, d, "Stop db?", "esc cancel")
		d.Golden("confirm-120x40")
		d.Keys("enter") // the safe answer is preselected
		if s := state(t, e, "db"); s != engine.Running {
			t.Fatalf("enter on the preselected answer stopped it: %s", s)
		}
		d.Keys("s", "y")
		d.Pass(time.Second)
		if s := state(t, e, "db"); s != engine.Exited {
			t.Errorf("it is %s", s)
		}
		wants(t, d, "✔ stopped db")
		d.Pass(10 * time.Second)
		lacks(t, d, "stopped db") // the toast leaves by itself
	})
}

func TestStartActsAtOnce(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Program("x", fake.Idle)
		choose(t, d, "migrate")
		d.Keys("S")
		d.Pass(time.Second)
		if s := state(t, e, "migrate"); s != engine.Running {
			t.Errorf("it is %s", s)
		}
	})
}

func TestWhatCannotBeDoneSaysWhy(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "migrate")
		d.Keys("s")
		wants(t, d, "Stop: it is not running")
		choose(t, d, "db")
		d.Keys("S")
		wants(t, d, "Start: it is running already")
	})
}

func TestBulkRemoveNamesEachObjectAndWhatComesBack(t *testing.T) {
	setup := func(t *testing.T) *fake.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}})
		for _, n := range []string{"one", "two", "three"} {
			e.AddContainer(fake.Container{Name: n, Image: "a:1", Command: []string{"x"}, State: engine.Exited, SizeRw: 1_500_000})
		}
		return e
	}
	drive(t, 100, 30, setup, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "three")
		d.Keys("space", "space")
		wants(t, d, "2 marked")
		d.Keys("d")
		d.Pass(200 * time.Millisecond)
		wants(t, d, "Remove 2 containers?", "3.0 MB come back")
		d.Golden("remove-100x30")
		d.Keys("y")
		d.Pass(time.Second)
		list, err := e.Containers().List(context.Background(), engine.ListOptions{All: true})
		if err != nil || len(list.Items) != 1 {
			t.Errorf("%d containers are left, %v", len(list.Items), err)
		}
		wants(t, d, "✔ removed all 2")
	})
}

func TestFailureOpensTheErrorDialogWithItsHint(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Err: &engine.OpError{Op: "stop", Kind: "container", ID: "db", Err: errors.New("the disk is on fire"), Hint: "fetch water"}})
		choose(t, d, "db")
		d.Keys("s", "y")
		d.Pass(time.Second)
		wants(t, d, "That did not work", "stop container db", "the disk is on fire", "fetch water")
		d.Golden("error-100x30")
		d.Keys("esc")
		lacks(t, d, "fetch water")
	})
}

// TestASlowEngineNeverFreezesAKey: while an operation hangs, keys go on
// working.
func TestASlowEngineNeverFreezesAKey(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Delay: 30 * time.Second})
		choose(t, d, "db")
		d.Keys("s", "y")
		wants(t, d, "◐ stop db …")
		d.Keys("?")
		wants(t, d, "╭─ Keys")
		d.Keys("?")
		d.Pass(time.Minute)
		wants(t, d, "db")
	})
}

func TestFilter(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		for _, tt := range []struct {
			filter      string
			shown, gone []string
		}{
			{"api", []string{"shop-api-1"}, []string{"worker", "migrate"}},
			{"!api", []string{"worker", "migrate"}, []string{"shop-api-1"}},
			{"status:exited", []string{"worker", "migrate"}, []string{"● db"}},
			{"status:exited !work", []string{"migrate"}, []string{"worker"}},
			{"^d.$", []string{"● db"}, []string{"migrate"}},
			{"[", []string{"The filter lets none"}, []string{"migrate"}},
		} {
			d.Keys("1", "/")
			for _, r := range tt.filter {
				d.Keys(string(r))
			}
			d.Keys("enter")
			wants(t, d, tt.shown...)
			for _, g := range tt.gone {
				if strings.Contains(leftHalf(d.Screen()), g) {
					t.Errorf("filter %q lets %s through:\n%s", tt.filter, g, d.Screen())
				}
			}
			d.Keys("esc")
			wants(t, d, "worker", "migrate")
		}
	})
}

// leftHalf is the screen without the log.
func leftHalf(screen string) string {
	var b strings.Builder
	for line := range strings.Lines(screen) {
		left, _, _ := strings.Cut(line, "││")
		b.WriteString(left + "\n")
	}
	return b.String()
}

func TestPullIsAJobWithProgress(t *testing.T) {
	setup := func(t *testing.T) *fake.Engine {
		e := shop(t)
		e.AddRemote("busybox:1", fake.Remote{Image: fake.Image{}})
		return e
	}
	drive(t, 100, 30, setup, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("2", "P")
		for _, r := range "busybox:1" {
			d.Keys(string(r))
		}
		wants(t, d, "$ gantry pull busybox:1")
		d.Keys("enter")
		d.Pass(5 * time.Second)
		wants(t, d, "─ Pull ─", "busybox:1", "12 MB in")
		d.Keys("esc")
		d.Pass(time.Second)
		wants(t, d, "busybox:1")
	})
}

func TestRunFormShowsTheCommandAndChecks(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Program("sleep", fake.Idle)
		d.Keys("2", "n") // the first image is alpine
		wants(t, d, "$ gantry run -d alpine:3.20")
		d.Keys("tab", "n", "e", "w", "tab")
		for _, r := range `sleep "1 2"` {
			d.Keys(string(r))
		}
		wants(t, d, "$ gantry run -d --name new alpine:3.20 sleep '1 2'")
		d.Golden("run-100x30")
		d.Keys("tab", "tab", "tab", "tab", "tab", "tab", "tab", "tab", "x", "enter")
		wants(t, d, "invalid size")
		d.Keys("ctrl+u", "enter")
		d.Pass(time.Second)
		c, err := e.Containers().Inspect(context.Background(), "new")
		if err != nil {
			t.Fatal(err)
		}
		if got := append([]string{c.Path}, c.Args...); len(got) != 2 || got[1] != "1 2" {
			t.Errorf("command %q", got)
		}
		if c.State.Status != engine.Running {
			t.Errorf("it is %s", c.State.Status)
		}
	})
}

func TestPaletteFindsAndDoes(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys(":")
		for _, r := range "pause" {
			d.Keys(string(r))
		}
		d.Golden("palette-100x30")
		d.Keys("enter")
		d.Pass(time.Second)
		if s := state(t, e, "db"); s != engine.Paused {
			t.Errorf("it is %s", s)
		}
		d.Keys("@")
		wants(t, d, "Command log", "gantry pause db")
	})
}

func TestMenuGreysOutWithTheReason(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "migrate")
		d.Keys("x")
		wants(t, d, "What to do", "it is not running", "Start a container that does not run")
		d.Golden("menu-100x30")
		text(d, "mark down")
		wants(t, d, "shift+down  Mark from here")
	})
}

// TestHelpSaysItsKeysOnce: in the footer, which is where hints stand.
func TestHelpSaysItsKeysOnce(t *testing.T) {
	drive(t, 80, 24, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("?")
		for _, hint := range []string{"/ search", "esc close"} {
			if n := strings.Count(d.Screen(), hint); n != 1 {
				t.Errorf("%q stands there %d times:\n%s", hint, n, d.Screen())
			}
		}
		d.Keys("/")
		text(d, "shell")
		wants(t, d, "/shell", "enter keep", "esc clear")
	})
}

func TestRename(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("R", "ctrl+u", "!", "enter")
		wants(t, d, "invalid name")
		d.Keys("ctrl+u", "p", "g", "enter")
		d.Pass(time.Second)
		if s := state(t, e, "pg"); s != engine.Running {
			t.Errorf("pg is %s", s)
		}
	})
}

// TestOptions: what the configuration may change is changed, and its mistakes
// are named.
func TestOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := shop(t)
		ctx, cancel := context.WithCancel(context.Background())
		d := uitest.New(t, ui.New(ctx, e, ui.Options{
			Theme: "lightt", ActAtOnce: []string{"stop"}, Keys: map[string][]string{"container.stop": {"ctrl+s"}, "container.nope": {"z"}},
		}), 100, 30)
		d.Pass(300 * time.Millisecond)
		wants(t, d, `no theme "lightt"`, `no action "container.nope"`)
		d.Keys("esc")
		choose(t, d, "db")
		d.Keys("s")
		lacks(t, d, "Stop db?")
		d.Keys("ctrl+s")
		d.Pass(time.Second)
		if s := state(t, e, "db"); s != engine.Exited {
			t.Errorf("db is %s", s)
		}
		cancel()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		d.End(2 * time.Minute)
	})
}

// TestTabs: each tab opens on the container under the cursor, images have
// their own, and the keys go to the tab that has the focus.
func TestTabs(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		for _, tt := range []struct{ key, shows string }{
			{"t", "CPU"}, {"i", `"/db"`}, {"]", "no environment"}, {"]", "mounts"}, {"]", "network"}, {"]", "PID"}, {"]", "create"}, {"]", "▸ etc/"}, {"]", "started"}, {"[", "▸ etc/"}, {"[", "create"}, {"[", "PID"},
		} {
			d.Keys(tt.key)
			d.Pass(3 * time.Second)
			wants(t, d, tt.shows)
		}
		d.Keys("2")
		d.Pass(time.Second)
		wants(t, d, "RepoTags")
		d.Keys("]")
		d.Pass(time.Second)
		wants(t, d, "MADE BY")
		d.Keys("1", "i", "enter", "/")
		for _, r := range "Hostname" {
			d.Keys(string(r))
		}
		d.Keys("enter")
		d.Pass(time.Second)
		wants(t, d, "Hostname")
		d.Golden("inspect-search-120x40")
	})
}

// TestSignalToOneProcess: from the list of processes to the one that gets it.
func TestSignalToOneProcess(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		choose(t, d, "db")
		d.Keys("t", "]", "]", "]", "]", "]", "enter") // the processes
		d.Pass(time.Second)
		wants(t, d, "COMMAND", "tree")
		d.Keys("K")
		wants(t, d, "Send a signal", "process ", "KILL")
		d.Keys("enter") // TERM
		d.Pass(time.Second)
		wants(t, d, "sent TERM to process ")
		if s := state(t, e, "db"); s != engine.Exited {
			t.Errorf("db is %s", s)
		}
		d.Keys("esc", "@")
		wants(t, d, "kill -TERM ")
	})
}
