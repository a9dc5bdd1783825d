package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/images"
)

// Runner does the work of a job. It ends soon after ctx does. report may be
// called from any goroutine, as often as it likes, until the Runner returns.
type Runner func(ctx context.Context, spec engine.JobSpec, report func(images.Progress)) error

// Main is the life of a job's process; it returns the exit code. os.Args are the
// role, the root, the runtime directory and the job's ID.
func Main(run Runner) int {
	if len(os.Args) != 4 || !isID(os.Args[3]) {
		fmt.Fprintf(os.Stderr, "usage: %s ROOT RUN ID\ngantry starts it by itself\n", Role)
		return 2
	}
	w := &worker{root: os.Args[1], run: os.Args[2], dir: filepath.Join(os.Args[1], "jobs", os.Args[3])}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	if err := w.begin(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	err := w.work(ctx, run)
	if err := w.end(ctx, err); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil {
		return 1
	}
	return 0
}

// worker is the job's process.
type worker struct {
	root, run string
	dir       string
	status    status
	lock      *os.File // never closed: it is what tells that the job lives
}

// begin takes over what Start has prepared, and answers it.
func (w *worker) begin() error {
	if err := w.takeLock(); err != nil {
		return err
	}
	// What a job executes must not inherit these: it would keep the lock.
	unix.CloseOnExec(lockFD)
	unix.CloseOnExec(readyFD)
	answer := os.NewFile(readyFD, "ready")
	defer answer.Close()
	if err := w.sign(); err != nil {
		_, _ = answer.WriteString(err.Error())
		return err
	}
	w.publish(engine.ActionStart, nil)
	_, err := answer.WriteString(ready)
	if errors.Is(err, unix.EPIPE) {
		return nil // who started the job has gone: that is what jobs are for
	}
	return err
}

// takeLock makes sure that the descriptor is what it should be: somebody may have
// called the role by hand.
func (w *worker) takeLock() error {
	w.lock = os.NewFile(lockFD, lockFile)
	mine, err := w.lock.Stat()
	if err != nil {
		return fmt.Errorf("begin job: %w: gantry did not start this process", engine.ErrInvalid)
	}
	named, err := os.Stat(filepath.Join(w.dir, lockFile))
	if err != nil || !os.SameFile(mine, named) {
		return fmt.Errorf("begin job: %w: descriptor %d is not its lock", engine.ErrInvalid, lockFD)
	}
	return nil
}

// sign puts this process into the record.
func (w *worker) sign() error {
	if err := record.Read(filepath.Join(w.dir, recordFile), &w.status); err != nil {
		return err
	}
	pid := os.Getpid()
	start, err := record.PidStart(pid)
	if err != nil {
		return err
	}
	w.status.Process = process{Pid: pid, Start: start, Boot: record.BootID()}
	return w.save()
}

func (w *worker) save() error {
	return record.Write(filepath.Join(w.dir, recordFile), w.status, record.Volatile)
}

func (w *worker) work(ctx context.Context, run Runner) error {
	log, err := createProgress(filepath.Join(w.dir, progressFile))
	if err != nil {
		return err
	}
	r := newReporter(log.write)
	err = run(ctx, w.status.Spec, r.report)
	if closing := errors.Join(r.close(), log.close()); closing != nil {
		fmt.Fprintln(os.Stderr, closing) // the work is what counts
	}
	return err
}

// end records how the work went, then publishes it.
func (w *worker) end(ctx context.Context, err error) error {
	w.status.Ended = time.Now().UTC()
	switch {
	case err == nil:
		w.status.State = engine.JobDone
	case ctx.Err() != nil:
		w.status.State, w.status.Failure = engine.JobCanceled, newFailure(err)
	default:
		w.status.State, w.status.Failure = engine.JobFailed, newFailure(err)
	}
	if err := w.save(); err != nil {
		return err
	}
	w.publish(engine.ActionDie, map[string]string{"state": string(w.status.State)})
	return nil
}

// publish writes an event of the job. Should that fail, the job goes on: its
// record is what counts.
func (w *worker) publish(action string, attributes map[string]string) {
	if err := publish(w.root, w.run, action, w.status, attributes); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func publish(root, run, action string, st status, attributes map[string]string) error {
	ev := engine.Event{Kind: engine.KindJob, Action: action, ID: string(st.ID), Attributes: map[string]string{"kind": st.Spec.Kind}}
	if ref := st.Spec.Args["ref"]; ref != "" {
		ev.Attributes["name"] = ref
	}
	maps.Copy(ev.Attributes, attributes)
	j, err := events.Open(filepath.Join(root, "events"), filepath.Join(run, "locks"))
	if err != nil {
		return err
	}
	_, err = j.Append(ev)
	return err
}
