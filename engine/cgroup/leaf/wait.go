package leaf

import (
	"errors"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

var errTimeout = errors.New("timed out")

// waitEvent waits until a key of cgroup.events has a value. The kernel tells
// changes of that file by POLLPRI.
func waitEvent(dir, key string, want uint64, deadline time.Time) error {
	fd, err := open(path.Join(dir, "cgroup.events"), unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		text, err := readFD(fd)
		if err != nil {
			return err
		}
		if v, ok := field(text, key); ok && v == want {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return errTimeout
		}
		// Rounded up, or the last millisecond would spin.
		ms := int(left.Milliseconds()) + 1
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, ms)
		if err != nil && err != unix.EINTR {
			return err
		}
	}
}

// backoff paces retries of what the kernel gives no event for: 0.1 ms at
// first, doubling up to 20 ms, until the deadline.
type backoff struct {
	next     time.Duration
	deadline time.Time
}

func newBackoff(deadline time.Time) *backoff {
	return &backoff{next: 100 * time.Microsecond, deadline: deadline}
}

// wait sleeps and tells whether to try again.
func (b *backoff) wait() bool {
	left := time.Until(b.deadline)
	if left <= 0 {
		return false
	}
	time.Sleep(min(b.next, left))
	b.next = min(2*b.next, 20*time.Millisecond)
	return true
}
