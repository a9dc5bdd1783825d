package shim

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// lockPatience is how long a new monitor waits for the one before it, which is
// about to leave.
const lockPatience = 3 * time.Second

// takeLock makes this process the container's monitor and writes its pid into
// the lock file, for people.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	deadline := time.Now().Add(lockPatience)
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR || time.Now().After(deadline) {
			f.Close()
			if err == unix.EWOULDBLOCK {
				err = fmt.Errorf("%w: the container has a monitor", engine.ErrConflict)
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		time.Sleep(time.Millisecond)
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write lock: %w", err)
	}
	return f, nil
}
