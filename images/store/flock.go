package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// flock takes a lock on an open file. flock(2) belongs to the open file
// description: it excludes other processes and other goroutines alike, and the
// kernel drops it when the process dies, however it dies. A blocked flock
// cannot be cancelled, so waiting is a loop of attempts; holders keep the index
// for well under a millisecond.
func flock(ctx context.Context, f *os.File, how int) error {
	for wait := 200 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		ok, err := tryFlock(f, how)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", f.Name(), context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

func tryFlock(f *os.File, how int) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// named tells whether path still names the open file. A file that is renamed or
// removed while others wait for its lock leaves them with a lock on nothing:
// they look again after they got it.
func named(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

// lockIndex takes the index lock: unix.LOCK_SH keeps collection out,
// unix.LOCK_EX everybody.
func (s *Store) lockIndex(ctx context.Context, how int) (unlock func(), err error) {
	f, err := os.OpenFile(s.indexLock, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock image index: %w", err)
	}
	if err := flock(ctx, f, how); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock image index: %w", err)
	}
	return func() { f.Close() }, nil
}
