package usock

import (
	"context"
	"errors"
	"fmt"
	"os"
	pathpkg "path"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxPath = len(unix.RawSockaddrUnix{}.Path) - 1
	backlog = 128
)

// Listener accepts connections.
type Listener struct {
	f    *os.File
	raw  syscall.RawConn
	path string
}

// Listen makes a socket at path that its owner alone may connect to. A stale
// one is replaced: the caller knows that nobody else listens there.
func Listen(path string) (*Listener, error) {
	fd, err := socket()
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if err := bind(fd, path); err != nil {
		f.Close()
		return nil, fmt.Errorf("bind %s: %w", path, err)
	}
	// Nobody gets in between: before listen(2) connections are refused.
	err = os.Chmod(path, 0o600)
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Listener{f: f, raw: raw, path: path}, nil
}

func bind(fd int, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return withAddr(path, func(addr *unix.SockaddrUnix) error { return unix.Bind(fd, addr) })
}

// Accept waits for a connection.
func (l *Listener) Accept() (*os.File, error) {
	var fd int
	var err error
	pollErr := l.raw.Read(func(s uintptr) bool {
		for {
			fd, _, err = unix.Accept4(int(s), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			if err != unix.EINTR && err != unix.ECONNABORTED {
				return err != unix.EAGAIN
			}
		}
	})
	if pollErr != nil {
		err = os.ErrClosed // RawConn has an error of its own for it
	}
	if err != nil {
		return nil, fmt.Errorf("accept on %s: %w", l.path, err)
	}
	return os.NewFile(uintptr(fd), l.path), nil
}

// Close stops listening. The socket's name stays: whoever may have put another
// socket there knows whether to remove it.
func (l *Listener) Close() error { return l.f.Close() }

// Dial connects to the socket at path.
func Dial(ctx context.Context, path string) (*os.File, error) {
	fd, err := socket()
	if err != nil {
		return nil, err
	}
	for {
		err = withAddr(path, func(addr *unix.SockaddrUnix) error { return unix.Connect(fd, addr) })
		// A unix socket's connect does not go on in the background: EAGAIN
		// means that the listener's queue is full.
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
		select {
		case <-ctx.Done():
			unix.Close(fd)
			return nil, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("connect to %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// Pair makes two connected sockets. The second is blocking, for a child that
// has not set up its poller.
func Pair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket pair: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("make socket nonblocking: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "pair"), os.NewFile(uintptr(fds[1]), "pair"), nil
}

// PeerUID returns the user who connected.
func PeerUID(conn *os.File) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, fmt.Errorf("ask who connected: %w", err)
	}
	return cred.Uid, nil
}

func socket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("make socket: %w", err)
	}
	return fd, nil
}

// withAddr calls use with an address for path, by way of a descriptor of its
// directory where it is too long.
func withAddr(path string, use func(*unix.SockaddrUnix) error) error {
	if len(path) <= maxPath {
		return use(&unix.SockaddrUnix{Name: path})
	}
	dir, err := unix.Open(pathpkg.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return use(&unix.SockaddrUnix{Name: "/proc/self/fd/" + strconv.Itoa(dir) + "/" + pathpkg.Base(path)})
}
