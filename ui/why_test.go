package ui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/uitest"
)

func misspelt(t *testing.T) *fake.Engine {
	e := shop(t)
	e.AddContainer(fake.Container{Name: "typo", Image: "alpine:3.20", Command: []string{"slep"}, Error: "start program: exec \"slep\x1b[2J\": executable file not found"})
	return e
}

// TestAFailedStartIsSeen: the log of a program that never ran is empty, so the
// list and the detail say why it does not run.
func TestAFailedStartIsSeen(t *testing.T) {
	drive(t, 120, 40, misspelt, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		wants(t, d, "✖ typo       start failed", "✖ 2")
		d.Keys("/", "t", "y", "p", "enter")
		d.Pass(200 * time.Millisecond)
		wants(t, d, `▲ It did not start: start program: exec "slep": executable`)
		if err := e.Containers().Remove(t.Context(), "typo", engine.RemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		d.Keys("esc")
		d.Pass(200 * time.Millisecond)
		lacks(t, d, "did not start")
	})
}

// TestAFilterShowsItsFirst: after a filter was typed enter and the actions go
// to the first row that it leaves, not to the one that happens to stand where
// the cursor was.
func TestAFilterShowsItsFirst(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("G", "/", "d", "b")
		d.Pass(200 * time.Millisecond)
		for line := range strings.Lines(d.Screen()) {
			if strings.Contains(line, "▌") {
				if !strings.Contains(line, " db ") {
					t.Errorf("the cursor is not on the first row:\n%s", d.Screen())
				}
				return
			}
		}
		t.Errorf("there is no cursor:\n%s", d.Screen())
	})
}

// TestABrokenListKeepsNoOtherBack: containers show and change while images
// cannot be read.
func TestABrokenListKeepsNoOtherBack(t *testing.T) {
	broken := func(t *testing.T) *fake.Engine {
		e := shop(t)
		e.Inject(fake.OpImageList, fake.Fault{Err: errors.New("index is torn")})
		return e
	}
	drive(t, 120, 40, broken, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		wants(t, d, "shop-api-1", "index is torn")
		lacks(t, d, "No images yet", "Nothing here yet")
		if err := e.Containers().Remove(t.Context(), "shop-api-1", engine.RemoveOptions{Force: true}); err != nil {
			t.Fatal(err)
		}
		d.Pass(200 * time.Millisecond)
		lacks(t, d, "shop-api-1")
		wants(t, d, "index is torn")
		e.Heal(fake.OpImageList)
		d.Pass(3 * time.Second)
		lacks(t, d, "index is torn")
		wants(t, d, "debian:bookworm")
	})
}

// TestTheWayToEverythingHasRoom on a narrow screen: what leaves first is a hint
// that the menu holds as well.
func TestTheWayToEverythingHasRoom(t *testing.T) {
	for _, width := range []int{40, 60, 80} {
		drive(t, width, 24, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
			wants(t, d, "x more", "? help")
			d.Keys("enter")
			wants(t, d, "? help")
			if width > 40 {
				wants(t, d, "esc back")
			}
		})
	}
}

// TestARestartLoopIsSeen: between two starts the row says how often it was
// started again, and what it ended with.
func TestARestartLoopIsSeen(t *testing.T) {
	loop := func(t *testing.T) *fake.Engine {
		e := shop(t)
		e.AddContainer(fake.Container{Name: "looping", Image: "alpine:3.20", Command: []string{"x"}, State: engine.Restarting, ExitCode: 3, Restarts: 6})
		e.AddContainer(fake.Container{Name: "lived", Image: "alpine:3.20", Command: []string{"x"}, State: engine.Running, Restarts: 2})
		return e
	}
	drive(t, 120, 40, loop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		wants(t, d, "↻ looping    restarting · ↻6 · exited 3")
		for line := range strings.Lines(d.Screen()) {
			if strings.Contains(line, "● lived") && !strings.Contains(line, " 2 ") {
				t.Errorf("how often it was started again is not told: %s", line)
			}
		}
	})
}
