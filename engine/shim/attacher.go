package shim

import (
	"bytes"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/logs"
)

// attacher is the sending half of one attach. While chase is nil the pumps
// write to its socket, without waiting.
type attacher struct {
	conn    *conn
	out     *output
	wants   [2]bool
	chasing sync.WaitGroup

	// Guarded by out.mu.
	dead  bool // its peer is gone; the reader of its connection cleans up
	chase *chase
}

func newAttacher(c *conn, o *output, stdout, stderr bool) *attacher {
	return &attacher{conn: c, out: o, wants: [2]bool{stdout, stderr}}
}

// offer hands a frame on that is in the journal already. Called with out.mu.
func (a *attacher) offer(stream logs.Stream, frame []byte) {
	switch {
	case a.dead:
	case a.chase != nil:
		a.chase.hold()
	case a.wants[slot(stream)]:
		n, err := sendNow(a.conn, frame)
		if err != nil {
			a.dead = true
		} else if n < len(frame) {
			a.follow(bytes.Clone(frame[n:]), false)
		}
	}
}

// follow leaves the attacher to a chase, which begins with the rest of a frame
// that was cut off. Called with out.mu.
func (a *attacher) follow(rest []byte, replay bool) {
	a.chase = newChase(a, rest, replay)
	a.chasing.Go(a.chase.run)
}

// sendNow writes what the socket takes at once.
func sendNow(c *conn, b []byte) (n int, err error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	sysErr := raw.Control(func(fd uintptr) {
		n, err = unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
	if err == unix.EAGAIN || err == unix.EINTR {
		return 0, sysErr
	}
	return max(n, 0), errors.Join(err, sysErr)
}
