package shim_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
)

// resting is a container for exec sessions.
func resting(t *testing.T, changes ...change) *box {
	return newBox(t, sh("trap 'exit 0' TERM; while :; do sleep 0.05; done"), changes...)
}

func TestExec(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	p := b.exec(c, engine.ExecOptions{Cmd: sh("echo $A $B; pwd; echo err >&2; exit 9"), Env: []string{"A=2", "B=3"}, WorkingDir: "/tmp"})
	if st := p.end(); st.Code != 9 || p.out.String() != "2 3\n/tmp\n" || p.err.String() != "err\n" {
		t.Errorf("status %+v, stdout %q, stderr %q", st, p.out.String(), p.err.String())
	}
	if lines := b.log(); len(lines) != 0 {
		t.Errorf("exec output went to the log: %q", lines)
	}
	cmd := "/bin/sh -c echo $A $B; pwd; echo err >&2; exit 9"
	if diff := cmp.Diff([]string{"start", "exec_create: " + cmd, "exec_start: " + cmd, "exec_die 9"}, b.actions()); diff != "" {
		t.Error(diff)
	}
}

func TestExecInput(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	p := b.exec(c, engine.ExecOptions{Cmd: []string{"cat"}, Stdin: true})
	big := strings.Repeat("0123456789abcde\n", 50_000)
	go func() {
		io.WriteString(p.Session, big)
		p.CloseWrite()
	}()
	if st := p.end(); st.Code != 0 || p.out.String() != big {
		t.Errorf("status %+v, %d bytes of %d", st, len(p.out.String()), len(big))
	}
	// Without -i there is none.
	p = b.exec(c, engine.ExecOptions{Cmd: []string{"cat"}})
	if st := p.end(); st.Code != 0 || p.out.String() != "" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

func TestExecTerminal(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	p := b.exec(c, engine.ExecOptions{Cmd: sh("stty size; read x; stty size; exit 3"), Tty: true, Stdin: true, Size: engine.TermSize{Width: 90, Height: 20}})
	p.expect("20 90\r\n")
	must(t, p.Resize(b.ctx(), engine.TermSize{Width: 91, Height: 21}))
	p.send("\n")
	if st := p.end(); st.Code != 3 || p.out.String() != "20 90\r\n\r\n21 91\r\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

func TestExecSignal(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	p := b.exec(c, engine.ExecOptions{Cmd: []string{"sleep", "1000"}})
	must(t, p.Signal(b.ctx(), "KILL"))
	if st := p.end(); st.Code != 137 {
		t.Errorf("status %+v", st)
	}
	if err := p.Signal(b.ctx(), "KILL"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("signal to an ended program: %v", err)
	}
}

func TestExecUser(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	p := b.exec(c, engine.ExecOptions{Cmd: sh("id -u; echo x > /proc/self/fd/1"), User: "alice"})
	if st := p.end(); st.Code != 0 || p.out.String() != "1000\nx\n" {
		t.Errorf("status %+v, stdout %q, stderr %q", st, p.out.String(), p.err.String())
	}
	p = b.exec(c, engine.ExecOptions{Cmd: sh("cat /proc/self/status"), Privileged: true})
	p.end()
	if !strings.Contains(p.out.String(), "CapEff:\t000001f") {
		t.Errorf("privileged capabilities: %q", p.out.String())
	}
}

func TestExecFails(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	for _, tt := range []struct {
		opts engine.ExecOptions
		is   error
	}{
		{engine.ExecOptions{Cmd: []string{"nothing"}}, engine.ErrCommandNotFound},
		{engine.ExecOptions{Cmd: []string{"/etc/passwd"}}, engine.ErrCommandNotExecutable},
		{engine.ExecOptions{}, engine.ErrInvalid},
		{engine.ExecOptions{Cmd: []string{"true"}, Env: []string{"NOEQUALS"}}, engine.ErrInvalid},
	} {
		if _, err := c.Exec(b.ctx(), tt.opts); !errors.Is(err, tt.is) {
			t.Errorf("%q: %v, want %v", tt.opts.Cmd, err, tt.is)
		}
	}
	if st, err := c.Status(b.ctx()); err != nil || st.Execs != 0 {
		t.Errorf("status %+v, %v", st, err)
	}
}

// TestExecEndsWithContainer: no session outlives its container, with or
// without a terminal, and each one is told.
func TestExecEndsWithContainer(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	plain := b.exec(c, engine.ExecOptions{Cmd: sh("echo on; sleep 1000"), Stdin: true})
	tty := b.exec(c, engine.ExecOptions{Cmd: sh("echo on; sleep 1000"), Tty: true, Stdin: true})
	plain.expect("on")
	tty.expect("on")
	must(t, c.Signal(b.ctx(), 15))
	for _, p := range []*peer{plain, tty} {
		if st := p.end(); st.Code != 137 && st.Code != 129 {
			t.Errorf("status %+v", st)
		}
	}
	b.monitorDied()
	if x, err := b.exit(); err != nil || x.Code != 0 {
		t.Errorf("exit.json %+v, %v", x, err)
	}
}

// TestExecDetached goes on without its peer, and its status can be asked for.
func TestExecDetached(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	s, err := c.Exec(b.ctx(), engine.ExecOptions{Cmd: sh("seq 1 100000; exit 8"), Detach: true})
	must(t, err)
	if st, err := s.Wait(b.ctx()); err != nil || st.Code != 8 {
		t.Errorf("status %+v, %v", st, err)
	}
	s.Close()

	gone, err := c.Exec(b.ctx(), engine.ExecOptions{Cmd: sh("yes | head -c 1000000; exit 5")})
	must(t, err)
	gone.Close()
	eventually(t, "the end of an exec without peer", func() bool {
		return strings.Contains(strings.Join(b.actions(), "|"), "exec_die 5")
	})
}

// TestExecLeavesBackground: what it leaves running does not hold it up.
func TestExecLeavesBackground(t *testing.T) {
	t.Parallel()
	b := resting(t)
	c := b.start()
	p := b.exec(c, engine.ExecOptions{Cmd: sh("sleep 1000 & echo started")})
	if st := p.end(); st.Code != 0 || p.out.String() != "started\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}
