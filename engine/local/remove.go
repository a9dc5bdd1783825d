package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"syscall"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/engine/shim"
	"gantry/images/trash"
)

// Remove implements engine.ContainerLifecycle.
func (c *containers) Remove(ctx context.Context, ref string, opts engine.RemoveOptions) error {
	e := (*Engine)(c)
	id, err := e.find(ref)
	if err != nil {
		return opErr("remove", ref, err)
	}
	err = e.removeOnce(ctx, id, opts)
	// Somebody may start it between its end and its removal.
	for again := 0; opts.Force && errors.Is(err, engine.ErrConflict) && again < 10 && ctx.Err() == nil; again++ {
		err = e.removeOnce(ctx, id, opts)
	}
	if opts.Force && errors.Is(err, engine.ErrNotFound) {
		err = nil // it was there: a --rm container goes with its end
	}
	return opErr("remove", ref, err)
}

func (e *Engine) removeOnce(ctx context.Context, id engine.ID, opts engine.RemoveOptions) error {
	if opts.Force {
		if err := e.killForRemoval(ctx, id); err != nil {
			return err
		}
	}
	if opts.Volumes {
		return e.removeWithVolumes(ctx, id)
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
	if v.state == engine.Restarting {
		_, err := e.cease(ctx, id)
		return err
	}
	if !v.state.Live() {
		return nil
	}
	if err := e.signal(ctx, v, syscall.SIGKILL, true); err != nil && !errors.Is(err, engine.ErrConflict) {
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

// remove takes a container that does not run off the disk.
func (e *Engine) remove(ctx context.Context, id engine.ID) error {
	return e.removeMarked(ctx, id, nil)
}

// removeWithVolumes also removes the container's anonymous volumes. That it
// does is on record before anything goes, so that a removal which is cut short
// takes them along when it is repeated.
func (e *Engine) removeWithVolumes(ctx context.Context, id engine.ID) error {
	return e.removeMarked(ctx, id, func(rec *containerRecord) { rec.RemovingVolumes = len(rec.Anonymous) > 0 })
}

func (e *Engine) removeMarked(ctx context.Context, id engine.ID, mark func(*containerRecord)) error {
	if _, err := e.removeRecord(ctx, id, mark); err != nil {
		return err
	}
	return e.deleteFiles(id)
}

// removeRecord makes a container that does not run be no more, and leaves its
// files in the trash. The order makes a removal that is cut short visible
// (state removing) and repeatable: the mark first, all the files at once last.
// mark, which may be nil, adds to the mark. It returns what was removed, nil when
// that is not known.
func (e *Engine) removeRecord(ctx context.Context, id engine.ID, mark func(*containerRecord)) (*view, error) {
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return nil, err
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
		return nil, nil // settled by its removal
	case errors.Is(err, engine.ErrNotFound):
		return nil, engine.ErrNotFound
	case errors.Is(err, engine.ErrCorrupt):
		v = brokenView(id, err)
	case err != nil:
		return nil, err
	case v.state.Live() || v.state == engine.Restarting:
		return nil, &engine.OpError{Op: "remove", Kind: "container", ID: v.rec.Name,
			Err: fmt.Errorf("%w: it is %s", engine.ErrConflict, v.state), Hint: "stop it first, or remove it with --force"}
	}
	if mark != nil {
		mark(v.rec)
	}
	return v, e.removeLocked(v)
}

func (e *Engine) removeLocked(v *view) error {
	id := v.rec.ID
	// A --rm container whose end is on record can only be removed, and is by
	// whoever finds it (forgotten): it needs no mark, and no monitor waits to
	// start it.
	ended := v.rec.Host.AutoRemove && v.exit != nil
	// Before the mark: a monitor whose front end was killed may be starting the
	// container just now, and then it stays what it is.
	if !ended {
		if err := e.dismiss(id); err != nil {
			return err
		}
	}
	if v.err == nil && (!v.rec.Removing || v.rec.RemovingVolumes) && !ended {
		v.rec.Removing = true
		// A full disk has no room for the mark, and the removal is what makes some.
		if err := record.Write(e.file(id, "record.json"), v.rec, record.Volatile); err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	if err := e.deleteGroup(id); err != nil {
		return fmt.Errorf("remove its control group: %w", err)
	}
	if err := e.releaseFor(v, ended); err != nil {
		return err
	}
	if v.rec.Host.AutoRemove || v.rec.RemovingVolumes {
		if err := e.removeVolumes(context.Background(), v.rec.Anonymous, id); err != nil {
			return err
		}
	}
	return e.takeAway(v)
}

// releaseFor takes away what a container has in the runtime directory, its
// networks first. The kernel takes its time for a bridge, and nobody who waits
// for a --rm container waits for that: as long as its monitor lives, that has it
// done (finish).
func (e *Engine) releaseFor(v *view, ended bool) error {
	if ended && e.nets.Held(v.rec.ID) && record.Alive(v.exit.ShimPid, v.exit.ShimStart) {
		return nil
	}
	return e.releaseAll(v.rec.ID)
}

func (e *Engine) releaseAll(id engine.ID) error {
	if err := e.nets.Release(context.Background(), id); err != nil {
		return err
	}
	return os.RemoveAll(e.runDir(id))
}

// releaseRest is releaseAll for a --rm container that is no more.
func (e *Engine) releaseRest(ctx context.Context, id engine.ID) error {
	if !e.nets.Held(id) {
		return nil
	}
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if _, err := e.readRecord(id); !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	return e.releaseAll(id)
}

// takeAway makes the container be no more: with one rename goes all that there
// is of it, and the event comes with that. Its files are in the trash then, and
// nobody waits for their deletion who does not want the space.
func (e *Engine) takeAway(v *view) error {
	id := v.rec.ID
	var held error
	put := func(engine.Seq) error {
		if err := trash.Put(e.root, e.dir(id)); err != nil {
			return err
		}
		if v.rec.Name != "" { // free for whoever reads of the removal
			held = e.names.With(record.Volatile).Release(v.rec.Name, string(id))
		}
		return nil
	}
	ev := engine.Event{Kind: engine.KindContainer, Action: engine.ActionDestroy, ID: string(id), Attributes: v.rec.attributes()}
	_, err := e.journal.Commit(ev, events.Gone(e.dir(id), record.Volatile), put)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		// There is room for the event when the files are gone, if anywhere.
		if err = errors.Join(put(0), e.deleteFiles(id)); err == nil {
			_, err = e.journal.Append(ev)
		}
	}
	if err == nil && v.rec.durability() == record.Durable {
		err = record.SyncDir(e.containersDir())
	}
	return errors.Join(err, held)
}

// deleteFiles frees the disk of what was removed.
func (e *Engine) deleteFiles(id engine.ID) error {
	return trash.Delete(path.Join(trash.Dir(e.root), string(id)))
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

// Finish does what an exit leaves to be done: the work of the role
// gantry-finish. It starts a container again whose policy says so, or removes a
// --rm container. That somebody else already did is fine, but who removed it may
// have left the deletion to us.
func (e *Engine) Finish(ctx context.Context, id engine.ID) error {
	if rec, err := e.readRecord(id); err == nil && !rec.Host.AutoRemove {
		e.keepLogRotation(id)
		err := e.startAgain(ctx, id)
		_, left := e.view(id) // releases the networks of one that has ended
		return errors.Join(err, left)
	}
	return errors.Join(e.finish(ctx, id), e.releaseRest(ctx, id), trash.Empty(ctx, e.root))
}

func (e *Engine) finish(ctx context.Context, id engine.ID) error {
	v, err := e.view(id)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !v.rec.Host.AutoRemove || v.state.Live() || e.kept(id) {
		return nil
	}
	if _, err := e.removeRecord(ctx, id, nil); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	return nil
}
