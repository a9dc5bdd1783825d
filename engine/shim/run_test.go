package shim_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

func TestRun(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("echo out; echo err >&2; printf unfinished; exit 3"))
	c := b.spawn()
	p := b.attach(c, everything)
	st, err := c.Status(b.ctx())
	must(t, err)
	if st.State != engine.Created || st.Attached != 1 {
		t.Errorf("before the start: %+v", st)
	}
	must(t, c.Start(b.ctx()))
	if got := p.end(); got.Code != 3 || got.Error != "" || got.OOMKilled {
		t.Errorf("status %+v", got)
	}
	if out, err := p.out.String(), p.err.String(); out != "out\nunfinished" || err != "err\n" {
		t.Errorf("stdout %q, stderr %q", out, err)
	}
	x, err := b.exit()
	if err != nil || x.Code != 3 || x.Attempt != 1 || x.Seq == 0 || x.At.IsZero() {
		t.Errorf("exit.json %+v, %v", x, err)
	}
	got := strings.Join(b.log(), "|")
	if !strings.Contains(got, "stdout out") || !strings.Contains(got, "stderr err") || !strings.HasSuffix(got, "stdout unfinished") {
		t.Errorf("log %s", got)
	}
	if diff := cmp.Diff([]string{"attach", "start", "die 3"}, b.actions()); diff != "" {
		t.Error(diff)
	}
	b.monitorDied()
	for _, name := range []string{"shim.sock", "stdout", "stderr", "stdin"} {
		if _, err := os.Lstat(b.runFile(name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	for _, dir := range b.cfg.Group.Dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the control group %s is left: %v", dir, err)
		}
	}
	if _, err := shim.Dial(b.ctx(), b.cfg.Run, b.cfg.ID); !errors.Is(err, shim.ErrGone) {
		t.Errorf("Dial: %v, want ErrGone", err)
	}
}

// TestFastExit: nothing is lost of a program that is over at once.
// TestInheritsNothingOfTheMonitor: the monitor is patient with clocks and deaf to
// signals; what runs in its container is neither.
func TestInheritsNothingOfTheMonitor(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("cat /proc/self/timerslack_ns; grep SigIgn /proc/self/status; read x"), interactive(false))
	c := b.start()
	p := b.attach(c, engine.AttachOptions{Stdin: true, Stdout: true, Stderr: true, Logs: true})
	p.expect("50000\nSigIgn:\t0000000000000000\n")
	st, err := c.Status(b.ctx())
	must(t, err)
	slack, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", st.ShimPid))
	must(t, err)
	if got := strings.TrimSpace(string(slack)); got != "200000" {
		t.Errorf("the monitor's own slack is %s ns", got)
	}
	must(t, unix.Kill(st.ShimPid, unix.SIGTERM))
	p.send("end\n")
	if st := p.end(); st.Code != 0 {
		t.Errorf("status %+v", st)
	}
	b.monitorDied()
}

func TestFastExit(t *testing.T) {
	t.Parallel()
	for i := range 10 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			b := newBox(t, []string{"/bin/echo", "quick"})
			c := b.spawn()
			p := b.attach(c, everything)
			must(t, c.Start(b.ctx()))
			if st := p.end(); st.Code != 0 || p.out.String() != "quick\n" {
				t.Errorf("status %+v, output %q", st, p.out.String())
			}
		})
	}
}

// TestSessionWaits: whoever has a session learns the end from it, however fast
// the monitor is gone.
func TestSessionWaits(t *testing.T) {
	t.Parallel()
	for range 10 {
		b := newBox(t, sh("exit 3"), func(c *shim.Config, _ *specs.Spec) { c.AutoRemove = true })
		c := b.spawn()
		s, err := c.Attach(b.ctx(), everything)
		must(t, err)
		must(t, c.Start(b.ctx()))
		go b.copy(s)
		if st, err := s.Wait(b.ctx()); err != nil || st.Code != 3 {
			t.Errorf("status %+v, %v", st, err)
		}
		b.finished()
	}
}

// TestWaitOfMany: everybody who waits is told, also who asks late.
func TestWaitOfMany(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("read x; exit 7"), func(c *shim.Config, _ *specs.Spec) { c.OpenStdin, c.StdinOnce = true, true })
	c := b.start()
	codes := make(chan int, 20)
	for range cap(codes) {
		go func() {
			st, err := c.Wait(b.ctx())
			if err != nil {
				st.Code = -1
			}
			codes <- st.Code
		}()
	}
	p := b.attach(c, everything)
	p.send("go\n")
	for range cap(codes) {
		if code := <-codes; code != 7 {
			t.Errorf("code %d", code)
		}
	}
	p.end()
	if _, err := c.Wait(b.ctx()); !errors.Is(err, shim.ErrGone) {
		t.Errorf("late Wait: %v, want ErrGone", err)
	}
}

func TestSecondStart(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("echo run"))
	for attempt := 1; attempt <= 3; attempt++ {
		c := b.start()
		if st := b.wait(c); st.Code != 0 {
			t.Fatalf("status %+v", st)
		}
		// At once: a restart does not wait for the monitor before it.
		x, err := b.exit()
		if err != nil || x.Attempt != attempt || b.started().Attempt != attempt {
			t.Errorf("exit.json %+v, %v", x, err)
		}
		b.regroup()
	}
	if diff := cmp.Diff([]string{"stdout run", "stdout run", "stdout run"}, b.log()); diff != "" {
		t.Error(diff)
	}
}

func TestStartTwice(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("sleep 1000"))
	c := b.start()
	if err := c.Start(b.ctx()); !errors.Is(err, engine.ErrNotModified) {
		t.Errorf("second start: %v", err)
	}
	if _, err := shim.Spawn(b.ctx(), b.path); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("second monitor: %v", err)
	}
	if err := c.Dismiss(b.ctx()); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("dismissing the monitor of a running container: %v", err)
	}
}

func TestFailedStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		set  change
		is   error
		code int
	}{
		{"no program", []string{"/bin/nothing"}, nil, engine.ErrCommandNotFound, 127},
		{"no program in PATH", []string{"nothing"}, nil, engine.ErrCommandNotFound, 127},
		{"a directory", []string{"/bin"}, nil, engine.ErrCommandNotExecutable, 126},
		{"no such user", []string{"/bin/true"}, func(c *shim.Config, _ *specs.Spec) { c.User = "bob" }, nil, 128},
		{"a profile without its filter", []string{"/bin/true"}, func(_ *shim.Config, s *specs.Spec) {
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
		}, engine.ErrCorrupt, 128},
		{"no layer", []string{"/bin/true"}, func(_ *shim.Config, s *specs.Spec) { s.Linux.Namespaces[0].Path = "/nothing" }, nil, 128},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, tt.args, func(c *shim.Config, s *specs.Spec) {
				if tt.set != nil {
					tt.set(c, s)
				}
			})
			c := b.spawn()
			p := b.attach(c, everything)
			err := c.Start(b.ctx())
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Fatalf("Start: %v, want %v", err, tt.is)
			}
			if st := p.end(); st.Code != tt.code || st.Error == "" {
				t.Errorf("status %+v, want code %d", st, tt.code)
			}
			if x, err := b.exit(); err != nil || x.Code != tt.code || x.Attempt != 1 {
				t.Errorf("exit.json %+v, %v", x, err)
			}
			b.monitorDied()
		})
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.05; done"))
	c := b.spawn()
	p := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	p.expect("ready")
	must(t, p.Signal(b.ctx(), "SIGUSR1"))
	if st := p.end(); st.Code != 5 || p.out.String() != "ready\ngot\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("sleep 1000 & sleep 1000"))
	c := b.start()
	if err := c.Signal(b.ctx(), 99); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("signal 99: %v", err)
	}
	must(t, c.Signal(b.ctx(), 9))
	if st := b.wait(c); st.Code != 137 || st.OOMKilled {
		t.Errorf("status %+v", st)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("while :; do echo tick; sleep 0.01; done"))
	c := b.spawn()
	p := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	p.expect("tick")
	must(t, c.Pause(b.ctx()))
	if _, err := os.Lstat(b.runFile("paused")); err != nil {
		t.Error(err)
	}
	if err := c.Pause(b.ctx()); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("second pause: %v", err)
	}
	if _, err := c.Exec(b.ctx(), engine.ExecOptions{Cmd: []string{"true"}}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("exec while paused: %v", err)
	}
	must(t, c.Unpause(b.ctx()))
	if _, err := os.Lstat(b.runFile("paused")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the marker is left: ", err)
	}
	before := len(p.out.String())
	eventually(t, "more ticks", func() bool { return len(p.out.String()) > before })
	must(t, c.Pause(b.ctx()))
	must(t, c.Signal(b.ctx(), 9)) // kills it nevertheless
	if st := p.end(); st.Code != 137 {
		t.Errorf("status %+v", st)
	}
	want := []string{"attach", "start", "pause", "unpause", "pause", "unpause", "die 137"}
	if diff := cmp.Diff(want, b.actions()); diff != "" && diff != cmp.Diff(append(want[:5:5], "die 137"), b.actions()) {
		t.Error(diff)
	}
}

func TestOOM(t *testing.T) {
	t.Parallel()
	limit := int64(24 << 20)
	b := newBox(t, []string{"/bin/tail", "/dev/zero"}, func(_ *shim.Config, s *specs.Spec) {
		s.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &limit}
	})
	if st := b.wait(b.start()); st.Code != 137 || !st.OOMKilled {
		t.Errorf("status %+v", st)
	}
	if diff := cmp.Diff([]string{"start", "oom", "die 137"}, b.actions()); diff != "" {
		t.Error(diff)
	}
}

func TestAutoRemove(t *testing.T) {
	t.Parallel()
	b := newBox(t, []string{"/bin/true"}, func(c *shim.Config, _ *specs.Spec) { c.AutoRemove = true })
	b.wait(b.start())
	told := b.finished()
	if want := fmt.Sprintf("%s %s %s", b.cfg.Root, b.cfg.Run, b.cfg.ID); told != want {
		t.Errorf("gantry-finish was told %q, want %q", told, want)
	}
	if _, err := b.exit(); err != nil {
		t.Error(err)
	}
}

// TestRemovedByAttacher: who promised the removal is waited for, however long
// it takes.
func TestRemovedByAttacher(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("read x"), interactive(true), func(c *shim.Config, _ *specs.Spec) { c.AutoRemove = true })
	c := b.start()
	st, err := c.Status(b.ctx())
	must(t, err)
	ticks, err := record.PidStart(st.ShimPid)
	must(t, err)
	promise := everything
	promise.Removes = true
	p := b.attach(c, promise)
	must(t, p.CloseWrite())
	p.end()
	must(t, os.Rename(b.cfg.Bundle, b.cfg.Bundle+"-gone"))
	must(t, p.Close())
	eventually(t, "the monitor's end", func() bool { return !record.Alive(st.ShimPid, ticks) })
	if told, err := os.ReadFile(b.cfg.Root + "/finish"); err == nil {
		t.Errorf("gantry-finish was started: %s", told)
	}
}

// TestBrokenPromise: an attacher that goes without having removed the container
// as it promised leaves that to gantry-finish.
func TestBrokenPromise(t *testing.T) {
	t.Parallel()
	b := newBox(t, []string{"/bin/true"}, func(c *shim.Config, _ *specs.Spec) { c.AutoRemove = true })
	c := b.spawn()
	p := b.attach(c, engine.AttachOptions{Stdout: true, Removes: true})
	must(t, c.Start(b.ctx()))
	p.end()
	if told, err := os.ReadFile(b.cfg.Root + "/finish"); err == nil {
		t.Errorf("gantry-finish was started: %s", told)
	}
	must(t, p.Close())
	b.finished()
}

// TestSpare: a monitor that was there before its container does as any other.
func TestSpare(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("echo out; exit 3"))
	spare, err := shim.Prepare(b.path, nil)
	must(t, err)
	c, err := spare.Spawn(b.ctx())
	must(t, err)
	p := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	if st := p.end(); st.Code != 3 || p.out.String() != "out\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

// TestUserOwnsStreams: /dev/stdout can be opened by a user other than root.
func TestUserOwnsStreams(t *testing.T) {
	t.Parallel()
	for _, tty := range []bool{false, true} {
		b := newBox(t, sh("echo reopened > /proc/self/fd/1; id -u"), func(c *shim.Config, _ *specs.Spec) { c.User, c.Tty = "alice", tty })
		c := b.spawn()
		p := b.attach(c, everything)
		must(t, c.Start(b.ctx()))
		st := p.end()
		if out := strings.ReplaceAll(p.out.String(), "\r", ""); st.Code != 0 || out != "reopened\n1000\n" {
			t.Errorf("tty %v: %+v, %q %q", tty, st, out, p.err.String())
		}
	}
}

func TestRenamedInEvents(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("read x"), func(c *shim.Config, _ *specs.Spec) { c.OpenStdin, c.StdinOnce = true, true })
	c := b.start()
	b.cfg.Attributes["name"] = "other"
	b.writeConfig()
	p := b.attach(c, everything)
	must(t, p.CloseWrite())
	p.end()
	names := map[string]string{}
	for _, e := range b.happened() {
		names[e.Action] = e.Attributes["name"]
	}
	if names["start"] != "box" || names["die"] != "other" {
		t.Error(names)
	}
}

// TestSignalDuringStart: a container that is on record as running can be
// signalled, also before its start is done.
func TestSignalDuringStart(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("sleep 1000"))
	stand := b.file("stand-at")
	must(t, os.WriteFile(stand, []byte("recorded"), 0o600))
	c := b.spawn()
	started := make(chan error, 1)
	go func() { started <- c.Start(b.ctx()) }()
	eventually(t, "the record of the start", func() bool { _, err := os.Stat(b.file("start.json")); return err == nil })
	signalled := make(chan error, 1)
	go func() { signalled <- c.Signal(b.ctx(), int(unix.SIGKILL)) }()
	select {
	case err := <-signalled:
		t.Errorf("answered before the start was done: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	must(t, os.Remove(stand))
	must(t, <-started)
	must(t, <-signalled)
	if st := b.wait(c); st.Code != 137 {
		t.Errorf("status %+v", st)
	}
}

// TestWaitForAnotherAttempt: who waits for a start that is over, and reaches the
// monitor of the next one, does not wait for the end of that.
func TestWaitForAnotherAttempt(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("sleep 1000"))
	c := b.spawn()
	if _, err := c.WaitAttempt(b.ctx(), 7); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("before the start: %v", err)
	}
	must(t, c.Start(b.ctx()))
	if _, err := c.WaitAttempt(b.ctx(), 7); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("another start runs: %v", err)
	}
	must(t, c.Signal(b.ctx(), int(unix.SIGKILL)))
	if st, err := c.WaitAttempt(b.ctx(), 1); err != nil || st.Code != 137 {
		t.Errorf("its own: %+v, %v", st, err)
	}
}
