package main_test

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"

	"gantry/internal/vt"
)

// workbench is the whole program on a virtual terminal.
type workbench struct {
	*vt.Terminal
	t *testing.T
}

func (w *world) onScreen(width, height int, name string, args ...string) *workbench {
	w.t.Helper()
	x, err := vt.Start(w.command(name, args...), vt.Options{Width: width, Height: height})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := x.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return &workbench{x, w.t}
}

func (b *workbench) press(keys ...string) {
	b.t.Helper()
	if err := b.Press(keys...); err != nil {
		b.t.Fatal(err)
	}
}

// wait waits until the screen fulfils a condition.
func (b *workbench) wait(holds func(vt.Screen) bool) vt.Screen {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := b.Wait(ctx, holds)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *workbench) sees(texts ...string) vt.Screen {
	b.t.Helper()
	return b.wait(vt.Shows(texts...))
}

// drawn tells whether a whole page is on the screen: a header, a border down
// to the last row but one, and keys in the last.
func drawn(s vt.Screen) bool {
	bottom := func(y int) bool { // panes without room stand in a line of their own, or beside a border
		line := s.Line(y)
		return strings.Contains(line, "╰") && strings.HasSuffix(line, "╯") && ansi.StringWidth(line) == s.Width
	}
	return strings.Contains(s.Line(0), "gantry") && (bottom(s.Height-2) || bottom(s.Height-3)) && strings.Contains(s.Line(s.Height-1), "? help")
}

func TestWorkbenchDrawsAtAnySize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "harbour", "box", "sleep", "1000")
	b := w.onScreen(80, 24, binary)
	b.sees("harbour")
	b.wait(drawn)
	for _, size := range []struct{ w, h int }{{40, 12}, {200, 50}, {81, 13}, {120, 40}, {40, 50}, {200, 12}, {80, 24}} {
		if err := b.Resize(size.w, size.h); err != nil {
			t.Fatal(err)
		}
		b.wait(func(s vt.Screen) bool { return drawn(s) && s.Has("harbour") })
	}
	b.press("q")
	b.leaves(0)
}

// leaves checks that the program has ended and the terminal is as it was: the
// main screen with a cursor, no mode left on, lines that echo.
func (b *workbench) leaves(code int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state, err := b.End(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	if state.ExitCode() != code {
		b.t.Errorf("it ended with %v, want exit code %d", state, code)
	}
	b.restored()
}

func (b *workbench) restored() {
	b.t.Helper()
	s := b.Screen()
	if s.Alternate || s.CursorHidden {
		b.t.Errorf("the terminal shows the alternate screen: %v, no cursor: %v", s.Alternate, s.CursorHidden)
	}
	for mode, on := range b.Modes() {
		if on && mode != ansi.ModeTextCursorEnable && mode != ansi.ModeAutoWrap {
			b.t.Errorf("mode %v is still on", mode)
		}
	}
	settings, err := b.Termios()
	if err != nil {
		b.t.Fatal(err)
	}
	if settings.Lflag&unix.ECHO == 0 || settings.Lflag&unix.ICANON == 0 || settings.Lflag&unix.ISIG == 0 || settings.Oflag&unix.OPOST == 0 {
		b.t.Errorf("the line is not as it was: %+v", settings)
	}
}

// TestWorkbenchEndsBySignal: whatever ends it, the shell finds its terminal as
// it was.
func TestWorkbenchEndsBySignal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("create", "--name", "harbour", "box", "true")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			b := w.onScreen(80, 24, binary)
			b.t = t
			b.sees("harbour")
			if err := b.Process().Signal(sig); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if _, err := b.End(ctx); err != nil {
				t.Fatal(err)
			}
			b.restored()
		})
	}
}

// TestWorkbenchIsSuspendedAndResumed under a shell with job control.
func TestWorkbenchIsSuspendedAndResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("create", "--name", "harbour", "box", "true")
	b := w.onScreen(80, 24, "/bin/sh", "-m", "-c", binary+"; echo in the shell; read line; fg; echo and out")
	b.sees("harbour")
	b.press("ctrl+z")
	b.sees("in the shell")
	b.restored()
	w.gantry("create", "--name", "meanwhile", "box", "true")
	b.press("enter")
	b.wait(func(s vt.Screen) bool { return s.Alternate && s.Has("harbour") && s.Has("meanwhile") })
	b.press("q")
	b.sees("and out")
	b.leaves(0)
}

// hostile is what a container prints to draw outside of its pane: each kind of
// sequence that moves, clears, scrolls, switches or answers.
const hostile = `\033[2J\033[H\033[1;1HEVIL\033[40;1HEVIL\033[?1049lEVIL\033[?25h\033[3;5r\033[10SEVIL\033[?1000h\033c` +
	`\033]0;EVIL\007\033]2;EVIL\033\\\033]52;c;RVZJTA==\007\033]11;#ff0000\007\033P1$qEVIL\033\\\033_EVIL\033\\\033^EVIL\033\\` +
	`\233H\2332JEVIL\r\r\rEVIL\b\b\b\b\b\b\b\b\b\b\b\bEVIL\v\fEVIL\016EVIL\017\033(0EVIL\033#8\033[6n\033[c\033[5i` +
	`\342\200\256EVIL\342\200\250EVIL\302\233HEVIL\302\205\033[9999CEVIL\033[9999bEVIL\tEVIL\033[4hEVIL\n`

// TestContainerCannotDrawOutsideItsPane: what it prints stays between the
// borders of its log, and switches nothing.
func TestContainerCannotDrawOutsideItsPane(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "storm", "-e", "EVIL="+hostile, "box", "sh", "-c", `trap 'printf "$EVIL"; echo the end' USR1; echo calm; while :; do sleep 0.05; done`)
	b := w.onScreen(120, 40, binary)
	before := b.sees("storm", "calm")
	b.wait(drawn)
	w.gantry("kill", "-s", "USR1", "storm")
	after := b.sees("the end", "EVIL")
	modes := b.Modes()
	if b.Title() != "gantry" || !after.Alternate || !after.CursorHidden {
		t.Errorf("the title is %q, the alternate screen is on: %v, the cursor is hidden: %v", b.Title(), after.Alternate, after.CursorHidden)
	}
	for _, m := range []ansi.Mode{ansi.ModeInsertReplace, ansi.ModeMouseNormal} {
		if modes[m] {
			t.Errorf("mode %v is on", m)
		}
	}
	if before.Bg != after.Bg {
		t.Errorf("the background went from %v to %v", before.Bg, after.Bg)
	}
	checkBorders(t, before, after)
	left := strings.Index(before.Line(1), "╮") // the end of the list's pane
	for y := range after.Cells {
		line := []rune(after.Line(y))
		at := strings.Index(string(line), "EVIL")
		if at >= 0 && (len([]rune(string(line)[:at])) <= len([]rune(before.Line(1)[:left])) || y == 0 || y == after.Height-1) {
			t.Errorf("row %d: %q", y, string(line))
		}
	}
}

// checkBorders: every border is where it was.
func checkBorders(t *testing.T, before, after vt.Screen) {
	t.Helper()
	for y := 1; y < before.Height-1; y++ {
		for _, x := range []int{0, before.Width - 1} {
			if was, is := before.Cells[y][x].Text, after.Cells[y][x].Text; was != is {
				t.Errorf("the border at %d,%d was %q and is %q\n%s", x, y, was, is, after.Text())
				return
			}
		}
	}
}

// TestTwoWorkbenchesShowEachOthersChanges without a key in the second.
func TestTwoWorkbenchesShowEachOthersChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "harbour", "box", "sleep", "1000")
	one, two := w.onScreen(100, 30, binary), w.onScreen(80, 24, binary)
	one.sees("harbour")
	two.sees("harbour")
	one.press("p")
	two.sees("‖")
	two.press("p")
	one.wait(func(s vt.Screen) bool { return s.Has("● harbour") && !s.Has("‖") })
}

// TestDemoInTheWorkbench: gantry demo opens it, and the app is there.
func TestDemoInTheWorkbench(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.onScreen(120, 40, binary, "demo")
	b.wait(func(s vt.Screen) bool { return s.Alternate })
	b.sees("web-1", "web-2", "queue-1", "store-1", "migrate-1")
	b.press("q")
	b.leaves(0)
	w.gantry("demo", "--rm")
}

// TestEmptyStoreOffersTheDemo: one key from nothing to five containers, and one
// action to remove them again.
func TestEmptyStoreOffersTheDemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("rmi", "box")
	b := w.onScreen(120, 40, binary)
	b.sees("no containers and no images yet")
	b.press("D")
	b.sees("web-1", "web-2", "queue-1", "store-1", "migrate-1")
	b.press(":")
	b.sees("›")
	if err := b.Type("remove the demo\r"); err != nil {
		t.Fatal(err)
	}
	b.sees("Remove the demo?", "demo-web-2", "demo-migrate-1", "gantry/demo:latest", "$ gantry demo --rm")
	b.press("y")
	b.sees("no containers and no images yet", "removed the demo") // else q would ask
	b.press("q")
	b.leaves(0)
}

// TestWithoutRootThePageSaysHow to get it.
func TestWithoutRootThePageSaysHow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env = append(w.env, "GANTRY_CONFIG=", "HOME=/")
	b := w.onScreen(100, 30, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", binary)
	b.sees("Containers cannot run here", "run it with sudo", "overlay")
	b.press("q")
	b.sees("hint: run it with sudo")
	b.leaves(1)
}
