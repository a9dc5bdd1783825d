package shim_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// built spawns a monitor and waits until it has made the container.
func (b *box) built() *shim.Client {
	b.t.Helper()
	spare, err := shim.Prepare(b.path, nil)
	must(b.t, err)
	c, err := spare.Spawn(b.ctx())
	must(b.t, err)
	b.t.Cleanup(func() { c.Close() })
	st, err := c.Status(b.ctx())
	must(b.t, err)
	c.Build()
	// For a moment the monitor has a thread in the group as well.
	eventually(b.t, "the container's process", func() bool { p := b.processes(); return len(p) == 1 && p[0] != st.ShimPid })
	if st, err := c.Status(b.ctx()); err != nil || st.State != engine.Created || st.Pid != 0 {
		b.t.Errorf("before the start: %+v, %v", st, err)
	}
	if _, err := os.Lstat(b.file("start.json")); !errors.Is(err, os.ErrNotExist) {
		b.t.Errorf("a start is on record: %v", err)
	}
	return c
}

func (b *box) processes() []int {
	b.t.Helper()
	pids, err := b.cfg.Group.Pids()
	must(b.t, err)
	return pids
}

// TestBuild: a container that was made ahead runs as any other, and is not made
// twice.
func TestBuild(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("echo out; hostname; exit 3"))
	c := b.built()
	c.Build()
	pids := b.processes()
	p := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	if st := p.end(); st.Code != 3 || p.out.String() != "out\nbox\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
	if s := b.started(); len(pids) != 1 || s.Pid != pids[0] {
		t.Errorf("process %d was started, %v was made ahead", s.Pid, pids)
	}
}

// TestBuildWithTerminal: the size that comes before the start counts.
func TestBuildWithTerminal(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("stty size"), func(c *shim.Config, _ *specs.Spec) { c.Tty = true })
	c := b.built()
	p := b.attach(c, everything)
	must(t, c.Resize(b.ctx(), engine.TermSize{Width: 77, Height: 33}))
	must(t, c.Start(b.ctx()))
	if st := p.end(); st.Code != 0 || p.out.String() != "33 77\r\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

// TestBuildOutdated: what has changed since is not lost.
func TestBuildOutdated(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("echo old"))
	c := b.built()
	j, err := json.Marshal(boxSpec(sh("echo new")))
	must(t, err)
	must(t, record.WriteFile(b.file("config.json"), j, record.Volatile))
	p := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	if st := p.end(); st.Code != 0 || p.out.String() != "new\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

// TestBuildThenLaunch: a namespace that the start brings is entered all the
// same.
func TestBuildThenLaunch(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("readlink /proc/self/ns/net"))
	c := b.built()
	ns, path := makeNetns(t)
	p := b.attach(c, everything)
	must(t, c.Launch(b.ctx(), shim.Launch{Netns: path}))
	if st := p.end(); st.Code != 0 || p.out.String() != netnsName(t, ns)+"\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

// TestBuildRefusedLaunch: nor does the first container stay when a start fails.
func TestBuildRefusedLaunch(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exit 0"))
	if err := b.built().Launch(b.ctx(), shim.Launch{Netns: "/proc/self/ns/uts"}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("Launch: %v", err)
	}
	b.monitorDied()
	if n := len(b.processes()); n != 0 {
		t.Errorf("%d processes are left", n)
	}
}

// TestBuildFails: the start tells why.
func TestBuildFails(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exit 0"), func(c *shim.Config, _ *specs.Spec) { c.User = "nobody-there" })
	spare, err := shim.Prepare(b.path, nil)
	must(t, err)
	c, err := spare.Spawn(b.ctx())
	must(t, err)
	defer c.Close()
	c.Build()
	if err := c.Start(b.ctx()); err == nil {
		t.Error("it started")
	}
	if x, err := b.exit(); err != nil || !x.NeverRan || x.Error == "" {
		t.Errorf("exit.json %+v, %v", x, err)
	}
}

// TestBuildForNothing: a container that is not started after all is gone before
// its monitor says so, and with a monitor that is killed.
func TestBuildForNothing(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exit 0"))
	must(t, b.built().Dismiss(b.ctx()))
	if n := len(b.processes()); n != 0 {
		t.Errorf("%d processes are left by a dismissal", n)
	}
	b.monitorDied()

	c := b.built()
	c.Close() // and nobody is attached
	b.monitorDied()
	if n := len(b.processes()); n != 0 {
		t.Errorf("%d processes are left by a monitor that left", n)
	}

	c = b.built()
	st, err := c.Status(b.ctx())
	must(t, err)
	must(t, unix.Kill(st.ShimPid, unix.SIGKILL))
	b.monitorDied()
	eventually(t, "the end of the process", func() bool { return len(b.processes()) == 0 })
	if st := b.wait(b.start()); st.Code != 0 {
		t.Errorf("the next monitor's container ended with %+v", st)
	}
}
