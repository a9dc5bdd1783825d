package responder

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/inetaddr"
)

// socket is one on the runtime's poller: waiting for it costs no thread.
type socket struct {
	f   *os.File
	raw syscall.RawConn
}

// open makes a socket in the calling thread's network namespace.
func open(addr inetaddr.Addr, kind int) (*socket, error) {
	family := unix.AF_INET
	if addr.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make socket: %w", err)
	}
	return wrap(fd)
}

func wrap(fd int) (*socket, error) {
	f := os.NewFile(uintptr(fd), "dns")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &socket{f, raw}, nil
}

// listen makes a socket at an address of the calling thread's network
// namespace; kind is SOCK_DGRAM or SOCK_STREAM.
func listen(at inetaddr.AddrPort, kind int) (*socket, error) {
	s, err := open(at.Addr, kind)
	if err != nil {
		return nil, err
	}
	err = s.control(func(fd int) error {
		if kind == unix.SOCK_STREAM {
			// Connections of the responder before, whose monitor was killed.
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
				return err
			}
		}
		if err := unix.Bind(fd, sockaddr(at)); err != nil {
			return err
		}
		if kind == unix.SOCK_STREAM {
			return unix.Listen(fd, backlog)
		}
		return nil
	})
	if err != nil {
		s.f.Close()
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return s, nil
}

const backlog = 64

// begin starts to connect. By TCP it is done when the socket can be written to.
func (s *socket) begin(to inetaddr.AddrPort) error {
	return s.control(func(fd int) error {
		err := unix.Connect(fd, sockaddr(to))
		if err == unix.EINPROGRESS {
			return nil
		}
		return err
	})
}

// connected waits for the end of a connect, which has a deadline.
func (s *socket) connected() error {
	var err error
	waited := s.raw.Write(func(fd uintptr) bool {
		// The state is looked at before anything is waited for: the poller tells
		// of a change once, and that may have been before we came here.
		if _, err = unix.Getpeername(int(fd)); err != unix.ENOTCONN {
			return true
		}
		code, asked := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if asked == nil && code == 0 {
			return false
		}
		if err = asked; asked == nil {
			err = unix.Errno(code)
		}
		return true
	})
	if waited != nil {
		return waited
	}
	return err
}

func (s *socket) control(do func(fd int) error) error {
	var err error
	if closed := s.raw.Control(func(fd uintptr) { err = do(int(fd)) }); closed != nil {
		return closed
	}
	return err
}

// receive waits for a message. One that does not fit into b has n > len(b).
func (s *socket) receive(b []byte) (n int, from unix.Sockaddr, err error) {
	closed := s.raw.Read(func(fd uintptr) bool {
		for {
			n, from, err = unix.Recvfrom(int(fd), b, unix.MSG_TRUNC)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if closed != nil {
		return 0, nil, os.ErrClosed // RawConn has an error of its own for it
	}
	return n, from, err
}

// send gives a message to the kernel, or drops it when that has no room: the
// loss of a datagram is what its sender reckons with. to is nil on a connected
// socket.
func (s *socket) send(b []byte, to unix.Sockaddr) error {
	return s.control(func(fd int) error {
		if to == nil {
			_, err := unix.Write(fd, b)
			return err
		}
		return unix.Sendto(fd, b, unix.MSG_NOSIGNAL, to)
	})
}

// accept waits for a connection.
func (s *socket) accept() (*socket, error) {
	var fd int
	var err error
	closed := s.raw.Read(func(l uintptr) bool {
		for {
			fd, _, err = unix.Accept4(int(l), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			if err != unix.EINTR && err != unix.ECONNABORTED {
				return err != unix.EAGAIN
			}
		}
	})
	switch {
	case closed != nil:
		return nil, os.ErrClosed
	case err != nil:
		return nil, os.NewSyscallError("accept", err)
	}
	return wrap(fd)
}

// within bounds what is done on the socket from now on.
func (s *socket) within(d time.Duration) { s.f.SetDeadline(time.Now().Add(d)) }

func sockaddr(a inetaddr.AddrPort) unix.Sockaddr {
	if a.Addr.Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr.As4(), Port: int(a.Port)}
	}
	return &unix.SockaddrInet6{Addr: a.Addr.As16(), Port: int(a.Port), ZoneId: scope(a.Addr.Zone())}
}

// scope is the number of the interface that a link-local address is behind; in
// the namespace of the calling thread.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq(zone)
	if err != nil || unix.IoctlIfreq(s, unix.SIOCGIFINDEX, ifr) != nil {
		return 0
	}
	return ifr.Uint32()
}
