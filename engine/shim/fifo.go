package shim

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/logs"
)

// openFIFO opens the FIFO at path for reading and writing, which never blocks
// and never meets an end of file, and makes it first if needed. It is for the
// runtime's poller; the container's own descriptors must come from openBlocking,
// because O_NONBLOCK belongs to the open file and not to the descriptor.
func openFIFO(path string) (*os.File, error) {
	if err := unix.Mkfifo(path, 0o600); err != nil && err != unix.EEXIST {
		return nil, fmt.Errorf("make fifo %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open fifo: %w", err)
	}
	fi, err := f.Stat()
	if err == nil && fi.Mode()&os.ModeNamedPipe == 0 {
		err = fmt.Errorf("open fifo %s: it is none", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openBlocking opens a FIFO for a program. os.OpenFile would make it
// nonblocking.
func openBlocking(path string, mode int) (*os.File, error) {
	fd, err := unix.Open(path, mode|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// pipe makes a pipe for a program: its end blocks, ours is polled.
func pipe(oursReads bool) (ours, theirs *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make pipe: %w", err)
	}
	r, w := fds[0], fds[1]
	if !oursReads {
		r, w = w, r
	}
	if err := unix.SetNonblock(r, true); err != nil {
		unix.Close(r)
		unix.Close(w)
		return nil, nil, fmt.Errorf("make pipe nonblocking: %w", err)
	}
	return os.NewFile(uintptr(r), "pipe"), os.NewFile(uintptr(w), "pipe"), nil
}

// source is one stream of a program's output that is read until the program
// has ended: then what is left is read, and no end of file is waited for,
// because whatever it left in the background may hold the stream open.
type source struct {
	f      *os.File
	stream logs.Stream
	// linger is how long to wait for the end of file nevertheless. A terminal
	// needs it: what was written to it is on its way in a kernel thread when
	// its writer is dead already, and hang-up comes after the last byte.
	linger time.Duration
	done   chan struct{}
}

func newSource(f *os.File, stream logs.Stream, terminal bool) *source {
	s := &source{f: f, stream: stream, done: make(chan struct{})}
	if terminal {
		s.linger = time.Second
	}
	return s
}

// pumpSize is half of what a pipe holds: while one half is logged, the program
// fills the other.
const pumpSize = 32 << 10

// pump passes on what is read, each time with frameHead bytes of room in front.
func (s *source) pump(sink func(logs.Stream, []byte)) {
	defer close(s.done)
	buf := make([]byte, frameHead+pumpSize)
	for {
		n, err := s.f.Read(buf[frameHead:])
		if n > 0 {
			sink(s.stream, buf[:frameHead+n])
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				s.drain(buf, sink)
			}
			return // end of file, or EIO: a terminal's hang-up
		}
	}
}

// drain reads what is there, at most as much as fits into a pipe: whatever the
// program has left in the background may write on and on. With a deadline
// behind it os.File does not read.
func (s *source) drain(buf []byte, sink func(logs.Stream, []byte)) {
	raw, err := s.f.SyscallConn()
	if err != nil {
		return
	}
	for left := s.capacity(raw); left > 0; {
		n := 0
		err := raw.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), buf[frameHead:]) })
		if err != nil || n <= 0 {
			return
		}
		left -= n
		sink(s.stream, buf[:frameHead+n])
	}
}

// terminalSize is more than a pseudo-terminal holds (drivers/tty/tty_buffer.c,
// TTYB_DEFAULT_MEM_LIMIT, on top of N_TTY_BUF_SIZE).
const terminalSize = 1 << 20

// capacity is how much the stream can hold.
func (s *source) capacity(raw syscall.RawConn) int {
	size := terminalSize
	raw.Control(func(fd uintptr) {
		if n, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil {
			size = n
		}
	})
	return size
}

// finish is called when the program has ended. It returns when pump has.
func (s *source) finish() {
	s.f.SetReadDeadline(time.Now().Add(s.linger))
	<-s.done
	s.f.Close()
}

var past = time.Unix(1, 0)
