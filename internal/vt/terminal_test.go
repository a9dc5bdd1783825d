package vt_test

import (
	"context"
	"errors"
	"image/color"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/vt"
)

func start(t *testing.T, script string) *vt.Terminal {
	t.Helper()
	x, err := vt.Start(exec.Command("/bin/sh", "-c", script), vt.Options{Width: 40, Height: 6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func wait(t *testing.T, x *vt.Terminal, holds func(vt.Screen) bool) vt.Screen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := x.Wait(ctx, holds)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCells(t *testing.T) {
	t.Parallel()
	x := start(t, `printf 'a\033[1;31mbold\033[0m \033[48;2;1;2;3m \033[0m \033[7m界x'; sleep 1000`)
	s := wait(t, x, vt.Shows("界x"))
	if got := s.Line(0); got != "abold   界x" {
		t.Errorf("the line is %q", got)
	}
	b := s.Cells[0][1]
	if b.Text != "b" || !b.Bold || b.Fg == nil || s.Cells[0][0].Bold {
		t.Errorf("the cell is %+v", b)
	}
	if r, g, bl, _ := color.RGBAModel.Convert(s.Cells[0][6].Bg).RGBA(); r>>8 != 1 || g>>8 != 2 || bl>>8 != 3 {
		t.Errorf("the background is %v", s.Cells[0][6].Bg)
	}
	wide := s.Cells[0][8]
	if wide.Text != "界" || wide.Width != 2 || !wide.Reverse || s.Cells[0][9].Width != 0 || s.CursorX != 11 {
		t.Errorf("the wide cell is %+v, behind it %+v, the cursor at %d", wide, s.Cells[0][9], s.CursorX)
	}
}

func TestKeysSizeAndModes(t *testing.T) {
	t.Parallel()
	x := start(t, `printf '\033[?1049h\033[?25l\033]2;hello\007'; trap 'echo "size $(stty size)"' WINCH; read a; echo "got $a"; until [ "$b" = end ]; do read b; done`)
	s := wait(t, x, func(s vt.Screen) bool { return s.Alternate && s.CursorHidden })
	if s.Width != 40 || s.Height != 6 {
		t.Errorf("the screen is %dx%d", s.Width, s.Height)
	}
	if err := x.Press("h", "i", "enter"); err != nil {
		t.Fatal(err)
	}
	wait(t, x, vt.Shows("got hi"))
	if err := x.Resize(50, 9); err != nil {
		t.Fatal(err)
	}
	if err := x.Press("enter"); err != nil { // some shells run traps only after a read
		t.Fatal(err)
	}
	wait(t, x, vt.Shows("size 9 50"))
	if x.Title() != "hello" {
		t.Errorf("the title is %q", x.Title())
	}
	if err := x.Press("f13"); err == nil {
		t.Error("a key that there is not was pressed")
	}
	settings, err := x.Termios()
	if err != nil || settings.Lflag&unix.ECHO == 0 {
		t.Errorf("the line does not echo: %+v, %v", settings, err)
	}
	if err := x.Type("end\r"); err != nil {
		t.Fatal(err)
	}
	state, err := x.End(t.Context())
	if err != nil || state.ExitCode() != 0 {
		t.Errorf("it ended with %v, %v", state, err)
	}
}

// TestAnswers: a program that asks for the background gets an answer.
func TestAnswers(t *testing.T) {
	t.Parallel()
	x := start(t, `stty raw -echo; printf '\033]11;?\007'; dd bs=1 count=9 2>/dev/null | od -c | head -1; sleep 1000`)
	wait(t, x, vt.Shows("1   1   ;   r   g   b"))
}

func TestWaitFailsWhenTheProgramEnds(t *testing.T) {
	t.Parallel()
	x := start(t, "echo last words; exit 3")
	_, err := x.Wait(t.Context(), vt.Shows("never"))
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "last words") {
		t.Errorf("the error is %v", err)
	}
	if _, err := x.Wait(t.Context(), vt.Shows("last words")); err != nil {
		t.Errorf("what is on the screen of an ended program: %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	x := start(t, "sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Wait(ctx, vt.Shows("never")); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if err := x.Process().Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state, err := x.End(t.Context()); err != nil || state.Success() {
		t.Errorf("it ended with %v, %v", state, err)
	}
}
