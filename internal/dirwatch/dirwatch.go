// Package dirwatch waits for changes in one directory by inotify(7). It tells
// only that something changed: the caller looks for itself, so that a thousand
// changes are one wakeup and a lost notification (queue overflow) loses nothing.
//
// Invariant: begin to watch, then look, then wait. In any other order a change
// between the look and the watch is missed.
//
// It exists beside fsnotify because that runs a goroutine per watcher and hands
// over every single change, and because light processes do not link it.
package dirwatch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Changes are what most callers want to hear of: files written, made, renamed
// and removed, and the end of the directory itself.
const Changes = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

// Watcher waits for changes. All but Interrupt belongs to one goroutine.
type Watcher struct {
	f    *os.File // of inotify
	poll *poller  // in its place
	dir  string
	stop func() bool
	buf  [4096]byte
	n    int
}

// New begins to watch dir for the inotify events in mask. When ctx ends, Wait
// returns. Where inotify's limits are reached it looks every pollPause instead.
func New(ctx context.Context, dir string, mask uint32) (*Watcher, error) {
	// Non-blocking makes os.File hand the descriptor to the runtime's poller:
	// a waiting Watcher costs no thread, and a deadline can end the wait.
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if scarce(err) {
		return newPolling(ctx, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("watch directory %s: %w", dir, err)
	}
	f := os.NewFile(uintptr(fd), "inotify "+dir)
	if _, err := unix.InotifyAddWatch(fd, dir, mask|unix.IN_ONLYDIR); err != nil {
		f.Close()
		if scarce(err) {
			return newPolling(ctx, dir)
		}
		return nil, fmt.Errorf("watch directory %s: %w", dir, err)
	}
	w := &Watcher{f: f, dir: dir}
	w.stop = context.AfterFunc(ctx, w.Interrupt)
	return w, nil
}

// Interrupt makes Wait return os.ErrDeadlineExceeded now and ever after. It may
// be called from any goroutine.
func (w *Watcher) Interrupt() {
	if w.poll != nil {
		w.poll.interrupt()
		return
	}
	// A deadline in the past ends a read that is under way, and all later ones.
	_ = w.f.SetReadDeadline(time.Unix(1, 0))
}

// Wait blocks until something has changed since New or the last Wait. It returns
// os.ErrDeadlineExceeded when the context of New has ended or Interrupt was
// called, and os.ErrNotExist
// when the directory was removed or moved.
func (w *Watcher) Wait() error {
	if w.poll != nil {
		err := w.poll.wait()
		w.n++
		return err
	}
	n, err := w.f.Read(w.buf[:])
	w.n++
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	if err != nil {
		return fmt.Errorf("watch directory %s: %w", w.dir, err)
	}
	if gone(w.buf[:n]) {
		return fmt.Errorf("watch directory %s: %w", w.dir, os.ErrNotExist)
	}
	return nil
}

// Wakeups counts the returns of Wait.
func (w *Watcher) Wakeups() int { return w.n }

// Close ends the watch.
func (w *Watcher) Close() error {
	w.stop()
	if w.poll != nil {
		w.poll.interrupt()
		return nil
	}
	return w.f.Close()
}

// gone looks for the end of the watched directory in a batch of struct
// inotify_event: wd, mask, cookie and len, 32 bits each in native byte order,
// and len bytes of name.
func gone(batch []byte) bool {
	for len(batch) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(batch[4:])
		name := binary.NativeEndian.Uint32(batch[12:])
		if mask&(unix.IN_IGNORED|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_UNMOUNT) != 0 {
			return true
		}
		next := unix.SizeofInotifyEvent + int(name)
		if next > len(batch) {
			return false
		}
		batch = batch[next:]
	}
	return false
}
