package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
)

var _ engine.Jobs = (*Manager)(nil)

// Manager starts jobs and looks after those of every gantry process with the
// same root. It is safe for concurrent use.
type Manager struct {
	root, run string
	dir       string

	mu       sync.Mutex
	children []int // jobs of this process that were not reaped yet; guarded by mu
}

// Open uses the jobs below root, the state directory; run is the runtime
// directory.
func Open(root, run string) (*Manager, error) {
	root, err := filepath.Abs(root) // jobs work in another directory
	if err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	run, err = filepath.Abs(run)
	if err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	m := &Manager{root: root, run: run, dir: filepath.Join(root, "jobs")}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	return m, nil
}

// List returns all jobs, oldest first. One with a broken record is shown as lost,
// with the reason.
func (m *Manager) List(ctx context.Context) ([]engine.Job, error) {
	m.reap()
	ids, err := m.ids()
	if err != nil {
		return nil, err
	}
	jobs := make([]engine.Job, 0, len(ids))
	for _, id := range ids {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		job, err := m.job(id)
		if errors.Is(err, engine.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			job = engine.Job{ID: id, State: engine.JobLost, Error: err.Error()}
		}
		jobs = append(jobs, job)
	}
	slices.SortStableFunc(jobs, func(a, b engine.Job) int { return a.Started.Compare(b.Started) })
	return jobs, nil
}

func (m *Manager) job(id engine.ID) (engine.Job, error) {
	dir := filepath.Join(m.dir, string(id))
	st, err := readStatus(dir)
	if err != nil {
		return engine.Job{}, err
	}
	progress, err := readProgress(filepath.Join(dir, progressFile))
	if err != nil {
		return engine.Job{}, err
	}
	return st.job(progress), nil
}

// ids lists the directories of jobs. Others begin with a dot: one that is being
// made or removed.
func (m *Manager) ids() ([]engine.ID, error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	var ids []engine.ID
	for _, e := range entries {
		if isID(e.Name()) {
			ids = append(ids, engine.ID(e.Name()))
		}
	}
	return ids, nil
}

func isID(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// find returns the directory of the job that ref names: an ID or the beginning
// of one that no other job shares.
func (m *Manager) find(op, ref string) (string, error) {
	ids, err := m.ids()
	if err != nil {
		return "", err
	}
	var found []engine.ID
	for _, id := range ids {
		if ref != "" && strings.HasPrefix(string(id), ref) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", notFound(op, ref)
	case 1:
		return filepath.Join(m.dir, string(found[0])), nil
	}
	return "", &engine.OpError{
		Op: op, Kind: "job", ID: ref,
		Err:  fmt.Errorf("%w: %d jobs begin like that", engine.ErrAmbiguous, len(found)),
		Hint: "Give more digits of the ID.",
	}
}

// Remove forgets a job that is over.
func (m *Manager) Remove(ctx context.Context, ref string) error {
	m.reap()
	dir, err := m.find("remove", ref)
	if err != nil {
		return err
	}
	st, err := readStatus(dir)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return notFound("remove", ref)
	case err == nil && st.State == engine.JobRunning:
		return &engine.OpError{
			Op: "remove", Kind: "job", ID: ref,
			Err: fmt.Errorf("%w: it is running", engine.ErrInUse), Hint: "Cancel it first.",
		}
	}
	// A broken record is no reason to keep the job, but a live process is.
	if held, _ := record.FileHeld(filepath.Join(dir, lockFile)); held && err != nil {
		return wrap("remove", ref, err)
	}
	if err := m.discard(filepath.Base(dir)); err != nil {
		return wrap("remove", ref, err)
	}
	st.ID = engine.ID(filepath.Base(dir)) // also when the record is broken
	return publish(m.root, m.run, engine.ActionDestroy, st, nil)
}

// discard makes a directory of a job invisible in one step, and then removes it;
// sweep finishes what a crash leaves.
func (m *Manager) discard(name string) error {
	from := filepath.Join(m.dir, name)
	gone := filepath.Join(m.dir, ".gone-"+strings.TrimPrefix(name, "."))
	if err := os.Rename(from, gone); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(gone)
}

const (
	// endedKept is how many jobs that are over stay for people to look at.
	endedKept = 50
	// abandoned is when a job that was never finished in the making is litter.
	abandoned = 10 * time.Minute
)

// sweep removes litter and the oldest of the jobs that are over.
func (m *Manager) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return fmt.Errorf("sweep jobs: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		hidden := strings.HasPrefix(e.Name(), ".")
		if err != nil || !hidden || time.Since(info.ModTime()) < abandoned {
			continue
		}
		if held, err := record.FileHeld(filepath.Join(m.dir, e.Name(), lockFile)); held || err != nil {
			continue
		}
		if err := os.RemoveAll(filepath.Join(m.dir, e.Name())); err != nil {
			return fmt.Errorf("sweep jobs: %w", err)
		}
	}
	jobs, err := m.List(ctx)
	if err != nil {
		return err
	}
	over := slices.DeleteFunc(jobs, func(j engine.Job) bool { return j.State == engine.JobRunning })
	for i := range max(0, len(over)-endedKept) {
		if err := m.discard(string(over[i].ID)); err != nil {
			return fmt.Errorf("sweep jobs: %w", err)
		}
	}
	return nil
}

// reap takes the exit statuses of this process's own jobs, which would stay as
// zombies while a front end lives. It never waits: a goroutine per job that did
// would have nobody to stop it.
func (m *Manager) reap() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.children = slices.DeleteFunc(m.children, func(pid int) bool {
		got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
		return got == pid || err == unix.ECHILD
	})
}
