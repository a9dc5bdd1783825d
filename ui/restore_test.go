package ui_test

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/internal/vt"
	"gantry/ui"
)

// panicking is an engine with a flaw in the method that where names.
type panicking struct {
	*fake.Engine
	where string
}

func (p panicking) meet(where string) {
	if p.where == where {
		panic("met a flaw in " + where)
	}
}

func (p panicking) Info(ctx context.Context) (engine.Info, error) {
	p.meet("info")
	return p.Engine.Info(ctx)
}

func (p panicking) Containers() engine.Containers {
	p.meet("containers")
	return p.Engine.Containers()
}

func (p panicking) Watch(ctx context.Context, o engine.WatchOptions) iter.Seq2[engine.Event, error] {
	p.meet("watch")
	return p.Engine.Watch(ctx, o)
}

// whereVar tells the test binary that it is the workbench, and where its
// engine has a flaw.
const whereVar = "GANTRY_TEST_PANIC"

// TestPanicRestoresTheTerminal, wherever it happens: in a command, in a
// goroutine that follows the lists, in one that follows events.
func TestPanicRestoresTheTerminal(t *testing.T) {
	if where := os.Getenv(whereVar); where != "" {
		_ = ui.Run(context.Background(), panicking{fake.New(), where}, ui.Options{})
		os.Exit(7)
	}
	t.Parallel()
	for _, where := range []string{"info", "containers", "watch"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestPanicRestoresTheTerminal$")
			cmd.Env = append(os.Environ(), whereVar+"="+where, "TERM=xterm-256color")
			x, err := vt.Start(cmd, vt.Options{Width: 100, Height: 40})
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			state, err := x.End(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if state.ExitCode() != 7 {
				t.Errorf("it ended with %v", state)
			}
			s := x.Screen()
			if s.Alternate || s.CursorHidden {
				t.Errorf("the terminal shows the alternate screen: %v, no cursor: %v", s.Alternate, s.CursorHidden)
			}
			if settings, err := x.Termios(); err != nil || settings.Lflag&unix.ECHO == 0 || settings.Lflag&unix.ICANON == 0 {
				t.Errorf("the line is not as it was: %+v, %v", settings, err)
			}
			if !strings.Contains(s.Text(), "gantry/ui") {
				t.Errorf("where it happened is not told:\n%s", s.Text())
			}
		})
	}
}
