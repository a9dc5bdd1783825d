package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/images/snapshot"
	"gantry/images/snapshot/stack"
	"gantry/internal/tartree"
)

func fdPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// tree is a container's file system, open for reading or writing.
type tree struct {
	e       *Engine
	v       *view
	root    *os.File
	release []func()
}

func (t *tree) close() {
	for i := len(t.release) - 1; i >= 0; i-- {
		t.release[i]()
	}
}

func (t *tree) later(f func()) { t.release = append(t.release, f) }

// openTree opens the root of a container: of one that runs, through its mount
// namespace, else a mount of its own, for which nobody may start it meanwhile.
// With mounts its volumes and binds are there.
func (e *Engine) openTree(ctx context.Context, ref string, mounts bool) (*tree, error) {
	id, err := e.find(ref)
	if err != nil {
		return nil, err
	}
	v, err := e.view(id)
	if err != nil {
		return nil, err
	}
	t := &tree{e: e, v: v}
	if v.state.Live() {
		if err = t.openLive(mounts); err == nil || !errors.Is(err, engine.ErrConflict) {
			return t, err
		}
	}
	if err := t.openStopped(ctx, id, mounts); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *tree) openLive(mounts bool) error {
	pidfd, err := record.PidFD(t.v.start.Pid, t.v.start.PidStart)
	if err != nil {
		return fmt.Errorf("%w: its process is gone", engine.ErrConflict)
	}
	defer pidfd.Close()
	if mounts {
		t.root, err = ociruntime.OpenRoot(pidfd)
	} else {
		t.root, err = ociruntime.CloneRoot(pidfd)
	}
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%w: its process is gone", engine.ErrConflict)
	}
	if err == nil {
		t.later(func() { t.root.Close() })
	}
	return err
}

func (t *tree) openStopped(ctx context.Context, id engine.ID, mounts bool) error {
	e := t.e
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	t.later(lock.Unlock)
	// A monitor that waits for its start may have the file system mounted.
	if err := e.dismiss(id); err != nil {
		return err
	}
	v, _, err := e.look(id)
	if err != nil {
		return err
	}
	t.v = v
	if v.state.Live() { // it was started meanwhile
		return t.openLive(mounts)
	}
	if v.state == engine.Removing {
		return fmt.Errorf("%w: it is being removed", engine.ErrConflict)
	}
	d, err := e.snap()
	if err != nil {
		return err
	}
	dirs, err := e.layerDirs(v.rec)
	if err != nil {
		return err
	}
	if t.root, err = d.Mount(e.dir(id), dirs, snapshot.MountOptions{Volatile: v.rec.Host.AutoRemove}); err != nil {
		return err
	}
	t.later(func() { t.root.Close() })
	if mounts {
		return t.attach(id)
	}
	return nil
}

// attach mounts what a start would, as far as it is of the host.
func (t *tree) attach(id engine.ID) error {
	if len(t.v.rec.Mounts) == 0 {
		return nil
	}
	spec, err := t.e.readSpec(id)
	if err != nil {
		return err
	}
	targets := map[string]bool{}
	for _, m := range t.v.rec.Mounts {
		targets[path.Clean(m.Destination)] = true
	}
	list := spec.Mounts[:0]
	for _, m := range spec.Mounts {
		if targets[m.Destination] {
			list = append(list, m)
		}
	}
	release, err := ociruntime.MountBinds(t.root, list)
	if err != nil {
		return err
	}
	t.later(release)
	return nil
}

func (e *Engine) layerDirs(rec *containerRecord) ([]string, error) {
	s, err := e.store()
	if err != nil {
		return nil, err
	}
	dirs := make([]string, 0, len(rec.Layers))
	for _, id := range rec.Layers {
		dir, err := s.LayerDir(id)
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// Changes implements engine.ContainerFiles.
func (c *containers) Changes(ctx context.Context, ref string) ([]engine.Change, error) {
	e := (*Engine)(c)
	id, err := e.find(ref)
	if err != nil {
		return nil, opErr("compare", ref, err)
	}
	w, err := e.openWritten(id)
	if err != nil {
		return nil, opErr("compare", ref, err)
	}
	defer w.close()
	changes, err := w.differ.compare(w.root)
	if err == nil {
		err = ctx.Err()
	}
	return changes, opErr("compare", ref, err)
}

// written is what a container wrote, and the layers below.
type written struct {
	rec    *containerRecord
	root   *os.File // its own directory: upper, or the complete root
	differ differ
}

func (e *Engine) openWritten(id engine.ID) (*written, error) {
	rec, err := e.readRecord(id)
	if err != nil {
		return nil, err
	}
	dirs, err := e.layerDirs(rec)
	if err != nil {
		return nil, err
	}
	w := &written{rec: rec}
	own := "upper"
	if rec.Driver != snapshot.Overlay {
		own, w.differ.whole = "rootfs", true
	}
	if w.root, err = os.OpenFile(e.file(id, own), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0); err != nil {
		return nil, err
	}
	if w.differ.lower, err = stack.Open(dirs); err != nil {
		w.root.Close()
		return nil, err
	}
	spec, err := e.readSpec(id)
	if err != nil {
		w.close()
		return nil, err
	}
	destinations := make([]string, 0, len(spec.Mounts))
	for _, m := range spec.Mounts {
		destinations = append(destinations, m.Destination)
	}
	if w.differ.made, err = newMountPoints(w.differ.lower, destinations); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *written) close() {
	w.root.Close()
	w.differ.lower.Close()
}

// Export implements engine.ContainerFiles.
func (c *containers) Export(ctx context.Context, ref string, w io.Writer) error {
	return opErr("export", ref, (*Engine)(c).export(ctx, ref, w))
}

func (e *Engine) export(ctx context.Context, ref string, w io.Writer) error {
	t, err := e.openTree(ctx, ref, false)
	if err != nil {
		return err
	}
	defer t.close()
	own, err := e.openWritten(t.v.rec.ID)
	if err != nil {
		return err
	}
	defer own.close()
	tw := tartree.NewWriter(ctx, w)
	tw.Skip = own.differ.skip
	if err := tw.Contents(t.root, ""); err != nil {
		return err
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return e.containerEvent(t.v.rec, engine.ActionExport, nil)
}

// skip leaves out of an archive what the engine made to mount something on.
func (d *differ) skip(name string, f *os.File, st *unix.Stat_t) (bool, error) {
	p := path.Join("/", name)
	if d.made.own[p] {
		lower, err := d.lower.Lookup(strings.TrimPrefix(p, "/"))
		return err == nil && d.made.leaf(p, st, lower), err
	}
	if !d.made.paths[p] {
		return false, nil
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return d.made.leaf(p, st, nil), nil
	}
	return d.onlyMade(f, p)
}

// onlyMade tells whether a directory holds nothing that is not the engine's.
func (d *differ) onlyMade(f *os.File, name string) (bool, error) {
	dir, err := os.Open(fdPath(f))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return false, err
	}
	for _, base := range names {
		child, err := tartree.OpenEntry(dir, base)
		if err != nil {
			return false, err
		}
		var st unix.Stat_t
		err = unix.Fstat(int(child.Fd()), &st)
		made := false
		if err == nil {
			made, err = d.skip(path.Join(name, base), child, &st)
		}
		child.Close()
		if err != nil || !made {
			return false, err
		}
	}
	return true, nil
}
