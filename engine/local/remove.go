package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// Remove implements engine.ContainerLifecycle.
func (c *containers) Remove(ctx context.Context, ref string, opts engine.RemoveOptions) error {
	e := (*Engine)(c)
	id, err := e.find(ref)
	if err != nil {
		return opErr("remove", ref, err)
	}
	err = e.removeOnce(ctx, id, opts.Force)
	// Somebody may start it between its end and its removal.
	for again := 0; opts.Force && errors.Is(err, engine.ErrConflict) && again < 10 && ctx.Err() == nil; again++ {
		err = e.removeOnce(ctx, id, opts.Force)
	}
	if opts.Force && errors.Is(err, engine.ErrNotFound) {
		err = nil // it was there: a --rm container goes with its end
	}
	return opErr("remove", ref, err)
}

func (e *Engine) removeOnce(ctx context.Context, id engine.ID, force bool) error {
	if force {
		if err := e.killForRemoval(ctx, id); err != nil {
			return err
		}
	}
	return e.remove(ctx, id)
}

// killForRemoval ends a running container and waits for its end. A --rm
// container may be gone when this returns.
func (e *Engine) killForRemoval(ctx context.Context, id engine.ID) error {
	v, err := e.view(id)
	if err != nil {
		if errors.Is(err, engine.ErrCorrupt) {
			return e.killUnknown(ctx, id)
		}
		return err
	}
	if !v.state.Live() {
		return nil
	}
	if err := e.signal(ctx, v, syscall.SIGKILL); err != nil && !errors.Is(err, engine.ErrConflict) {
		return err
	}
	_, err = e.waitExit(ctx, v)
	return err
}

// killUnknown ends a container whose record cannot be read: by its monitor,
// which still knows it, else by its control group.
func (e *Engine) killUnknown(ctx context.Context, id engine.ID) error {
	client, err := shim.Dial(ctx, e.run, id)
	if err == nil {
		defer client.Close()
		if err := client.Signal(ctx, int(syscall.SIGKILL)); err == nil {
			_, err = client.Wait(ctx)
			return err
		}
	}
	if g, err := e.group(id); err == nil {
		return g.Kill()
	}
	return nil // nothing is known of it; removal takes what is there
}

// remove takes a container that does not run off the disk. The order makes a
// removal that is cut short visible (state removing) and repeatable: the mark
// first, the record last.
func (e *Engine) remove(ctx context.Context, id engine.ID) error {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	v, lost, err := e.look(id)
	if err == nil && lost {
		if err = e.settleLocked(id); err == nil {
			v, _, err = e.look(id)
		} else {
			v, err = v.unrecorded(err)
		}
	}
	switch {
	case errors.Is(err, engine.ErrNotFound) && lost:
		return nil // settled by its removal
	case errors.Is(err, engine.ErrNotFound):
		return engine.ErrNotFound
	case errors.Is(err, engine.ErrCorrupt):
		v = brokenView(id, err)
	case err != nil:
		return err
	case v.state.Live():
		return &engine.OpError{Op: "remove", Kind: "container", ID: v.rec.Name,
			Err: fmt.Errorf("%w: it is %s", engine.ErrConflict, v.state), Hint: "stop it first, or remove it with --force"}
	}
	return e.removeLocked(v)
}

func (e *Engine) removeLocked(v *view) error {
	id := v.rec.ID
	// Before the mark: a monitor whose front end was killed may be starting the
	// container just now, and then it stays what it is.
	if err := e.dismiss(id); err != nil {
		return err
	}
	// A --rm container whose end is on record needs no mark: it can only be
	// removed, and is by whoever finds it (forgotten).
	if v.err == nil && !v.rec.Removing && !(v.rec.Host.AutoRemove && v.exit != nil) {
		v.rec.Removing = true
		// A full disk has no room for the mark, and the removal is what makes some.
		if err := record.Write(e.file(id, "record.json"), v.rec, record.Volatile); err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	if g, err := e.group(id); err == nil {
		if err := g.Delete(); err != nil {
			return fmt.Errorf("remove its control group: %w", err)
		}
	}
	if err := os.RemoveAll(e.runDir(id)); err != nil {
		return err
	}
	if err := e.removeFiles(id); err != nil {
		return err
	}
	if v.rec.Name != "" {
		if err := e.names.Release(v.rec.Name, string(id)); err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
	}
	_, err := e.journal.Append(engine.Event{Kind: engine.KindContainer, Action: engine.ActionDestroy, ID: string(id), Attributes: v.rec.attributes()})
	return err
}

// dismiss sends a monitor away that waits for a start which will not come.
func (e *Engine) dismiss(id engine.ID) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	client, err := shim.Dial(ctx, e.run, id)
	if err != nil {
		return nil // there is none
	}
	defer client.Close()
	if err := client.Dismiss(ctx); err != nil && !errors.Is(err, shim.ErrGone) {
		return err
	}
	return nil
}

// removeFiles empties the container's folder, its record last, so that a kill
// in between leaves a container that is still known as being removed. With the
// record goes what it means without a mark: how the container ended.
func (e *Engine) removeFiles(id engine.ID) error {
	d, err := e.snap()
	if err != nil {
		return err
	}
	if err := d.Remove(e.dir(id)); err != nil {
		return err
	}
	entries, err := os.ReadDir(e.dir(id))
	if err != nil {
		return err
	}
	for _, ent := range entries {
		if ent.Name() == "record.json" || ent.Name() == "exit.json" {
			continue
		}
		if err := os.RemoveAll(e.file(id, ent.Name())); err != nil {
			return err
		}
	}
	for _, name := range []string{"record.json", "exit.json"} {
		if err := os.Remove(e.file(id, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.Remove(e.dir(id))
}

// Finish removes a --rm container after its exit: the work of the role
// gantry-finish. That somebody else already removed it is fine.
func (e *Engine) Finish(ctx context.Context, id engine.ID) error {
	v, err := e.view(id)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !v.rec.Host.AutoRemove || v.state.Live() {
		return nil
	}
	if err := e.remove(ctx, id); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	return nil
}
