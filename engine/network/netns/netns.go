package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/internal/osthread"
)

// nsGetType is NS_GET_NSTYPE of ioctl_ns(2): the CLONE_NEW… flag of a namespace.
const nsGetType = 0xb703

// Open opens the network namespace at path, such as /proc/PID/fd/N. Anything
// else that lies there is refused: what was meant may have gone meanwhile, and
// its numbers be another's.
func Open(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open network namespace", Path: path, Err: err}
	}
	if err := check(fd); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("open network namespace %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// New makes a network namespace. It has a loopback device that is down and
// nothing else, and is there as long as somebody has it open or is in it.
func New() (ns *os.File, err error) {
	err = osthread.Run(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		ns, err = Open("/proc/thread-self/ns/net")
		return err
	})
	return ns, err
}

// Path is where another process finds the namespace while this one has it open.
func Path(ns *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.Fd()) }

func check(fd int) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	if fs.Type != unix.NSFS_MAGIC {
		return fmt.Errorf("%w: it is no namespace", engine.ErrInvalid)
	}
	kind, err := unix.IoctlRetInt(fd, nsGetType)
	if err != nil {
		return os.NewSyscallError("ioctl NS_GET_NSTYPE", err)
	}
	if kind != unix.CLONE_NEWNET {
		return fmt.Errorf("%w: it is a namespace of another kind", engine.ErrInvalid)
	}
	return nil
}

// Do runs fn on a thread that is inside the namespace meanwhile. What fn opens
// stays there: a socket belongs to the namespace that it was made in.
func Do(ns *os.File, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err, back := within(ns, fn)
		if back {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// within tells whether the thread is where it was.
func within(ns *os.File, fn func() error) (err error, back bool) {
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open own network namespace: %w", err), true
	}
	defer unix.Close(home)
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace: %w", err), true
	}
	err = fn()
	if left := unix.Setns(home, unix.CLONE_NEWNET); left != nil {
		return errors.Join(err, fmt.Errorf("leave network namespace: %w", left)), false
	}
	return err, true
}

// LoopbackUp brings lo up in the calling thread's network namespace, where the
// kernel makes it down. Where it is up already nothing is changed.
func LoopbackUp() error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	// Interface ioctls are answered by any socket of the namespace.
	if err := unix.IoctlIfreq(s, unix.SIOCGIFFLAGS, ifr); err != nil {
		return fmt.Errorf("look at lo: %w", err)
	}
	if ifr.Uint16()&unix.IFF_UP != 0 {
		return nil
	}
	ifr.SetUint16(ifr.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	return nil
}
