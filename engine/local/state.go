package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// view is one container as it stands at one moment: its record and what the
// files of its monitor say.
type view struct {
	rec   *containerRecord
	state engine.State
	start *shim.StartRecord // nil: never started
	exit  *shim.ExitRecord  // nil: never ended
	err   error             // of a record that cannot be read (state Dead)
	// health is nil where nothing is checked.
	health *engine.Health
	// unattended: its monitor was killed, and nobody sees to what comes next.
	unattended bool
}

// view derives the state of one container (ARCHITECTURE.md, "State on disk").
// A start that has neither a live process nor an exit is settled first.
func (e *Engine) view(id engine.ID) (*view, error) {
	v, lost, err := e.look(id)
	if err == nil && v.unattended {
		// Best effort: it is as it is, and whoever looks next tries again.
		_ = e.attend(context.Background(), id)
	}
	if err == nil && lost {
		if err := e.settle(id); err != nil {
			return v.unrecorded(err)
		}
		v, _, err = e.look(id)
	}
	if err == nil {
		v.health = e.readHealth(v)
	}
	return v, err
}

// unrecorded is a lost container whose end cannot be written down, because the
// disk is full or read-only: it shows as ended all the same, and can be removed.
func (v *view) unrecorded(err error) (*view, error) {
	if v.start == nil || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, syscall.EROFS) {
		return nil, err
	}
	v.state = engine.Exited
	v.exit = &shim.ExitRecord{Attempt: v.start.Attempt, Code: shim.UnknownExit, At: v.start.StartedAt, Error: "its end could not be recorded: " + err.Error()}
	return v, nil
}

// look reads the files of one container. lost says that its process is gone
// and nobody wrote down how it ended, or that nobody is left to remove it or
// what it had of its networks.
func (e *Engine) look(id engine.ID) (v *view, lost bool, err error) {
	rec, err := e.readRecord(id)
	if err != nil {
		return nil, false, err
	}
	v = &view{rec: rec, state: engine.Created}
	// The exit is read before the start: a container that is started again in
	// between then shows as running, never as lost.
	if v.exit, err = readOptional[shim.ExitRecord](e.file(id, "exit.json")); err != nil {
		return nil, false, err
	}
	if v.start, err = readOptional[shim.StartRecord](e.file(id, "start.json")); err != nil {
		return nil, false, err
	}
	switch {
	case rec.Removing:
		v.state = engine.Removing
	case e.forgotten(v):
		v.state = engine.Exited
		return v, true, nil
	case v.start == nil:
		v.state = engine.Created
	case v.exit != nil && v.exit.Attempt >= v.start.Attempt:
		v.state = engine.Exited
		switch {
		case v.exit.Planned():
			v.state = engine.Restarting
		case v.exit.NeverRan:
			v.state = engine.Created
		}
	case !alive(v.start):
		// A monitor that is at work is about to write down the end.
		if held, err := record.FileHeld(shim.LockPath(e.run, id)); err != nil || !held {
			return v, true, err
		}
		v.state = engine.Running
	case e.isPaused(id):
		v.state = engine.Paused
	default:
		v.state = engine.Running
	}
	v.unattended = e.neglected(v)
	return v, e.leftNetwork(v), nil
}

// leftNetwork tells of a container that has ended and whose addresses and rules
// nobody takes away. The living monitor of a --rm container has that done.
func (e *Engine) leftNetwork(v *view) bool {
	return len(v.rec.Networks) > 0 && v.exit != nil && (v.state == engine.Exited || v.state == engine.Created) && e.nets.Held(v.rec.ID) &&
		!(v.rec.Host.AutoRemove && record.Alive(v.exit.ShimPid, v.exit.ShimStart))
}

// forgotten tells of a --rm container that has ended and whose monitor, which
// would see to its removal, has gone or was killed.
func (e *Engine) forgotten(v *view) bool {
	return v.rec.Host.AutoRemove && v.exit != nil && (v.start == nil || v.exit.Attempt >= v.start.Attempt) &&
		!record.Alive(v.exit.ShimPid, v.exit.ShimStart) && !e.kept(v.rec.ID)
}

func readOptional[T any](path string) (*T, error) {
	var t T
	err := record.Read(path, &t)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// alive compares boot and start time, because numbers of processes are used
// again.
func alive(s *shim.StartRecord) bool {
	return s.BootID == record.BootID() && record.Alive(s.Pid, s.PidStart)
}

func (e *Engine) isPaused(id engine.ID) bool {
	_, err := os.Lstat(filepath.Join(e.runDir(id), "paused"))
	return err == nil
}

func (e *Engine) viewOf(ref string) (*view, error) {
	id, err := e.find(ref)
	if err != nil {
		return nil, err
	}
	return e.view(id)
}

// brokenView stands for a container whose record cannot be read: it is listed,
// and can be removed, but nothing else.
func brokenView(id engine.ID, err error) *view {
	return &view{rec: &containerRecord{ID: id, Name: id.Short()}, state: engine.Dead, err: err}
}

// notRunning is what verbs answer that need a running container.
func notRunning(s engine.State) error {
	if s == engine.Restarting {
		return restarting()
	}
	return fmt.Errorf("%w: it is %s, not running", engine.ErrConflict, s)
}

// settle does what a container's monitor could not: it writes down the end,
// and removes a --rm container. Where the exit status can no longer be had it
// says so.
func (e *Engine) settle(id engine.ID) error {
	lock, err := e.locks.TryLock(record.LockContainer, string(id))
	if errors.Is(err, engine.ErrInUse) { // somebody is at it, or starts it right now
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return e.settleLocked(id)
}

func (e *Engine) settleLocked(id engine.ID) error {
	v, lost, err := e.look(id)
	if err != nil || !lost {
		return err
	}
	if e.forgotten(v) {
		return e.removeLocked(v)
	}
	if v.exit != nil && v.exit.Attempt >= v.start.Attempt {
		_ = e.nets.Release(context.Background(), id) // what fails now, the next one who looks does
		return nil
	}
	x := shim.ExitRecord{Attempt: v.start.Attempt, Code: shim.UnknownExit, At: time.Now().UTC(), Error: "its monitor was killed before it could record how it ended",
		Health: shim.LastHealth(e.run, id, v.start.Attempt)}
	if v.start.BootID != record.BootID() {
		x.Error = "the machine was restarted while it ran"
	}
	if g, err := e.group(id); err == nil {
		_ = g.Kill() // what the dead monitor left behind
		_ = g.Delete()
	}
	if v.start.BootID == record.BootID() {
		x.Plan(v.start.Again, v.rec.Host.RestartPolicy, x.At.Sub(v.start.StartedAt), x.At)
	}
	if err := shim.RecordExit(e.root, e.journal, v.rec.ID, x, v.rec.attributes(), v.rec.durability()); err != nil {
		return err
	}
	// Should it fail, whoever comes next to such a volume tries again.
	_ = e.unmountVolumes(context.Background(), v.rec)
	if x.Planned() {
		return e.awaitTurn(context.Background(), id)
	}
	if !v.rec.Host.AutoRemove || e.kept(id) {
		_ = e.nets.Release(context.Background(), id)
		return nil
	}
	v.exit, v.state = &x, engine.Exited
	return e.removeLocked(v)
}

// group is the control group that the container was last started in.
func (e *Engine) group(id engine.ID) (*leaf.Group, error) {
	var cfg shim.Config
	if err := record.Read(e.file(id, shim.ConfigFile), &cfg); err != nil {
		return nil, err
	}
	return &cfg.Group, nil
}

// deleteGroup removes the control group that a container may have, which has no
// processes. It is made before the monitor's orders are written, so that a kill
// in between leaves it where only its name tells.
func (e *Engine) deleteGroup(id engine.ID) error {
	g, err := e.group(id)
	if errors.Is(err, engine.ErrNotFound) {
		rec, err := e.readRecord(id)
		if err != nil {
			rec = &containerRecord{ID: id} // it is not on record yet, or broken
		}
		host, err := e.hostFor(rec)
		if err != nil {
			return err
		}
		return host.Group(string(id)).Delete()
	}
	if err != nil {
		return nil // the orders cannot be read; the removal must go on
	}
	return g.Delete()
}
