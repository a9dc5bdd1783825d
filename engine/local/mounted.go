package local

import (
	"context"
	"errors"

	"gantry/engine"
	"gantry/engine/volume"
)

// mountVolumes has the file systems of a container's volumes mounted for its
// start. The monitor lets go of them at the end, and whoever settles a container
// without one.
func (e *Engine) mountVolumes(ctx context.Context, rec *containerRecord) error {
	if len(rec.Mounted) == 0 {
		return nil
	}
	hold, err := e.volumes.Hold(ctx, rec.Mounted...)
	if err != nil {
		return err
	}
	defer hold.Release()
	for _, name := range rec.Mounted {
		if err := hold.Mount(name, rec.ID, e.mayRun); err != nil {
			return volumeErr("use", name, err)
		}
	}
	return nil
}

// unmountVolumes lets go of them for a container that does not run.
func (e *Engine) unmountVolumes(ctx context.Context, rec *containerRecord) error {
	if len(rec.Mounted) == 0 {
		return nil
	}
	hold, err := e.volumes.Hold(ctx, rec.Mounted...)
	if err != nil {
		return err
	}
	defer hold.Release()
	var errs []error
	for _, name := range rec.Mounted {
		if err := hold.Unmount(name, rec.ID); err != nil {
			errs = append(errs, volumeErr("release", name, err))
		}
	}
	return errors.Join(errs...)
}

// unmountUnlessLive is for a start that failed: most have not come as far as the
// monitor, which would have let go of the volumes.
func (e *Engine) unmountUnlessLive(ctx context.Context, rec *containerRecord) error {
	if len(rec.Mounted) == 0 {
		return nil
	}
	if v, _, err := e.look(rec.ID); err == nil && v.state.Live() {
		return nil
	}
	return e.unmountVolumes(ctx, rec)
}

func (e *Engine) mayRun(id engine.ID) bool { return !e.gone(id) }

// mountToFill mounts a volume for as long as its container is being made.
func (a *attached) mountToFill(v engine.Volume) error {
	if !volume.Mounts(v) {
		return nil
	}
	a.filling = append(a.filling, v.Name)
	return a.hold.Mount(v.Name, a.rec.ID, a.e.mayRun)
}

// unmountFilled ends that.
func (a *attached) unmountFilled() error {
	var errs []error
	for _, name := range a.filling {
		errs = append(errs, a.hold.Unmount(name, a.rec.ID))
	}
	a.filling = nil
	return errors.Join(errs...)
}

// selfContained tells whether a start needs nothing that is made, or found, just
// before it: networks, mounted volumes, namespaces of other containers.
func (r *containerRecord) selfContained() bool {
	mode := r.Host.NetworkMode
	return (mode == "none" || mode == "host") && len(r.Mounted) == 0 && len(r.joins()) == 0
}
