package ociruntime

import (
	"errors"
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// ExecOptions describe a further process in a running container.
type ExecOptions struct {
	Pid     int      // of the container's first process, when PidFD is nil
	PidFD   *os.File // the caller's to close
	Process *specs.Process
	// Capabilities are those of the container, which may differ from
	// Process.Capabilities: what its other programs may hold.
	Capabilities *specs.LinuxCapabilities
	User         string // as in CreateOptions
	Groups       []string
	Seccomp      []unix.SockFilter
	// SeccompFlags are those of seccomp(2), see SeccompFlags.
	SeccompFlags          uint
	Group                 *leaf.Group
	Stdin, Stdout, Stderr *os.File
	Console               bool
	Size                  engine.TermSize
}

// apart are the namespaces that a child kept apart joins by itself: of them
// the pid namespace holds for its own children only.
const apart = unix.CLONE_NEWCGROUP | unix.CLONE_NEWPID

// joined are the namespaces of a container that Exec enters. Those that the
// container shares with the host are ours already, and joining them does
// nothing. A time namespace can be joined by a program with one thread only,
// and the cgroup namespace is the child's to join: where systemd mounted
// cgroup2 (nsdelegate), a thread in it has no way to put a child from its own
// group, outside, into the container's; clone3 says ENOENT.
const joined = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

// Exec makes a process in a running container which waits for Start. Where a
// program of the container may trace others, what waits is not in its pid
// namespace, and Start sets Pid and PidFD to the process that then is.
func Exec(o ExecOptions) (*Process, error) {
	if o.Process == nil {
		return nil, fmt.Errorf("exec in container: %w: there is no process", engine.ErrInvalid)
	}
	p, err := o.run(false)
	if errors.Is(err, unix.EAGAIN) && o.Group != nil {
		// One below its limit of processes a v1 group has room for the child,
		// but not for it and the thread that makes it. Moving one in is not
		// limited at all, so this is the last resort, for a last process.
		p, err = o.run(true)
	}
	if err != nil {
		return nil, fmt.Errorf("exec in container: %w", err)
	}
	return p, nil
}

func (o *ExecOptions) run(move bool) (*Process, error) {
	b := &builder{
		process: o.Process,
		user:    o.User,
		groups:  o.Groups,
		files:   [3]*os.File{o.Stdin, o.Stdout, o.Stderr},
		group:   o.Group,
		move:    move,
		prog:    program{seccomp: o.Seccomp, seccompFlags: o.SeccompFlags},
	}
	return b.run(o)
}

// enter moves the thread into the container. Its root is the container's then.
func (o *ExecOptions) enter(b *builder) error {
	pidfd, err := o.pidFD(&b.open)
	if err != nil {
		return err
	}
	// A mount namespace can be joined by a thread that shares its root and
	// working directory with no other one.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	ns := joined
	b.prog.join, b.prog.container = unix.CLONE_NEWCGROUP, pidfd
	if mayTrace(o.Capabilities, o.Process.Capabilities) {
		if b.prog.crossing, err = newCrossing(); err != nil {
			return err
		}
		ns &^= apart
		b.prog.join = apart
	}
	if err := unix.Setns(pidfd, ns); err != nil {
		if err == unix.ESRCH {
			return fmt.Errorf("join namespaces: %w: the container has ended", engine.ErrConflict)
		}
		return fmt.Errorf("join namespaces: %w", needRoot(err))
	}
	unix.Umask(0)
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/", Err: err}
	}
	b.root = b.open.add(root)
	if o.Console {
		if b.console, err = o.terminal(root, &b.open); err != nil {
			return err
		}
	}
	return enterDir(root, o.Process.Cwd, false)
}

func (o *ExecOptions) complete(*builder, int) error { return nil }

func (o *ExecOptions) pidFD(open *fds) (int, error) {
	if o.PidFD != nil {
		return int(o.PidFD.Fd()), nil
	}
	fd, err := unix.PidfdOpen(o.Pid, 0)
	if err != nil {
		return -1, fmt.Errorf("open process %d: %w", o.Pid, err)
	}
	return open.add(fd), nil
}

// terminal opens one in the container's devpts. The container may have put
// anything at its path, so openConsole makes sure.
func (o *ExecOptions) terminal(root int, open *fds) (*console, error) {
	pts, err := openIn(root, "/dev/pts", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	return openConsole(open.add(pts), o.Size, open)
}
