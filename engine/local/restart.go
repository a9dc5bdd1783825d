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

// Restart implements engine.ContainerLifecycle.
func (c *containers) Restart(ctx context.Context, ref string, opts engine.StopOptions) error {
	e := (*Engine)(c)
	v, err := e.viewOf(ref)
	if err == nil {
		err = e.restart(ctx, v, opts)
	}
	return opErr("restart", ref, err)
}

// restart stops and starts a container. One that was made with --rm ends on the
// way and stays all the same: it is kept as long as the lock is held, which all
// who would remove it look at, and goes at its next end.
func (e *Engine) restart(ctx context.Context, v *view, opts engine.StopOptions) error {
	if !v.rec.Host.AutoRemove {
		return e.stopAndStart(ctx, v, opts)
	}
	lock, err := e.locks.Lock(ctx, record.LockRestart, string(v.rec.ID))
	if err != nil {
		return err
	}
	err = e.stopAndStart(ctx, v, opts)
	lock.Unlock()
	if err != nil { // those who would have removed it have gone
		err = errors.Join(err, e.finish(context.WithoutCancel(ctx), v.rec.ID))
	}
	return err
}

func (e *Engine) stopAndStart(ctx context.Context, v *view, opts engine.StopOptions) error {
	if err := e.stop(ctx, v, opts); err != nil && !errors.Is(err, engine.ErrNotModified) {
		return err
	}
	if v.rec.Host.AutoRemove && v.state != engine.Created {
		if err := e.awaitDeparture(ctx, v.rec.ID); err != nil {
			return err
		}
	}
	if err := e.start(ctx, v.rec.ID); err != nil && !errors.Is(err, engine.ErrNotModified) {
		return err
	}
	return e.containerEvent(v.rec, engine.ActionRestart, nil)
}

// departureTime bounds the wait for a monitor: the one that has the lock may be
// that of a start which somebody else was faster with, and start tells of that.
const departureTime = 10 * time.Second

// awaitDeparture waits until the monitor of a --rm container has taken mounts and
// control group away, which it does after it told of the end: they would be
// those of the next start.
func (e *Engine) awaitDeparture(ctx context.Context, id engine.ID) error {
	wait, cancel := context.WithTimeout(ctx, departureTime)
	defer cancel()
	err := record.AwaitFree(wait, shim.LockPath(e.run, id))
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// kept tells whether a --rm container outlasts its end because somebody restarts
// it. Should that one be killed, the next who looks removes the container.
func (e *Engine) kept(id engine.ID) bool {
	held, err := e.locks.Held(record.LockRestart, string(id))
	return held && err == nil
}

// errKept is what those learn who wait for the removal of such a container.
func errKept() error {
	return fmt.Errorf("%w: it is being restarted", engine.ErrConflict)
}
