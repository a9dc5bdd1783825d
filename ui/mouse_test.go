package ui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/uitest"
)

// spot finds a text on the screen, in cells.
func spot(t *testing.T, d *uitest.Driver, text string) (x, y int) {
	t.Helper()
	for y, line := range strings.Split(d.Screen(), "\n") {
		if before, _, ok := strings.Cut(line, text); ok {
			return ansi.StringWidth(before), y
		}
	}
	t.Fatalf("%q is not on the screen:\n%s", text, d.Screen())
	return 0, 0
}

func click(d *uitest.Driver, x, y int, mod ...tea.KeyMod) {
	m := tea.Mouse{X: x, Y: y, Button: tea.MouseLeft}
	for _, k := range mod {
		m.Mod |= k
	}
	d.Send(tea.MouseClickMsg(m))
	d.Send(tea.MouseReleaseMsg(m))
}

// clickOn clicks on a text.
func clickOn(t *testing.T, d *uitest.Driver, text string, mod ...tea.KeyMod) {
	t.Helper()
	x, y := spot(t, d, text)
	click(d, x, y, mod...)
}

func wheel(d *uitest.Driver, x, y int, button tea.MouseButton) {
	d.Send(tea.MouseWheelMsg{X: x, Y: y, Button: button})
}

func TestClicks(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		clickOn(t, d, "migrate")
		if got := marked(d.Screen()); got != "○ migrate" {
			t.Errorf("a click chose %q", got)
		}
		d.Pass(time.Second)
		clickOn(t, d, "shop-api-1")
		clickOn(t, d, "shop-api-1")
		d.Pass(time.Second)
		wants(t, d, "f follow") // the detail has the focus
		clickOn(t, d, "Inspect")
		d.Pass(time.Second)
		wants(t, d, `"/shop-api-1"`)
		clickOn(t, d, "debian:bookworm") // an image
		d.Pass(time.Second)
		wants(t, d, "Config History", "P pull")
		clickOn(t, d, "P pull")
		wants(t, d, "Pull an image")
		clickOn(t, d, "esc cancel")
		lacks(t, d, "Pull an image")
		clickOn(t, d, "1 Containers") // the border is the pane's
		clickOn(t, d, "? help")
		wants(t, d, "Everywhere")
	})
}

func TestClickOnATitleSorts(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		before := func(a, b string) bool { return strings.Index(d.Screen(), a) < strings.Index(d.Screen(), b) }
		clickOn(t, d, "age")
		wants(t, d, "by age", "age↑")
		if !before("worker", "shop-api-1") {
			t.Errorf("not by age:\n%s", d.Screen())
		}
		clickOn(t, d, "age↑")
		if !before("shop-api-1", "worker") {
			t.Errorf("a second click does not turn it round:\n%s", d.Screen())
		}
		d.Keys("2", "+") // a short list has no line for titles
		clickOn(t, d, "size")
		wants(t, d, "by size", "size↓")
		if !before("image:v1.2.3", "debian:bookworm") {
			t.Errorf("images are not by size:\n%s", d.Screen())
		}
	})
}

func TestMarksByMouse(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		x, y := spot(t, d, "migrate")
		click(d, x, y, tea.ModCtrl)
		wants(t, d, "✓ 1 marked")
		click(d, x, y, tea.ModCtrl)
		lacks(t, d, "marked")
		clickOn(t, d, "frozen")
		clickOn(t, d, "worker", tea.ModShift)
		wants(t, d, "✓ 4 marked")
	})
}

func crowd(t *testing.T) *fake.Engine {
	e := fake.New()
	e.AddImage(fake.Image{Refs: []string{"a:1"}})
	for i := range 100 {
		e.AddContainer(fake.Container{Name: fmt.Sprintf("c%03d", i), Image: "a:1", Command: []string{"x"}, State: engine.Created})
	}
	return e
}

// TestWheelScrollsWhatIsUnderIt, whatever has the focus.
func TestWheelScrollsWhatIsUnderIt(t *testing.T) {
	drive(t, 120, 40, crowd, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		d.Keys("2")
		wheel(d, 10, 10, tea.MouseWheelDown)
		wheel(d, 10, 10, tea.MouseWheelDown)
		lacks(t, d, "c005")
		wants(t, d, "c006")
		wheel(d, 10, 10, tea.MouseWheelUp)
		wants(t, d, "c003")
		wheel(d, 100, 10, tea.MouseWheelDown) // the detail
		wants(t, d, "c003")
	})
}

func TestSplittersStayWhereTheyWereDragged(t *testing.T) {
	drive(t, 200, 50, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		drag := func(x, y, toX, toY int) {
			d.Send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
			d.Send(tea.MouseMotionMsg{X: (x + toX) / 2, Y: (y + toY) / 2, Button: tea.MouseLeft})
			d.Send(tea.MouseMotionMsg{X: toX, Y: toY, Button: tea.MouseLeft})
			d.Send(tea.MouseReleaseMsg{X: toX, Y: toY})
		}
		at := func(row int) (out []int) {
			x := 0
			for _, r := range strings.Split(d.Screen(), "\n")[row] {
				if r == '│' {
					out = append(out, x)
				}
				x++
			}
			return out
		}
		before := at(20)
		drag(before[1], 20, before[1]+10, 20)
		d.Pass(time.Second)
		if got := at(20)[1]; got != before[1]+10 {
			t.Errorf("the left splitter went from %d to %d, not 10 to the right", before[1], got)
		}
		log := func() int { all := at(20); return all[len(all)-2] }
		right := log()
		drag(right, 20, right-15, 20)
		if got := log(); got != right-15 {
			t.Errorf("the right splitter went from %d to %d, not 15 to the left", right, got)
		}
		_, lower := spot(t, d, "2 Images")
		drag(5, lower-1, 5, lower-6)
		d.Send(tea.WindowSizeMsg{Width: 190, Height: 50})
		if _, got := spot(t, d, "2 Images"); got != lower-5 {
			t.Errorf("the lower splitter went from %d to %d, not 5 up", lower, got)
		}
		// Motion without a held splitter moves nothing.
		now := d.Screen()
		d.Send(tea.MouseMotionMsg{X: 20, Y: 20, Button: tea.MouseLeft})
		if d.Screen() != now {
			t.Error("a splitter that nobody holds moved")
		}
	})
}

func TestMouseCanBeLeftToTheTerminal(t *testing.T) {
	drive(t, 120, 40, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		if got := d.View().MouseMode; got != tea.MouseModeCellMotion {
			t.Errorf("mode %v", got)
		}
		d.Keys("ctrl+t")
		if got := d.View().MouseMode; got != tea.MouseModeNone {
			t.Errorf("after the toggle: mode %v", got)
		}
	})
}

// TestBar: on a small screen a click on the name of a pane goes there.
func TestBar(t *testing.T) {
	drive(t, 40, 12, shop, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		clickOn(t, d, "2 Images 4")
		wants(t, d, "╭─ 2 Images 4", " 1 Containers  3 Volumes  4 Networks")
	})
}
