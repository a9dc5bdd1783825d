package ociruntime

import (
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/internal/osthread"
)

// builder makes the waiting process. Create and Exec share it; they differ in
// how its thread comes into the container.
type builder struct {
	process *specs.Process
	user    string
	files   [3]*os.File
	groups  []string
	group   *leaf.Group
	move    bool // see placement
	prog    program
	exe     int // with prog.reaper

	// For the time on the thread.
	open    fds
	place   *placement
	nullFD  int
	root    int // "/" of the thread
	console *console
}

// surroundings are what a process is put into: a world that is built for it,
// or one that is there already.
type surroundings interface {
	// enter takes the thread there. Its root is the container's then.
	enter(*builder) error
	// complete does what can only be done once the process is there. proc is
	// the procfs that builder.prog asked it to make.
	complete(b *builder, proc int) error
}

// run builds the process on a thread of its own.
func (b *builder) run(s surroundings) (*Process, error) {
	var p *Process
	err := osthread.Run(func() (err error) {
		defer b.open.close()
		p, err = b.onThread(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := b.settle(p); err != nil {
		p.Abort()
		return nil, err
	}
	return p, nil
}

// prepare opens what is found by the host's paths.
func (b *builder) prepare() error {
	var err error
	if b.place, err = openPlacement(b.group, b.move, &b.open); err != nil {
		return err
	}
	if b.prog.reaper {
		if b.exe, err = reaperExe(); err != nil {
			return err
		}
	}
	fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	b.nullFD = b.open.add(fd)
	return nil
}

func (b *builder) onThread(s surroundings) (*Process, error) {
	// The child inherits it from this thread, and the caller may have chosen
	// another one for itself.
	unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0)
	if err := b.prepare(); err != nil {
		return nil, err
	}
	err := s.enter(b)
	var p *Process
	if err == nil {
		p, err = b.build()
	}
	if err != nil {
		if b.console != nil {
			unix.Close(b.console.master)
		}
		b.prog.crossing.close()
		return nil, err
	}
	proc := -1
	if b.prog.proc != nil {
		if proc, err = p.receive(&b.open); err != nil {
			p.Abort()
			return nil, err
		}
	}
	if err := s.complete(b, proc); err != nil {
		p.Abort()
		return nil, err
	}
	return p, nil
}

// timerSlack in nanoseconds is the kernel's default (prctl(2)).
const timerSlack = 50_000

// build looks up the user, writes the plan and forks.
func (b *builder) build() (*Process, error) {
	var err error
	b.prog.process = b.process
	b.prog.console = b.console != nil
	if b.prog.user, err = lookupUser(b.root, b.user, b.process); err != nil {
		return nil, err
	}
	if err := b.prog.user.join(b.root, b.groups); err != nil {
		return nil, err
	}
	if err := b.streams(); err != nil {
		return nil, err
	}
	if b.prog.reaper {
		if b.prog.exe, err = b.open.dupHigh(b.exe); err != nil {
			return nil, err
		}
	}
	status, child, err := statusPair(&b.open)
	if err != nil {
		return nil, err
	}
	b.prog.status = child
	p, err := b.fork()
	if err != nil {
		status.Close()
		return nil, err
	}
	p.status, p.crossing = status, b.prog.crossing
	// Our copy of the child's end: with it open, the child's death would not
	// be seen.
	unix.Close(child)
	b.open.forget(child)
	return p, nil
}

func (b *builder) fork() (*Process, error) {
	plan, err := newPlan(b.prog)
	if err != nil {
		return nil, err
	}
	pid, pidfd, err := b.place.fork(plan)
	if err != nil {
		return nil, fmt.Errorf("clone: %w", needRoot(err))
	}
	p := &Process{Pid: pid, PidFD: os.NewFile(uintptr(pidfd), "pidfd"), path: b.process.Args[0]}
	if b.console != nil {
		p.Console = consoleFile(b.console.master)
	}
	return p, nil
}

// settle does from outside what the child need not do itself.
func (b *builder) settle(p *Process) error {
	if b.place.move {
		if err := b.group.Join(p.Pid); err != nil {
			return err
		}
	}
	if err := limit(p.Pid, b.process.Rlimits); err != nil {
		return err
	}
	if b.process.OOMScoreAdj != nil {
		if err := setOOMScore(p.Pid, *b.process.OOMScoreAdj); err != nil {
			return fmt.Errorf("set oom_score_adj: %w", err)
		}
	}
	return nil
}

// seccompFlagBits are seccomp(2)'s. TSYNC changes nothing: the child has one
// thread.
var seccompFlagBits = map[specs.LinuxSeccompFlag]uint{
	"SECCOMP_FILTER_FLAG_TSYNC":     0,
	specs.LinuxSeccompFlagLog:       unix.SECCOMP_FILTER_FLAG_LOG,
	specs.LinuxSeccompFlagSpecAllow: unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
}

// SeccompFlags turns a profile's flags into those of seccomp(2).
func SeccompFlags(flags []specs.LinuxSeccompFlag) (uint, error) {
	var bits uint
	for _, f := range flags {
		b, ok := seccompFlagBits[f]
		if !ok {
			return 0, fmt.Errorf("seccomp flag %s: %w by this runtime", f, engine.ErrUnsupported)
		}
		bits |= b
	}
	return bits, nil
}
