package hostport

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// end is one side of a connection.
type end struct {
	f   *os.File
	raw syscall.RawConn
}

func newEnd(fd int) (end, error) {
	f := os.NewFile(uintptr(fd), "connection")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
	}
	return end{f, raw}, err
}

// relay connects a client with the container and passes everything on until
// both have ended.
func relay(client int, p Port) {
	a, err := newEnd(client)
	if err != nil {
		return
	}
	defer a.f.Close()
	b, err := connect(endpoint{addr: p.Addr, port: p.Port})
	if err != nil {
		// The client learns by a reset, as it would of the container itself.
		a.raw.Control(func(fd uintptr) {
			unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		})
		return
	}
	defer b.f.Close()
	var both sync.WaitGroup
	both.Go(func() { pour(a, b) })
	both.Go(func() { pour(b, a) })
	both.Wait()
}

// connect opens a connection to the container.
func connect(to endpoint) (end, error) {
	domain := unix.AF_INET
	if !to.addr.Is4() {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return end{}, err
	}
	err = unix.Connect(fd, sockaddr(to))
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return end{}, err
	}
	e, err := newEnd(fd)
	if err != nil {
		return end{}, err
	}
	if err = e.connected(); err != nil {
		e.f.Close()
	}
	return e, err
}

// connected waits until a connection is made, or cannot be.
func (e end) connected() error {
	var err error
	waitErr := e.raw.Write(func(fd uintptr) bool {
		var n int
		if n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
			return true
		}
		if n != 0 {
			err = unix.Errno(n)
			return true
		}
		_, err = unix.Getpeername(int(fd))
		return err != unix.ENOTCONN
	})
	if waitErr != nil {
		return waitErr
	}
	return err
}

// pipeSize is what one direction has under way at most, which is what a pipe holds:
// a larger one was no faster.
const pipeSize = 64 << 10

// pour moves everything from one end to the other through a pipe: the kernel
// hands pages on and copies nothing. The end of it is passed on as well; a
// failure ends the connection.
func pour(from, to end) {
	var pipe [2]int
	if unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		hangUp(from, to)
		return
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	for {
		n, err := fill(from, pipe[1])
		if err != nil {
			hangUp(from, to)
			return
		}
		if n == 0 {
			to.raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) })
			return
		}
		if drain(pipe[0], to, n) != nil {
			hangUp(from, to)
			return
		}
	}
}

// hangUp lets the other direction end as well.
func hangUp(ends ...end) {
	for _, e := range ends {
		e.raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
}

const spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK

// fill takes what there is, 0 at the end.
func fill(from end, pipe int) (n int64, err error) {
	waitErr := from.raw.Read(func(fd uintptr) bool {
		n, err = splice(int(fd), pipe)
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		err = waitErr
	}
	return n, err
}

// drain passes n bytes on.
func drain(pipe int, to end, n int64) (err error) {
	for n > 0 && err == nil {
		waitErr := to.raw.Write(func(fd uintptr) bool {
			var m int64
			m, err = splice(pipe, int(fd))
			n -= max(m, 0)
			return err != unix.EAGAIN
		})
		if waitErr != nil {
			return waitErr
		}
	}
	return err
}

func splice(from, to int) (int64, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, pipeSize, spliceFlags)
		if err != unix.EINTR {
			return n, err
		}
	}
}
