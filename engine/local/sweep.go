package local

import (
	"context"
	"errors"
	"os"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/images/trash"
)

// sweep removes what killed processes left: folders of containers that never
// got their record, removals that were cut short, names of nobody, and the trash. It is best effort;
// everything that it meets can also be left for the next time.
func (e *Engine) sweep(ctx context.Context) {
	entries, err := os.ReadDir(e.containersDir())
	if err != nil {
		return
	}
	for _, ent := range entries {
		id := engine.ID(ent.Name())
		if !isHex(ent.Name()) || ctx.Err() != nil {
			continue
		}
		switch rec, err := e.readRecord(id); {
		case errors.Is(err, engine.ErrNotFound):
			e.sweepOrphan(id)
		case err == nil && rec.Removing:
			_ = e.remove(ctx, id)
		}
	}
	e.sweepNames()
	e.volumes.Sweep()
	e.nets.Sweep(ctx)
	_ = trash.Empty(ctx, e.root)
}

// sweepNames frees the names of containers that have no folder any more. One
// that is being made has its folder before its name.
func (e *Engine) sweepNames() {
	held, err := e.names.All()
	if err != nil {
		return
	}
	for name, holder := range held {
		if _, err := os.Lstat(e.dir(engine.ID(holder))); errors.Is(err, os.ErrNotExist) {
			_ = e.names.Release(name, holder)
		}
	}
}

// sweepOrphan removes a folder without a record, once nobody is about to write
// one: a creation holds the container's lock.
func (e *Engine) sweepOrphan(id engine.ID) {
	lock, err := e.locks.TryLock(record.LockContainer, string(id))
	if err != nil {
		return
	}
	defer lock.Unlock()
	if _, err := os.Lstat(e.file(id, "record.json")); !errors.Is(err, os.ErrNotExist) {
		return
	}
	held, err := e.names.All()
	if err != nil {
		return
	}
	for name, holder := range held {
		if holder == string(id) {
			_ = e.names.Release(name, holder)
		}
	}
	_ = e.deleteGroup(id)
	if trash.Delete(e.dir(id)) == nil {
		_ = os.RemoveAll(e.runDir(id))
	}
}
