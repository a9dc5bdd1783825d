package local

import (
	"context"
	"errors"
	"fmt"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// Wait implements engine.ContainerLifecycle.
func (c *containers) Wait(ctx context.Context, ref string, until engine.WaitCondition) (engine.ExitStatus, error) {
	e := (*Engine)(c)
	st, err := e.wait(ctx, ref, until)
	return st, opErr("wait for", ref, err)
}

func (e *Engine) wait(ctx context.Context, ref string, until engine.WaitCondition) (engine.ExitStatus, error) {
	v, err := e.viewOf(ref)
	if err != nil {
		return engine.ExitStatus{}, err
	}
	switch until {
	case engine.WaitNotRunning, "":
		if v.state == engine.Restarting {
			return e.waitAgain(ctx, v.rec.ID)
		}
		if !v.state.Live() {
			return v.exitStatus(), nil
		}
		return e.waitExit(ctx, v)
	case engine.WaitNextExit:
		return e.waitNext(ctx, v)
	case engine.WaitRemoved:
		return e.waitRemoved(ctx, v)
	}
	return engine.ExitStatus{}, fmt.Errorf("%w wait condition %q", engine.ErrInvalid, until)
}

func (v *view) exitStatus() engine.ExitStatus {
	if v.exit == nil {
		return engine.ExitStatus{}
	}
	return engine.ExitStatus{Code: v.exit.Code, OOMKilled: v.exit.OOM, Error: v.exit.Error, At: v.exit.At}
}

// waitExit waits for the end of the running attempt. The monitor answers it;
// when the monitor itself dies, whoever still waits takes the container over.
func (e *Engine) waitExit(ctx context.Context, v *view) (engine.ExitStatus, error) {
	for {
		st, err := e.waitShim(ctx, v)
		if err == nil || ctx.Err() != nil {
			return st, errors.Join(err, ctx.Err())
		}
		now, verr := e.view(v.rec.ID)
		switch {
		case errors.Is(verr, engine.ErrNotFound):
			return engine.ExitStatus{}, fmt.Errorf("%w: it was removed before its exit status could be read", engine.ErrNotFound)
		case verr != nil:
			return engine.ExitStatus{}, verr
		case now.exit != nil && now.exit.Attempt >= v.start.Attempt:
			return now.exitStatus(), nil
		case !errors.Is(err, shim.ErrGone):
			return engine.ExitStatus{}, err
		}
	}
}

func (e *Engine) waitShim(ctx context.Context, v *view) (engine.ExitStatus, error) {
	client, err := e.dial(ctx, v)
	if err != nil {
		if errors.Is(err, engine.ErrConflict) {
			return engine.ExitStatus{}, shim.ErrGone
		}
		return engine.ExitStatus{}, err
	}
	defer client.Close()
	return client.WaitAttempt(ctx, v.start.Attempt)
}

// waitNext waits for an exit after now: of the running attempt, or of the next.
func (e *Engine) waitNext(ctx context.Context, v *view) (engine.ExitStatus, error) {
	if v.state.Live() {
		return e.waitExit(ctx, v)
	}
	if v.state == engine.Restarting {
		return e.waitAgain(ctx, v.rec.ID)
	}
	if client, err := shim.Dial(ctx, e.run, v.rec.ID); err == nil { // created, its monitor waits for the start
		defer client.Close()
		return client.Wait(ctx)
	}
	seq, err := e.journal.Last()
	if err != nil {
		return engine.ExitStatus{}, err
	}
	for ev, err := range e.journal.Watch(ctx, engine.WatchOptions{After: seq, Filters: containerEvents(v.rec.ID, engine.ActionStart, engine.ActionDestroy)}) {
		if err != nil {
			return engine.ExitStatus{}, err
		}
		if ev.Action == engine.ActionDestroy {
			return engine.ExitStatus{}, fmt.Errorf("%w: it was removed before it ran again", engine.ErrNotFound)
		}
		now, err := e.view(v.rec.ID)
		if err != nil {
			return engine.ExitStatus{}, err
		}
		if !now.state.Live() {
			return now.exitStatus(), nil
		}
		return e.waitExit(ctx, now)
	}
	return engine.ExitStatus{}, ctx.Err()
}

// waitRemoved waits for the exit and then for the removal. A front end that
// waits here does a --rm container's removal itself: it is already running,
// and a process that would have to be started for it is not.
func (e *Engine) waitRemoved(ctx context.Context, v *view) (engine.ExitStatus, error) {
	var seq engine.Seq
	var err error
	if !v.rec.Host.AutoRemove { // somebody else's removal is read of in the events
		if seq, err = e.journal.Last(); err != nil {
			return engine.ExitStatus{}, err
		}
	}
	st := v.exitStatus()
	if v.state == engine.Created || v.state.Live() {
		if st, err = e.waitNext(ctx, v); err != nil {
			return st, err
		}
	}
	if v.rec.Host.AutoRemove {
		return st, e.removeEnded(ctx, v.rec.ID)
	}
	if _, err := e.readRecord(v.rec.ID); errors.Is(err, engine.ErrNotFound) {
		return st, nil
	}
	for _, err := range e.journal.Watch(ctx, engine.WatchOptions{After: seq, Filters: containerEvents(v.rec.ID, engine.ActionDestroy)}) {
		return st, err
	}
	return st, ctx.Err()
}

// removeEnded removes a --rm container that has ended. The disk is freed by its
// monitor, which looks into the trash before it leaves, unless it was killed.
func (e *Engine) removeEnded(ctx context.Context, id engine.ID) error {
	if e.kept(id) {
		return errKept()
	}
	v, err := e.removeRecord(ctx, id, nil)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil
	case err != nil:
		return err
	case v != nil && v.exit != nil && record.Alive(v.exit.ShimPid, v.exit.ShimStart):
		return nil
	}
	return e.deleteFiles(id)
}

func containerEvents(id engine.ID, actions ...string) engine.Filters {
	return engine.Filters{"type": {string(engine.KindContainer)}, "container": {string(id)}, "event": actions}
}
