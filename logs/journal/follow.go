package journal

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watchMask: IN_CLOSE_WRITE comes when the writer lets go, also when it was
	// killed, and so wakes a follower to see that the container has ended.
	watchMask = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_CLOSE_WRITE |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

	// heartbeat bounds how long a follower can overlook an end that nothing
	// in the directory tells of: a container that ended while it had no shim.
	heartbeat = 2 * time.Second
	// pollEvery is used where the kernel gives no watch (its instances are few)
	// or the directory does not exist yet.
	pollEvery = time.Second
)

// watcher waits for changes of a directory.
type watcher struct {
	dir  string
	f    *os.File    // inotify, nil: poll
	id   os.FileInfo // of the directory that f watches
	gone bool        // the directory was removed
}

func newWatcher(dir string) *watcher {
	w := &watcher{dir: dir}
	w.open()
	return w
}

// open tries to watch; where it cannot, wait polls.
func (w *watcher) open() {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	_, err = unix.InotifyAddWatch(fd, w.dir, watchMask)
	if err == nil {
		w.id, err = os.Stat(w.dir)
	}
	if err != nil {
		unix.Close(fd)
		return
	}
	// A nonblocking descriptor goes to the runtime's poller: a waiting
	// follower costs no thread, and a deadline ends its read.
	w.f = os.NewFile(uintptr(fd), "inotify")
}

func (w *watcher) close() {
	if w.f != nil {
		w.f.Close()
	}
}

// wait returns when something may have changed, or at until (zero: never).
func (w *watcher) wait(ctx context.Context, until time.Time) error {
	if w.f == nil {
		return w.poll(ctx, until)
	}
	stop := context.AfterFunc(ctx, func() { w.f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := w.f.SetReadDeadline(earlier(time.Now().Add(heartbeat), until)); err != nil {
		return err
	}
	// After the deadline was set, or this could overwrite the one of AfterFunc.
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var buf [4 << 10]byte // takes many events, and at least one with the longest name
	_, err := w.f.Read(buf[:])
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	// Asked instead of taken from the events: IN_DELETE_SELF waits for the
	// last one who has the directory open, and its writer has.
	fi, err := os.Stat(w.dir)
	w.gone = err != nil || !os.SameFile(fi, w.id)
	return nil
}

func (w *watcher) poll(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(earlier(time.Now().Add(pollEvery), until)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		w.open()
		return nil
	}
}

func earlier(t, until time.Time) time.Time {
	if !until.IsZero() && until.Before(t) {
		return until
	}
	return t
}
