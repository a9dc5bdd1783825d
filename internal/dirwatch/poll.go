package dirwatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// scarce tells that inotify's limits are reached. They are a user's, and root
// in a container is root for them: any container can use up all 128 instances
// and must not blind the engine by that.
func scarce(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENOSPC) }

// pollPause is how long a change may stay unseen.
const pollPause = 200 * time.Millisecond

// poller looks at the directory again and again.
type poller struct {
	dir   string
	first os.FileInfo // of the directory itself
	last  string      // what looked returned

	once sync.Once
	quit chan struct{}
}

// newPolling is New without inotify.
func newPolling(ctx context.Context, dir string) (*Watcher, error) {
	first, err := os.Stat(dir)
	if err == nil && !first.IsDir() {
		err = &os.PathError{Op: "open", Path: dir, Err: unix.ENOTDIR}
	}
	if err != nil {
		return nil, fmt.Errorf("watch directory: %w", err)
	}
	p := &poller{dir: dir, first: first, quit: make(chan struct{})}
	if p.last, err = p.looked(); err != nil {
		return nil, fmt.Errorf("watch directory: %w", err)
	}
	w := &Watcher{dir: dir, poll: p}
	w.stop = context.AfterFunc(ctx, w.Interrupt)
	return w, nil
}

func (p *poller) interrupt() { p.once.Do(func() { close(p.quit) }) }

func (p *poller) wait() error {
	tick := time.NewTicker(pollPause)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			return os.ErrDeadlineExceeded
		default:
		}
		now, err := p.looked()
		if err != nil {
			return fmt.Errorf("watch directory: %w", err)
		}
		if now != p.last {
			p.last = now
			return nil
		}
		select {
		case <-p.quit:
		case <-tick.C:
		}
	}
}

// looked describes the directory: every change makes another description.
func (p *poller) looked() (string, error) {
	now, err := os.Stat(p.dir)
	if err != nil {
		return "", err
	}
	if !os.SameFile(p.first, now) {
		return "", &os.PathError{Op: "stat", Path: p.dir, Err: os.ErrNotExist}
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		fi, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // removed this moment: the list has changed
		}
		if err != nil {
			return "", err
		}
		var inode uint64
		if st, ok := fi.Sys().(*syscall.Stat_t); ok {
			inode = st.Ino
		}
		fmt.Fprintf(&b, "%s/%d/%d/%d/", e.Name(), inode, fi.Size(), fi.ModTime().UnixNano())
	}
	return b.String(), nil
}
