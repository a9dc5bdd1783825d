package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

var _ engine.Supervisor = (*Engine)(nil)

// bootRecord is autostart.json in the runtime directory: that this boot's
// containers were brought back.
type bootRecord struct {
	BootID string `json:"bootID"`
}

// bootWorkers bounds how many containers start at the same time after a boot.
const bootWorkers = 4

// Boot implements engine.Supervisor.
func (e *Engine) Boot(ctx context.Context, tell func(engine.CareNotice)) error {
	mark := filepath.Join(e.run, "autostart.json")
	var done bootRecord
	if err := record.Read(mark, &done); err == nil && done.BootID == record.BootID() {
		return nil
	}
	views, err := e.snapshotAll(ctx)
	if err != nil {
		return err
	}
	turns := make(chan struct{}, bootWorkers)
	var wg sync.WaitGroup
	for i := len(views) - 1; i >= 0 && ctx.Err() == nil; i-- { // the oldest first: others may depend on it
		v := views[i]
		if !v.comesBack() {
			continue
		}
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			err := e.bringBack(ctx, v.rec.ID)
			text := "started"
			if err != nil {
				text = "start it after the boot"
			}
			tell(engine.CareNotice{Container: v.rec.Name, Text: text, Err: err})
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return record.Write(mark, bootRecord{BootID: record.BootID()}, record.Volatile)
}

// comesBack tells whether a container is to run after a boot: it ran before that,
// and nobody stopped it, which only always does not mind. One that on-failure
// looks after comes back when the boot ended it or cut its back-off short.
func (v *view) comesBack() bool {
	if v.state != engine.Exited || v.start == nil || v.exit == nil || v.start.BootID == record.BootID() {
		return false
	}
	switch p := v.rec.Host.RestartPolicy; p.Name {
	case engine.RestartAlways:
		return true
	case engine.RestartUnlessStopped:
		return !v.exit.Stopped
	case engine.RestartOnFailure:
		return !v.exit.Stopped && v.exit.Code != 0 && (p.MaximumRetryCount == 0 || v.exit.Again.Count <= p.MaximumRetryCount)
	}
	return false
}

// bringBack starts a container as its policy would, so that a start which fails
// is tried again later.
func (e *Engine) bringBack(ctx context.Context, id engine.ID) error {
	if err := e.planStart(ctx, id); err != nil {
		return err
	}
	err := e.startAgain(ctx, id)
	_, verr := e.view(id) // somebody waits from now on where it did not start
	return errors.Join(err, verr)
}

// planStart makes an ended container due.
func (e *Engine) planStart(ctx context.Context, id engine.ID) error {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	v, _, err := e.look(id)
	if err != nil || !v.comesBack() {
		return err
	}
	x := *v.exit
	x.Again, x.Due, x.BootID, x.Stopped = shim.Again{}, time.Now().UTC(), record.BootID(), false
	return record.Write(e.file(id, "exit.json"), &x, v.rec.durability())
}

// supervisorLock is held by the process that supervises; its number is in it.
func (e *Engine) supervisorLock() string { return filepath.Join(e.run, "autostart.pid") }

// Supervised implements engine.Supervisor.
func (e *Engine) Supervised(context.Context) (int, error) {
	held, err := record.FileHeld(e.supervisorLock())
	if err != nil || !held {
		return 0, err
	}
	return pidIn(e.supervisorLock())
}

func pidIn(path string) (int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("read process number in %s: %w", path, engine.ErrCorrupt)
	}
	return pid, nil
}

// Supervise implements engine.Supervisor. At rest it costs nothing: it waits for
// the ends of processes and for changes of the journal.
func (e *Engine) Supervise(ctx context.Context, tell func(engine.CareNotice)) error {
	lock, err := e.takeSupervision()
	if err != nil {
		return err
	}
	defer lock.Close()
	s := &supervisor{e: e, tell: tell, watched: map[engine.ID]bool{}}
	e.supervises.Store(true)
	defer e.supervises.Store(false)
	defer s.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		err := s.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, engine.ErrLagged) {
			return err
		}
	}
}

func (e *Engine) takeSupervision() (*os.File, error) {
	f, err := os.OpenFile(e.supervisorLock(), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("supervise: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == unix.EWOULDBLOCK:
		pid, _ := pidIn(f.Name())
		err = fmt.Errorf("supervise: %w: process %d already does", engine.ErrInUse, pid)
	case err == nil:
		if err = f.Truncate(0); err == nil {
			_, err = fmt.Fprintln(f, os.Getpid())
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// supervisor watches the monitors of all containers.
type supervisor struct {
	e    *Engine
	tell func(engine.CareNotice)
	wg   sync.WaitGroup

	mu      sync.Mutex
	watched map[engine.ID]bool // true: it was started meanwhile, look once more
}

// follow watches what runs, and what is started from now on.
func (s *supervisor) follow(ctx context.Context) error {
	seq, err := s.e.journal.Last()
	if err != nil {
		return err
	}
	views, err := s.e.snapshotAll(ctx)
	if err != nil {
		return err
	}
	for _, v := range views {
		s.watch(ctx, v.rec.ID)
	}
	filters := engine.Filters{"type": {string(engine.KindContainer)}, "event": {engine.ActionStart}}
	for ev, err := range s.e.journal.Watch(ctx, engine.WatchOptions{After: seq, Filters: filters}) {
		if err != nil {
			return err
		}
		s.watch(ctx, engine.ID(ev.ID))
	}
	return ctx.Err()
}

// watch looks after one container in the background, until it has ended.
func (s *supervisor) watch(ctx context.Context, id engine.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.watched[id]; ok {
		s.watched[id] = true
		return
	}
	s.watched[id] = false
	s.wg.Go(func() {
		for {
			s.care(ctx, id)
			s.mu.Lock()
			again := s.watched[id] && ctx.Err() == nil
			if s.watched[id] = false; !again {
				delete(s.watched, id)
			}
			s.mu.Unlock()
			if !again {
				return
			}
		}
	})
}

// care waits for the end of each monitor that a container has, one after the
// other, as long as there is something for a monitor to do.
func (s *supervisor) care(ctx context.Context, id engine.ID) {
	const patience, most = 10 * time.Millisecond, time.Minute
	retry := patience
	for ctx.Err() == nil {
		f := s.e.monitorOf(id)
		if f != nil {
			stop := context.AfterFunc(ctx, func() { f.Close() })
			err := record.AwaitExit(f)
			stop()
			f.Close()
			if err != nil {
				return
			}
			retry = patience
		}
		needed := s.attend(ctx, id)
		if !needed {
			return
		}
		if s.e.monitorOf(id) != nil {
			continue
		}
		// Somebody is about to bring one, or it could not be done: a full disk.
		select {
		case <-time.After(retry):
			retry = min(2*retry, most)
		case <-ctx.Done():
		}
	}
}

// attend settles what a dead monitor has left and puts another one in its place.
// It tells whether the container needs one.
func (s *supervisor) attend(ctx context.Context, id engine.ID) bool {
	before, lost, err := s.e.look(id)
	if err != nil {
		return false // removed, or broken beyond what a monitor could do
	}
	v, err := s.e.view(id)
	if err != nil {
		return false
	}
	lost = lost && before.start != nil && (before.exit == nil || before.exit.Attempt < before.start.Attempt)
	orphan := lost || before.unattended
	after, _, err := s.e.look(id)
	if err != nil {
		return false
	}
	switch {
	case orphan && !after.unattended && (v.state.Live() || v.state == engine.Restarting):
		s.tell(engine.CareNotice{Container: v.rec.Name, Text: "its monitor was killed; another one has taken over"})
	case lost:
		s.tell(engine.CareNotice{Container: v.rec.Name, Text: "it ended without a monitor; that is on record now"})
	}
	return after.state.Live() || after.state == engine.Restarting
}

// monitorOf opens the process that is a container's monitor, or waits for its
// next start; nil: there is none.
func (e *Engine) monitorOf(id engine.ID) *os.File {
	for _, path := range []string{shim.LockPath(e.run, id), shim.WaitLockPath(e.run, id)} {
		pid, err := pidIn(path)
		if err != nil {
			continue
		}
		start, err := record.PidStart(pid)
		if err != nil {
			continue
		}
		f, err := record.PidFD(pid, start)
		if err != nil {
			continue
		}
		// Who holds the lock still, after its number led to this process, is it.
		if held, err := record.FileHeld(path); err == nil && held {
			return f
		}
		f.Close()
	}
	return nil
}
