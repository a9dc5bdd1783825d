package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/images"
	"gantry/internal/dirwatch"
)

// Follow yields the latest progress of each part, then what changes, and ends
// with the job: without an error when it is done, with its error when it has
// failed (its class and hint are kept), with context.Canceled when it was
// canceled. A follower costs nothing while the job says nothing.
func (m *Manager) Follow(ctx context.Context, ref string) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		dir, err := m.find("follow", ref)
		if err != nil {
			yield(images.Progress{}, err)
			return
		}
		t := newTracker(filepath.Join(dir, progressFile))
		defer t.close()
		more := true
		st, err := m.attend(ctx, dir, func(status) error {
			return t.drain(func(p images.Progress) bool {
				more = yield(p, nil)
				return more
			})
		})
		if err == nil {
			err = st.err()
		} else {
			err = wrap("follow", ref, err)
		}
		if more && err != nil {
			yield(images.Progress{}, err)
		}
	}
}

// Cancel asks the job to end and waits until it has. One that is over already is
// ErrNotModified.
func (m *Manager) Cancel(ctx context.Context, ref string) error {
	dir, err := m.find("cancel", ref)
	if err != nil {
		return err
	}
	signalled, over := false, true
	_, err = m.attend(ctx, dir, func(st status) error {
		if st.State != engine.JobRunning {
			return nil
		}
		over = false
		if signalled || st.Process.Pid == 0 { // 0: it is starting, and will tell
			return nil
		}
		signalled = true
		return st.Process.terminate()
	})
	if err == nil && over {
		err = engine.ErrNotModified
	}
	return wrap("cancel", ref, err)
}

// terminate sends SIGTERM. One who has just died needs it no more.
func (p process) terminate() error {
	if p.Boot != record.BootID() {
		return fmt.Errorf("%w: it is of another boot", engine.ErrNotFound)
	}
	f, err := record.PidFD(p.Pid, p.Start)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := record.SignalFD(f, unix.SIGTERM); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	return nil
}

// attend calls look at once and after every change, until the job is over or
// look fails; the last look is at the job that is over. It returns how that
// stands, after the job's process has let go of everything.
func (m *Manager) attend(ctx context.Context, dir string, look func(status) error) (status, error) {
	defer m.reap()
	changes, err := dirwatch.New(ctx, dir, dirwatch.Changes)
	if err != nil {
		return status{}, err
	}
	defer changes.Close()
	var death deathWatch
	defer death.close()
	for {
		if ctx.Err() != nil {
			return status{}, context.Cause(ctx)
		}
		// The record before the progress: when it says that the job is over,
		// the progress is complete.
		st, err := readStatus(dir)
		if err != nil {
			return status{}, err
		}
		if err := look(st); err != nil {
			return st, err
		}
		if st.State != engine.JobRunning {
			return st, record.AwaitFree(ctx, filepath.Join(dir, lockFile))
		}
		if death.watch(st.Process, changes.Interrupt) {
			continue // look again: what happened before the watch went unseen
		}
		if err := changes.Wait(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return status{}, err
		} else if err != nil {
			death.pause(ctx)
		}
	}
}

// deathWatch tells when the job's process has died. inotify cannot: the kernel
// reports the close of the lock file before it frees the lock (__fput in
// fs/file_table.c), and a look in between would find the job alive.
type deathWatch struct {
	begun  bool
	pidfd  *os.File
	done   sync.WaitGroup
	pauses time.Duration
}

// watch calls died once p has ended; it may do so before it returns. It reports
// whether it began to watch just now.
func (d *deathWatch) watch(p process, died func()) bool {
	if d.begun || p.Pid == 0 {
		return false
	}
	d.begun = true
	f, err := record.PidFD(p.Pid, p.Start)
	if err != nil {
		died()
		return true
	}
	d.pidfd = f
	d.done.Go(func() {
		if record.AwaitExit(f) == nil {
			died()
		}
	})
	return true
}

// pause is between looks at a job whose process has died and whose lock is not
// free: a child that it was forking has a copy until it executes. It grows,
// because the process may also live in a PID namespace that is not ours.
func (d *deathWatch) pause(ctx context.Context) {
	d.pauses = min(2*d.pauses+5*time.Millisecond, time.Second)
	select {
	case <-ctx.Done():
	case <-time.After(d.pauses):
	}
}

func (d *deathWatch) close() {
	if d.pidfd != nil {
		d.pidfd.Close() // ends AwaitExit
		d.done.Wait()
	}
}
