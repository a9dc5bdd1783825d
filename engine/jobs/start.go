package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
)

// Role is argv[0] of a job's process; main dispatches on it to Main.
const Role = "gantry-job"

// Descriptors that the job's process is born with.
const (
	lockFD  = 3
	readyFD = 4
)

// ready is what the job's process sends when it can be found and canceled. It
// sends its error instead when it cannot begin.
const ready = "ok"

// Start begins a job. When it returns, the job's process runs, can be canceled,
// and no longer depends on this one.
func (m *Manager) Start(ctx context.Context, spec engine.JobSpec) (engine.ID, error) {
	m.reap()
	if err := m.sweep(ctx); err != nil {
		return "", err
	}
	id := engine.NewID()
	if err := m.start(ctx, id, spec); err != nil {
		return "", wrap("start", string(id), err)
	}
	return id, nil
}

func (m *Manager) start(ctx context.Context, id engine.ID, spec engine.JobSpec) error {
	lock, err := m.prepare(id, spec)
	if err != nil {
		return errors.Join(err, m.discard(".new-"+string(id)))
	}
	defer lock.Close() // the job's process has its own copy
	if err := m.spawn(ctx, id, lock); err != nil {
		return errors.Join(err, m.discard(string(id)))
	}
	return nil
}

// prepare makes the job's directory under a hidden name, and shows it when it is
// complete and locked.
func (m *Manager) prepare(id engine.ID, spec engine.JobSpec) (*os.File, error) {
	making := filepath.Join(m.dir, ".new-"+string(id))
	if err := os.Mkdir(making, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(making, lockFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	st := status{ID: id, Spec: spec, State: engine.JobRunning, Started: time.Now().UTC()}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = record.Write(filepath.Join(making, recordFile), st, record.Volatile)
	}
	if err == nil {
		err = os.Rename(making, filepath.Join(m.dir, string(id)))
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// spawn executes this program again in the role of a job and waits until it is
// ready.
func (m *Manager) spawn(ctx context.Context, id engine.ID, lock *os.File) error {
	log, err := os.OpenFile(filepath.Join(m.dir, string(id), logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	answer, send, err := os.Pipe()
	if err != nil {
		return err
	}
	defer answer.Close()
	cmd := &exec.Cmd{
		// Not the path of the program: that may have been replaced by an
		// upgrade, or removed by go run.
		Path:       "/proc/self/exe",
		Args:       []string{Role, m.root, m.run, string(id)},
		Env:        os.Environ(),
		Dir:        "/", // hold no mount that somebody wants to detach
		Stdout:     log,
		Stderr:     log,
		ExtraFiles: []*os.File{lockFD - 3: lock, readyFD - 3: send},
		// A session of its own: the terminal's signals and its end stay away.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	send.Close()
	if err != nil {
		return err
	}
	pid := cmd.Process.Pid
	m.adopt(cmd)
	if err := awaitReady(ctx, answer, log.Name()); err != nil {
		// Not reaped yet, so the PID cannot be another's.
		return errors.Join(err, m.kill(pid))
	}
	return nil
}

// adopt keeps a child for reap.
func (m *Manager) adopt(cmd *exec.Cmd) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.children = append(m.children, cmd.Process.Pid)
	_ = cmd.Process.Release()
}

// kill ends a child that never got ready, and waits for it.
func (m *Manager) kill(pid int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, child := range m.children {
		if child != pid {
			continue
		}
		m.children = append(m.children[:i], m.children[i+1:]...)
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			return fmt.Errorf("kill job: %w", err)
		}
		for {
			if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
				return err
			}
		}
	}
	return nil // it had died, and was reaped
}

// awaitReady reads the answer of the job's process until it closes the pipe.
func awaitReady(ctx context.Context, answer *os.File, log string) error {
	stop := context.AfterFunc(ctx, func() { _ = answer.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b, err := io.ReadAll(io.LimitReader(answer, 64<<10))
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case string(b) == ready:
		return nil
	case len(b) > 0:
		return errors.New(strings.TrimSpace(string(b)))
	}
	return fmt.Errorf("its process died at once: %s", lastLine(log))
}

// lastLine is what the process said last, for an error message.
func lastLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	b := make([]byte, 4<<10)
	st, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	n, _ := f.ReadAt(b, max(0, st.Size()-int64(len(b))))
	lines := strings.Split(strings.TrimSpace(string(b[:n])), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return "it printed nothing"
}
