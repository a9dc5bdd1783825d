package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// A container that its policy starts again is "restarting" while exit.json
// holds a plan: when, and which start that will be. All that people do to it
// meanwhile is a change of the plan under the container's lock (engine/shim/turn.go):
//
//	stop, kill, rm --force, update --restart no   the plan goes; it has ended
//	start, restart                                due at once, and counted anew
//	rename, other updates                         the plan stays
//	rm, exec, attach, pause                       refused: it does not run

// goesOn tells whether a container runs, or will, because its policy says so.
func (v *view) goesOn() bool {
	return v.state == engine.Restarting || v.state.Live() && v.start.Again.Count > 0
}

// restarting is what verbs answer that have to wait for the next start.
func restarting() error {
	return fmt.Errorf("%w: it is restarting, wait until it runs", engine.ErrConflict)
}

// attend sees that a container whose monitor was killed goes on: one that runs
// is taken over by a new monitor, one that is restarting gets somebody who waits
// for it. Whoever holds the container's lock is about to do what is to be done.
func (e *Engine) attend(ctx context.Context, id engine.ID) error {
	lock, err := e.locks.TryLock(record.LockContainer, string(id))
	if errors.Is(err, engine.ErrInUse) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	v, lost, err := e.look(id)
	if err != nil || lost || !v.unattended {
		return err
	}
	if v.state == engine.Restarting {
		return e.awaitTurn(ctx, id)
	}
	client, err := shim.Adopt(ctx, e.file(id, shim.ConfigFile))
	if err != nil {
		return err
	}
	return client.Close()
}

// awaitTurn sees that somebody waits for the start that is planned. The caller
// holds the container's lock.
func (e *Engine) awaitTurn(ctx context.Context, id engine.ID) error {
	held, err := record.FileHeld(shim.WaitLockPath(e.run, id))
	if err != nil {
		return err
	}
	if held { // by the monitor of the attempt, which could not write down its end
		shim.Wake(e.run, id)
		return nil
	}
	return shim.Await(ctx, e.file(id, shim.ConfigFile))
}

// neglected tells whether nobody sees to what comes next for a container with a
// restart policy: those without are taken over when somebody asks for them.
func (e *Engine) neglected(v *view) bool {
	path := shim.LockPath(e.run, v.rec.ID)
	switch {
	case v.state == engine.Restarting:
		path = shim.WaitLockPath(e.run, v.rec.ID)
	case !v.state.Live() || v.rec.Host.RestartPolicy.IsNo() && !e.supervises.Load():
		return false
	}
	held, err := record.FileHeld(path)
	return err == nil && !held
}

// giveUp takes the plan of a restarting container away: it has ended. The
// caller holds the container's lock.
func (e *Engine) giveUp(v *view, stopped bool) error {
	x := *v.exit
	x.Due, x.BootID, x.Stopped = time.Time{}, "", x.Stopped || stopped
	if err := record.Write(e.file(v.rec.ID, "exit.json"), x, v.rec.durability()); err != nil {
		return err
	}
	v.exit, v.state = &x, engine.Exited
	shim.Wake(e.run, v.rec.ID)
	return nil
}

// cease stops a container that is restarting. ok is false when it is not, or no
// longer.
func (e *Engine) cease(ctx context.Context, id engine.ID) (ok bool, err error) {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return false, err
	}
	defer lock.Unlock()
	v, _, err := e.look(id)
	if err != nil || v.state != engine.Restarting {
		return false, err
	}
	return true, e.giveUp(v, true)
}

// hasten makes a restarting container due at once, its restarts counted anew,
// so that a start by hand which is cut short is made up for. It tells whether
// there was one. The caller holds the container's lock.
func (e *Engine) hasten(id engine.ID) (bool, error) {
	x, err := readOptional[shim.ExitRecord](e.file(id, "exit.json"))
	if err != nil || !x.Planned() {
		return false, err
	}
	x.Again, x.Due = shim.Again{}, time.Now().UTC()
	return true, record.Write(e.file(id, "exit.json"), x, record.Volatile)
}

// startAgain starts a container whose back-off is over: the work of the role
// gantry-finish. What keeps it from starting goes on record, with the time of
// the next try.
func (e *Engine) startAgain(ctx context.Context, id engine.ID) error {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	v, _, err := e.look(id)
	if err != nil || v.state != engine.Restarting || !v.exit.Ready() {
		return err
	}
	failed := e.startHeld(ctx, id)
	if failed == nil {
		return nil
	}
	now, _, err := e.look(id)
	if err != nil || now.state != engine.Restarting || now.exit.Attempt != v.exit.Attempt {
		return errors.Join(failed, err) // there was an attempt, and its monitor sees to the next
	}
	x := *now.exit
	x.Error = "start it again: " + failed.Error()
	x.Plan(x.Again, v.rec.Host.RestartPolicy, 0, time.Now())
	return errors.Join(failed, record.Write(e.file(id, "exit.json"), &x, v.rec.durability()))
}

// keepLogRotation takes over the defaults that the container was started with
// before: this process knows no configuration.
func (e *Engine) keepLogRotation(id engine.ID) {
	var cfg shim.Config
	if record.Read(e.file(id, shim.ConfigFile), &cfg) == nil {
		e.opts.LogMaxSize, e.opts.LogMaxFile = cfg.Log.MaxSize, cfg.Log.MaxFile
	}
}

// setPolicy changes the restart policy of a container whose lock the caller
// holds. The monitor reads it at the end of the attempt.
func (e *Engine) setPolicy(v *view, p *engine.RestartPolicy) error {
	if p == nil {
		return nil
	}
	v.rec.Host.RestartPolicy = *p
	if v.state == engine.Restarting && p.IsNo() {
		if err := e.giveUp(v, false); err != nil {
			return err
		}
	}
	return e.reviseOrders(v.rec.ID, func(cfg *shim.Config) { cfg.Restart = *p })
}

// reviseOrders changes what a container's monitor reads before each event.
func (e *Engine) reviseOrders(id engine.ID, change func(*shim.Config)) error {
	var cfg shim.Config
	path := e.file(id, shim.ConfigFile)
	if err := record.Read(path, &cfg); err != nil {
		if errors.Is(err, engine.ErrNotFound) {
			return nil // never started
		}
		return err
	}
	change(&cfg)
	return record.Write(path, &cfg, record.Volatile)
}

// waitAgain waits for the exit that ends the next attempt of a restarting
// container, or for whoever stops it before.
func (e *Engine) waitAgain(ctx context.Context, id engine.ID) (engine.ExitStatus, error) {
	seq, err := e.journal.Last()
	if err != nil {
		return engine.ExitStatus{}, err
	}
	v, err := e.view(id)
	if err != nil || v.state != engine.Restarting {
		return e.waitAfter(ctx, v, err)
	}
	filters := containerEvents(id, engine.ActionStart, engine.ActionStop, engine.ActionKill, engine.ActionUpdate, engine.ActionDestroy, engine.ActionDie)
	for ev, err := range e.journal.Watch(ctx, engine.WatchOptions{After: seq, Filters: filters}) {
		if err != nil {
			return engine.ExitStatus{}, err
		}
		now, err := e.view(id)
		switch {
		case errors.Is(err, engine.ErrNotFound):
			return v.exitStatus(), nil // removed meanwhile: it ended as it did before
		case err != nil:
			return engine.ExitStatus{}, err
		case now.exit.Attempt > v.exit.Attempt, now.state != engine.Restarting && ev.Action != engine.ActionDie:
			return e.waitAfter(ctx, now, nil)
		}
	}
	return engine.ExitStatus{}, ctx.Err()
}

// waitAfter waits for the end of a container that is running, and returns how
// any other one ended.
func (e *Engine) waitAfter(ctx context.Context, v *view, err error) (engine.ExitStatus, error) {
	switch {
	case err != nil:
		return engine.ExitStatus{}, err
	case v.state.Live():
		return e.waitExit(ctx, v)
	}
	return v.exitStatus(), nil
}
