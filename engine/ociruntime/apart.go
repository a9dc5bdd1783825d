package ociruntime

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// crossing is how a program that Exec makes comes into a pid namespace where
// somebody may trace. CAP_SYS_PTRACE overrides that a process is undumpable,
// and that it has more capabilities than who looks at it. So what waits and
// gives up privileges stays apart, in the caller's pid namespace, and clones
// the program's process at the very end, when there is nothing left to take
// over (doc.go draws it).
//
// The page is shared with the child and tells the number of the program's
// process. The kernel stores it before that process runs: a child that is
// killed in between cannot leave one behind that nobody knows. The process
// itself does not have the page: it could name any other.
type crossing struct{ page []byte }

// Where the page holds what.
const (
	pageBorn    = 0 // int32
	pageRelease = 8 // the byte read at the release: it faults the page in, so that no store can fail
)

func newCrossing() (*crossing, error) {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &crossing{page: page}, nil
}

func (c *crossing) at(offset int) uintptr { return uintptr(unsafe.Pointer(&c.page[offset])) }

func (c *crossing) born() int { return int(*(*int32)(unsafe.Pointer(&c.page[pageBorn]))) }

func (c *crossing) close() {
	if c != nil {
		unix.Munmap(c.page)
		c.page = nil
	}
}

// hide keeps the page from the process to come. It is done before the filter
// is loaded, which may forbid it.
func (c *crossing) hide(p *plan) {
	p.add(must, stepCross, unix.SYS_MADVISE, c.at(0), uintptr(len(c.page)), unix.MADV_DONTFORK)
}

// cross clones the program's process as the caller's child. It is clone(2) and
// not clone3(2): docker's profile forbids that, its flags cannot be filtered.
func (c *crossing) cross(p *plan) {
	flags, stack := uintptr(unix.CLONE_PARENT|unix.CLONE_PARENT_SETTID|unix.SIGCHLD), uintptr(0)
	if cloneStackFirst {
		flags, stack = stack, flags
	}
	p.add(crosses, stepCross, unix.SYS_CLONE, flags, stack, c.at(pageBorn))
}

// cloneStackFirst: s390x alone has the stack before the flags (clone(2)).
const cloneStackFirst = runtime.GOARCH == "s390x"

// arrive takes the program's process for p, once there is one. Until then the
// child that stayed apart stands for it: when that is killed before it cloned,
// its exit status is the program's.
func (p *Process) arrive() error {
	c := p.crossing
	if c == nil {
		return nil
	}
	p.crossing = nil
	defer c.close()
	// It ends by itself; only its end says that no process comes any more.
	apart := int(p.PidFD.Fd())
	if err := retry(func() error {
		return unix.Waitid(unix.P_PIDFD, apart, nil, unix.WEXITED|unix.WNOWAIT, nil)
	}); err != nil {
		return fmt.Errorf("wait for the program's process: %w", err)
	}
	born := c.born()
	if born == 0 {
		return nil
	}
	unix.Wait4(p.Pid, nil, 0, nil)
	// The number is the process's for as long as it has not been reaped, which
	// is for us to do.
	fd, err := unix.PidfdOpen(born, 0)
	if err != nil {
		unix.Kill(born, unix.SIGKILL)
		unix.Wait4(born, nil, 0, nil)
		return fmt.Errorf("open the program's process: %w", err)
	}
	p.PidFD.Close()
	p.Pid, p.PidFD = born, os.NewFile(uintptr(fd), "pidfd")
	return nil
}

// mayTrace tells whether one of the sets holds CAP_SYS_PTRACE.
func mayTrace(sets ...*specs.LinuxCapabilities) bool {
	return slices.ContainsFunc(sets, func(c *specs.LinuxCapabilities) bool {
		return c != nil && slices.Contains(slices.Concat(c.Bounding, c.Permitted, c.Inheritable), "CAP_SYS_PTRACE")
	})
}

// crossError explains why a process could not be made at the very end.
func crossError(errno unix.Errno) error {
	switch errno {
	case unix.EAGAIN:
		return fmt.Errorf("%w: a container with CAP_SYS_PTRACE needs room for two more processes when one is started in it; raise its limit of processes", errno)
	case unix.EPERM, unix.ENOSYS, unix.EACCES:
		return fmt.Errorf("%w: to start programs in a container with CAP_SYS_PTRACE its seccomp profile must allow clone, setsid and execve", errno)
	case unix.ENOMEM:
		// Also what a pid namespace says that is coming to its end.
		return fmt.Errorf("%w: the container has ended, or it has no memory left (%w)", engine.ErrConflict, errno)
	}
	return errno
}
