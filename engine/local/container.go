package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
	"gantry/images"
)

// containerRecord is containers/<id>/record.json: what the container is. What
// it does (state) is derived, see state.go.
type containerRecord struct {
	ID       engine.ID              `json:"id"`
	Name     string                 `json:"name"`
	Created  time.Time              `json:"created"`
	Image    images.Digest          `json:"image"`
	ImageRef string                 `json:"imageRef"`
	Platform string                 `json:"platform"`
	Driver   string                 `json:"driver"`
	Path     string                 `json:"path"`
	Args     []string               `json:"args"`
	Config   engine.ContainerConfig `json:"config"`
	Host     engine.HostConfig      `json:"host"`
	Mounts   []engine.MountPoint    `json:"mounts,omitempty"`
	// Networks are the bridges that it is connected to when it starts, the first
	// one first.
	Networks []attachment `json:"networks,omitempty"`
	// Inherited are the mounts of other containers (--volumes-from).
	Inherited []engine.Mount `json:"inherited,omitempty"`
	// Mounted are the volumes that are file systems of their own: the engine
	// mounts them while the container runs.
	Mounted []string `json:"mounted,omitempty"`
	// Anonymous are the volumes that were made for this container alone: they go
	// with it when it is removed together with its volumes.
	Anonymous []string `json:"anonymous,omitempty"`
	// Layers are the IDs of the unpacked layers, bottom first. Garbage
	// collection keeps them.
	Layers []string `json:"layers"`
	// Seq is the number of the event that wrote this record last: the proof that
	// engine/events asks for.
	Seq engine.Seq `json:"seq"`
	// Removing says that a removal has begun; only a removal may go on.
	Removing bool `json:"removing,omitempty"`
	// RemovingVolumes says that it takes the anonymous volumes along.
	RemovingVolumes bool `json:"removingVolumes,omitempty"`
}

// durability of the records of a container: nobody misses a --rm container
// after a crash of the machine.
func (r *containerRecord) durability() record.Durability {
	if r.Host.AutoRemove {
		return record.Volatile
	}
	return record.Durable
}

// attributes of the container's events.
func (r *containerRecord) attributes() map[string]string {
	a := make(map[string]string, len(r.Config.Labels)+2)
	for k, v := range r.Config.Labels {
		a[k] = v
	}
	a["name"], a["image"] = r.Name, r.ImageRef
	return a
}

func (e *Engine) containersDir() string              { return filepath.Join(e.root, "containers") }
func (e *Engine) dir(id engine.ID) string            { return filepath.Join(e.root, "containers", string(id)) }
func (e *Engine) runDir(id engine.ID) string         { return filepath.Join(e.run, "c", id.Short()) }
func (e *Engine) file(id engine.ID, n string) string { return filepath.Join(e.dir(id), n) }
func (e *Engine) readRecord(id engine.ID) (*containerRecord, error) {
	var r containerRecord
	if err := record.Read(e.file(id, "record.json"), &r); err != nil {
		return nil, err
	}
	return &r, nil
}

// ids lists the containers that have a record, in no order. A folder without
// one is a Create that has not finished, or never will (sweep.go).
func (e *Engine) ids() ([]engine.ID, error) {
	f, err := os.Open(e.containersDir())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	out := make([]engine.ID, 0, len(names))
	for _, n := range names {
		if len(n) == 64 {
			out = append(out, engine.ID(n))
		}
	}
	return out, nil
}

// commit writes the record together with the event that says so.
func (e *Engine) commit(ev engine.Event, rec *containerRecord) error {
	path := e.file(rec.ID, "record.json")
	_, err := e.journal.Commit(ev, events.Carries(path, rec.durability()), func(seq engine.Seq) error {
		rec.Seq = seq
		return record.Write(path, rec, rec.durability())
	})
	return err
}

// reserve gives a name to a container. One that is held by a container that no
// longer exists, because its creation or removal was cut short, is taken over.
func (e *Engine) reserve(ctx context.Context, name string, rec *containerRecord) error {
	names := e.names.With(rec.durability())
	for {
		err := names.Reserve(name, string(rec.ID))
		var taken *record.TakenError
		if !errors.As(err, &taken) {
			return err
		}
		holder := engine.ID(taken.Holder)
		free, ferr := e.abandoned(holder)
		if ferr != nil {
			return ferr
		}
		if !free {
			return &engine.OpError{Op: "name", Kind: "container", ID: name,
				Err: fmt.Errorf("%w: container %s has that name", engine.ErrConflict, holder.Short()), Hint: "remove or rename that container, or choose another name"}
		}
		if err := names.Release(name, taken.Holder); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// abandoned tells whether a container has no record and nobody who is about to
// write one: creations hold the container's lock until the record is there.
func (e *Engine) abandoned(id engine.ID) (bool, error) {
	if _, err := os.Lstat(e.file(id, "record.json")); err == nil {
		return false, nil
	}
	lock, err := e.locks.TryLock(record.LockContainer, string(id))
	if errors.Is(err, engine.ErrInUse) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer lock.Unlock()
	_, err = os.Lstat(e.file(id, "record.json"))
	return errors.Is(err, os.ErrNotExist), nil
}
