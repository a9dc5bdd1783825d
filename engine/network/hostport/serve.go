package hostport

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// loop leads what reaches the sockets on. All sockets are in one epoll, which
// the runtime's poller watches: a range of a thousand ports costs neither a
// thousand goroutines nor a thread.
type loop struct {
	epoll *os.File
	raw   syscall.RawConn
	socks map[int32]*socket
	udp   *datagrams
	done  chan struct{}
}

// Serve begins to lead what reaches the sockets to the container. Close ends it.
func (h *Held) Serve() error {
	l := &loop{socks: map[int32]*socket{}, done: make(chan struct{})}
	for _, s := range h.socks {
		if s.served && s.port.Addr.IsValid() {
			l.socks[int32(s.fd)] = s
		}
	}
	if len(l.socks) == 0 {
		return nil
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(fd, true) // what makes the runtime's poller take it
	}
	if err != nil {
		return fmt.Errorf("serve published ports: %w", err)
	}
	l.epoll = os.NewFile(uintptr(fd), "ports")
	if l.raw, err = l.epoll.SyscallConn(); err != nil {
		return errors.Join(err, l.epoll.Close())
	}
	l.udp = newDatagrams(l)
	for fd := range l.socks {
		if err := l.watch(int(fd)); err != nil {
			return errors.Join(err, l.epoll.Close())
		}
	}
	h.loop = l
	go l.run()
	return nil
}

func (l *loop) watch(fd int) error {
	var err error
	if e := l.raw.Control(func(epoll uintptr) {
		err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}); e != nil {
		return os.ErrClosed
	}
	if err != nil {
		return fmt.Errorf("watch a published port: %w", err)
	}
	return nil
}

// close ends the loop before the sockets are closed: their numbers may be
// somebody else's right after.
func (l *loop) close() error {
	err := l.epoll.Close()
	<-l.done
	l.udp.close()
	return err
}

func (l *loop) run() {
	defer close(l.done)
	events := make([]unix.EpollEvent, 32)
	for {
		var n int
		err := l.raw.Read(func(epoll uintptr) bool {
			n, _ = unix.EpollWait(int(epoll), events, 0)
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, ev := range events[:n] {
			l.handle(ev.Fd)
		}
	}
}

func (l *loop) handle(fd int32) {
	s := l.socks[fd]
	switch {
	case s == nil:
		l.udp.answer(int(fd))
	case s.port.Proto == "udp":
		l.udp.receive(s)
	default:
		l.accept(s)
	}
}

// accept takes one connection; the socket stays ready while there are more.
func (l *loop) accept(s *socket) {
	fd, _, err := unix.Accept4(s.fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return // it has gone, or there are no descriptors: then it waits in the queue
	}
	go relay(fd, s.port)
}
