package leaf

import (
	"errors"
	"fmt"
	"os"
	"path"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// OOM watches a group for the out-of-memory killer. Both kernels count its
// victims: "oom_kill" in memory.events (v2, of the whole subtree) and in
// memory.oom_control (v1, of one group alone).
type OOM struct {
	dir, file string
	deep      bool // sum up the groups below as well
	base      uint64
	last      atomic.Uint64 // what Killed saw last, for when the group is gone
	notify    *os.File
	ready     func(fd uintptr) bool
	polled    int // what notify polls, -1 when it is read itself
}

// OOMWatch starts counting. It needs the memory controller.
func (g *Group) OOMWatch() (*OOM, error) {
	o := &OOM{polled: -1}
	var err error
	if dir, ok := g.Dirs["memory"]; ok {
		o.dir, o.file, o.deep = dir, "memory.oom_control", true
		o.notify, err = watchLegacy(dir)
		o.ready = drain
	} else {
		o.dir, o.file = g.Dirs[Unified], "memory.events"
		o.notify, o.polled, err = watchUnified(path.Join(o.dir, o.file))
		o.ready = pending
	}
	if err != nil {
		return nil, fmt.Errorf("watch group %s for out of memory: %w", g.Path, err)
	}
	o.base, err = o.count()
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("watch group %s for out of memory: %w", g.Path, err)
	}
	return o, nil
}

// settleTimeout is how long Wait looks for the victim of an event.
const settleTimeout = time.Second

// Killed tells whether a process of the group fell to the out-of-memory
// killer since the watch began. Ask before the group is deleted; afterwards
// it repeats its last answer.
func (o *OOM) Killed() bool {
	if n, err := o.count(); err == nil {
		o.last.Store(n)
	}
	return o.last.Load() > o.base
}

// Wait blocks, without occupying a thread, until the kernel reports memory
// trouble in the group, and tells whether it has taken a victim (see Killed).
// Close ends it with os.ErrClosed.
func (o *OOM) Wait() (bool, error) {
	conn, err := o.notify.SyscallConn()
	if err != nil {
		return false, err
	}
	before := o.Killed()
	if conn.Read(o.ready) != nil {
		return false, os.ErrClosed // the only way to fail without a deadline
	}
	// v1 tells of the trouble just before it picks the victim.
	pause := newBackoff(time.Now().Add(settleTimeout))
	for o.deep && !before && !o.Killed() && pause.wait() {
	}
	return o.Killed(), nil
}

// Close ends the watch.
func (o *OOM) Close() error {
	err := o.notify.Close()
	if o.polled >= 0 {
		err = errors.Join(err, unix.Close(o.polled))
		o.polled = -1
	}
	return err
}

func (o *OOM) count() (uint64, error) {
	if !o.deep {
		return victims(path.Join(o.dir, o.file))
	}
	var sum uint64
	err := walk(o.dir, func(dir string) error {
		n, err := victims(path.Join(dir, o.file))
		if gone(err) && dir != o.dir {
			return nil
		}
		sum += n
		return err
	})
	return sum, err
}

func victims(file string) (uint64, error) {
	text, err := readFile(file)
	if err != nil {
		return 0, err
	}
	n, _ := field(text, "oom_kill")
	return n, nil
}

// watchLegacy asks for an event per out-of-memory condition (the kernel's
// cgroup-v1/memory.rst, section 10). It fires before the victim is chosen and
// once more when the group is removed, so only the counter is believed.
func watchLegacy(dir string) (*os.File, error) {
	control, err := open(path.Join(dir, "memory.oom_control"), unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(control)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	event := fmt.Sprintf("%d %d", fd, control)
	if err := writeFile(path.Join(dir, "cgroup.event_control"), event); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "oom"), nil
}

// watchUnified wraps memory.events in an epoll instance: the kernel reports a
// change as an exceptional condition, which the runtime's poller does not ask
// for, while an epoll instance with something pending is simply readable.
func watchUnified(file string) (epoll *os.File, events int, err error) {
	events, err = open(file, unix.O_RDONLY)
	if err != nil {
		return nil, -1, err
	}
	// kernfs holds a change to be pending until the file has been read once.
	if _, err := unix.Read(events, make([]byte, 512)); err != nil {
		unix.Close(events)
		return nil, -1, os.NewSyscallError("read", err)
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		unix.Close(events)
		return nil, -1, os.NewSyscallError("epoll_create1", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLPRI | unix.EPOLLET, Fd: int32(events)}
	err = errors.Join(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, events, &ev), unix.SetNonblock(ep, true))
	if err != nil {
		unix.Close(ep)
		unix.Close(events)
		return nil, -1, os.NewSyscallError("epoll_ctl", err)
	}
	return os.NewFile(uintptr(ep), "oom"), events, nil
}

// drain empties the eventfd; false waits on.
func drain(fd uintptr) bool {
	var buf [8]byte
	_, err := unix.Read(int(fd), buf[:])
	return err != unix.EAGAIN
}

// pending takes the pending event off the epoll instance; false waits on.
func pending(fd uintptr) bool {
	n, err := unix.EpollWait(int(fd), make([]unix.EpollEvent, 1), 0)
	return n > 0 || (err != nil && err != unix.EINTR)
}
