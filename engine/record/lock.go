package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	pathpkg "path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// Kinds of locks that have a place in the order; see the package comment.
const (
	LockRestart   = "restart"
	LockIndex     = "index"
	LockContainer = "container"
	LockImage     = "image"
	LockNetwork   = "network"
	LockVolume    = "volume"
	LockJournal   = "journal"
)

// Locks are exclusive locks that processes and goroutines share by name. They
// are flock(2) locks: the kernel frees them when their holder dies, whatever
// it dies of. They protect files. What goroutines share in memory needs a mutex
// besides: the Go memory model knows nothing of flock.
type Locks struct {
	dir   string
	order *order // nil outside tests
}

// OpenLocks uses the lock files in dir, <run>/locks, and makes it if needed.
func OpenLocks(dir string) (*Locks, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open locks: %w", err)
	}
	return &Locks{dir: dir, order: newOrder()}, nil
}

// Lock waits until the lock is free or ctx ends.
func (l *Locks) Lock(ctx context.Context, kind, id string) (*Lock, error) {
	k, err := l.open(kind, id)
	if err != nil {
		return nil, err
	}
	if err := await(ctx, k.f, unix.LOCK_EX); err != nil {
		k.close()
		return nil, fmt.Errorf("lock %s: %w", k.name, err)
	}
	return k, nil
}

// TryLock takes the lock if it is free, else it returns ErrInUse.
func (l *Locks) TryLock(kind, id string) (*Lock, error) {
	k, err := l.open(kind, id)
	if err != nil {
		return nil, err
	}
	ok, err := flock(k.f, unix.LOCK_EX)
	if ok {
		return k, nil
	}
	k.close()
	if err == nil {
		err = engine.ErrInUse
	}
	return nil, fmt.Errorf("lock %s: %w", k.name, err)
}

// Held tells whether some process or goroutine holds the lock. The answer may
// be stale when it arrives; "no" is final only for locks whose holder cannot
// come back, as those of jobs.
func (l *Locks) Held(kind, id string) (bool, error) {
	name, err := lockName(kind, id)
	if err != nil {
		return false, err
	}
	return FileHeld(pathpkg.Join(l.dir, name))
}

// open opens the lock's file, unlocked. Every Lock has an open file description
// of its own, so that goroutines of one process exclude each other too.
func (l *Locks) open(kind, id string) (*Lock, error) {
	name, err := lockName(kind, id)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(pathpkg.Join(l.dir, name), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s %s: %w", kind, id, err)
	}
	k := &Lock{f: f, name: kind + " " + id, order: l.order}
	l.order.enter(k, kind, id)
	return k, nil
}

func lockName(kind, id string) (string, error) {
	name := kind + "-" + id + ".lock"
	if kind == "" || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
		return "", fmt.Errorf("%w lock name %q", engine.ErrInvalid, name)
	}
	return name, nil
}

// Lock is a lock that is held.
type Lock struct {
	f     *os.File
	name  string
	order *order
}

// Unlock gives the lock back. It unlocks before it closes: a child that was
// forked this moment has a copy of the descriptor until it executes, and closing
// ours alone would leave the lock held for that long.
func (k *Lock) Unlock() {
	_ = unix.Flock(int(k.f.Fd()), unix.LOCK_UN)
	k.close()
}

func (k *Lock) close() {
	k.order.leave(k)
	k.f.Close()
}

// FileHeld tells whether some process holds an exclusive flock on the file at
// path; a missing file is held by nobody. It asks with a shared lock, so that
// those who ask never see each other.
func FileHeld(path string) (held bool, err error) {
	err = probe(path, func(f *os.File) error {
		free, err := flock(f, unix.LOCK_SH)
		held = !free && err == nil
		return err
	})
	return held, err
}

// AwaitFree waits until nobody holds an exclusive flock on the file at path.
func AwaitFree(ctx context.Context, path string) error {
	return probe(path, func(f *os.File) error { return await(ctx, f, unix.LOCK_SH) })
}

func probe(path string, look func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("probe lock: %w", err)
	}
	defer f.Close()
	defer unix.Flock(int(f.Fd()), unix.LOCK_UN)
	if err := look(f); err != nil {
		return fmt.Errorf("probe lock %s: %w", path, err)
	}
	return nil
}

const (
	minPause = 100 * time.Microsecond
	maxPause = 25 * time.Millisecond
)

// await polls for the lock. A blocking flock(2) cannot be cancelled without a
// thread and a signal of its own. The pause grows with the time already waited,
// so that a wait is at most a quarter longer than it had to be, and one for a
// slow holder costs next to nothing.
func await(ctx context.Context, f *os.File, how int) error {
	began := time.Now()
	var timer *time.Timer
	for {
		ok, err := flock(f, how)
		if ok || err != nil {
			return err
		}
		pause := min(max(time.Since(began)/4, minPause), maxPause)
		if timer == nil {
			timer = time.NewTimer(pause)
			defer timer.Stop()
		} else {
			timer.Reset(pause)
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fmt.Errorf("another gantry process holds it: %w", context.Cause(ctx))
		}
	}
}

// flock takes the lock if it is free.
func flock(f *os.File, how int) (bool, error) {
	_, err := retry(func() (int, error) { return 0, unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
	if err == unix.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}
