package shim

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// input is a program's standard input, into which several peers may write. A
// nil one takes nothing.
type input struct {
	ready chan struct{} // closed when w is set, or never will be

	mu    sync.Mutex // guards the fields below, not the writing
	w     *os.File
	ended bool
}

func newInput() *input { return &input{ready: make(chan struct{})} }

// connect gives the input its writable end, once.
func (in *input) connect(w *os.File) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.w = w
	close(in.ready)
	if in.ended {
		w.Close()
	}
}

// patience is how often a blocked write looks whether its peer is still there.
const patience = 2 * time.Second

// write waits for the program to be there and to read, but not for a peer that
// has gone. What comes after the end, or after the program closed its input,
// is thrown away, as by a pipe whose writer ignores SIGPIPE.
func (in *input) write(p []byte, gone func() bool) {
	for {
		select {
		case <-in.ready:
		case <-time.After(patience):
			if gone() {
				return
			}
			continue
		}
		break
	}
	for len(p) > 0 {
		in.w.SetWriteDeadline(time.Now().Add(patience))
		n, err := in.w.Write(p)
		p = p[max(n, 0):]
		switch {
		case err == nil:
		case !errors.Is(err, os.ErrDeadlineExceeded):
			in.end()
			return
		case gone():
			return
		}
	}
}

// end closes the input, which also frees those who wait to write into it.
func (in *input) end() {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended {
		return
	}
	in.ended = true
	if in.w != nil {
		in.w.Close()
	}
}

// drop ends the input of a program that is gone, or never came.
func (in *input) drop() {
	if in == nil {
		return
	}
	in.end()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.w == nil {
		close(in.ready) // writing to a nil file fails, and so is thrown away
	}
}

// hungUp tells whether the peer of a connection has gone. It may have left
// bytes behind that nobody has read yet.
func hungUp(c *conn) bool {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return true
	}
	var n int
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, _ = unix.Poll(p, 0)
	})
	return err != nil || n > 0
}
