package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/engine/runspec"
	"gantry/engine/volume"
	"gantry/images/snapshot"
)

// wanted is a volume that a container is made with.
type wanted struct {
	engine.VolumeCreateOptions
	target    string
	subpath   string
	mode      string
	readOnly  bool
	noCopy    bool
	chown     bool
	anonymous bool
}

// wantedVolumes are the volumes among the mounts, then those that the image and
// -v PATH ask for and that nothing else is mounted at.
func wantedVolumes(rec *containerRecord) ([]wanted, error) {
	var out []wanted
	taken := map[string]bool{}
	for _, m := range rec.mounts() {
		target := path.Clean(m.Target)
		if taken[target] {
			return nil, fmt.Errorf("%w: duplicate mount point: %s", engine.ErrInvalid, target)
		}
		taken[target] = true
		if m.Type == "volume" {
			w, err := wantedMount(m)
			if err != nil {
				return nil, err
			}
			out = append(out, w)
		}
	}
	for t := range rec.Host.Tmpfs {
		taken[path.Clean(t)] = true
	}
	for _, t := range slices.Sorted(maps.Keys(rec.Config.Volumes)) {
		target := path.Join("/", t)
		if taken[target] {
			continue
		}
		taken[target] = true
		w := wanted{target: target}
		w.drawName()
		out = append(out, w)
	}
	return out, nil
}

func wantedMount(m engine.Mount) (wanted, error) {
	w := wanted{target: path.Clean(m.Target), readOnly: m.ReadOnly, chown: m.Chown, mode: m.Mode}
	w.Name = m.Source
	if o := m.Volume; o != nil {
		w.noCopy, w.subpath, w.Labels = o.NoCopy, o.Subpath, o.Labels
		if o.DriverConfig != nil {
			w.Driver, w.Options = o.DriverConfig.Name, o.DriverConfig.Options
		}
	}
	if w.subpath != "" {
		if err := runspec.CheckSubpath(w.subpath); err != nil {
			return w, err
		}
	}
	if w.Name == "" {
		w.drawName()
		return w, nil
	}
	if err := volume.CheckName(w.Name); err != nil {
		return w, fmt.Errorf("volume: %w", err)
	}
	return w, nil
}

func (w *wanted) drawName() {
	w.anonymous = true
	w.Name = string(engine.NewID())
	w.Labels = maps.Clone(w.Labels)
	if w.Labels == nil {
		w.Labels = map[string]string{}
	}
	w.Labels[engine.AnonymousLabel] = ""
}

// attached is what a container's volumes need until it is on record.
type attached struct {
	e       *Engine
	rec     *containerRecord
	hold    *volume.Hold
	wanted  []wanted
	volumes []engine.Volume // beside wanted
	made    []string        // anonymous ones that a failed creation takes away again
	filling []string        // mounted for as long as the container is being made
}

// attachVolumes makes the volumes of a container that are not there, and keeps
// all of them from being removed until release.
func (e *Engine) attachVolumes(ctx context.Context, rec *containerRecord) (*attached, error) {
	a := &attached{e: e, rec: rec}
	var err error
	if a.wanted, err = wantedVolumes(rec); err != nil || len(a.wanted) == 0 {
		return a, err
	}
	names := make([]string, 0, len(a.wanted))
	for _, w := range a.wanted {
		names = append(names, w.Name)
	}
	if a.hold, err = e.volumes.Hold(ctx, names...); err != nil {
		return nil, err
	}
	for _, w := range a.wanted {
		if err := a.attach(w); err != nil {
			return nil, errors.Join(volumeErr("use", w.Name, err), a.drop(ctx))
		}
	}
	return a, nil
}

func (a *attached) attach(w wanted) error {
	d := record.Durable
	if w.anonymous {
		d = a.rec.durability()
	}
	v, _, err := a.hold.Create(w.VolumeCreateOptions, d)
	if err != nil {
		return err
	}
	if w.anonymous {
		a.made = append(a.made, w.Name)
		a.rec.Anonymous = append(a.rec.Anonymous, w.Name)
	}
	if volume.Mounts(v) && !slices.Contains(a.rec.Mounted, v.Name) {
		a.rec.Mounted = append(a.rec.Mounted, v.Name)
	}
	a.volumes = append(a.volumes, v)
	a.rec.Mounts = append(a.rec.Mounts, engine.MountPoint{
		Type: "volume", Name: v.Name, Source: v.Mountpoint, Destination: w.target, Driver: v.Driver, Mode: w.mode, RW: !w.readOnly,
	})
	return nil
}

// specs are the volumes as the bundle has them.
func (a *attached) specs() []runspec.Volume {
	out := make([]runspec.Volume, 0, len(a.wanted))
	for i, w := range a.wanted {
		out = append(out, runspec.Volume{Source: a.volumes[i].Mountpoint, Destination: w.target, Subpath: w.subpath, ReadOnly: w.readOnly})
	}
	return out
}

// release gives the volumes free; it may be called twice.
func (a *attached) release() {
	if a.hold != nil {
		a.hold.Release()
		a.hold = nil
	}
}

// drop takes away what a creation that failed has made.
func (a *attached) drop(ctx context.Context) error {
	a.release()
	return a.e.removeVolumes(context.WithoutCancel(ctx), a.made, a.rec.ID)
}

// removeVolumes removes those of the named volumes that no other container
// mounts.
func (e *Engine) removeVolumes(ctx context.Context, names []string, owner engine.ID) error {
	var errs []error
	for _, name := range names {
		err := e.volumes.Remove(ctx, name, e.usersOf(name, owner))
		if err != nil && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrInUse) {
			errs = append(errs, volumeErr("remove", name, err))
		}
	}
	return errors.Join(errs...)
}

// fill gives empty volumes what the image has at their places, and sources that
// are to belong to the container's user that owner.
func (a *attached) fill(ctx context.Context, d *snapshot.Driver, layers []string) (err error) {
	todo, chown, err := a.toFill()
	defer func() { err = errors.Join(err, a.unmountFilled()) }()
	if err != nil || len(todo) == 0 && !chown {
		return err
	}
	// The container's own root, as it will be, resolves the links on the way to
	// a target as the mount will.
	root, err := d.Mount(a.e.dir(a.rec.ID), layers, snapshot.MountOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer root.Close()
	for _, i := range todo {
		if err := a.fillOne(ctx, root, a.wanted[i], a.volumes[i]); err != nil {
			return volumeErr("fill", a.volumes[i].Name, err)
		}
	}
	if chown {
		return a.chownSources(ctx, root)
	}
	return nil
}

// toFill lists the volumes that are empty, as places in wanted.
func (a *attached) toFill() (todo []int, chown bool, err error) {
	for _, m := range a.rec.mounts() {
		chown = chown || m.Chown
	}
	for i, w := range a.wanted {
		if w.noCopy {
			continue
		}
		if err := a.mountToFill(a.volumes[i]); err != nil {
			return nil, false, volumeErr("use", a.volumes[i].Name, err)
		}
		empty, err := a.hold.Empty(a.volumes[i])
		if err != nil {
			return nil, false, volumeErr("use", a.volumes[i].Name, err)
		}
		if empty {
			todo = append(todo, i)
		}
	}
	return todo, chown, nil
}

func (a *attached) fillOne(ctx context.Context, root *os.File, w wanted, v engine.Volume) error {
	src, err := openInRoot(root, w.target, unix.O_RDONLY|unix.O_DIRECTORY)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil // the image has nothing there
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: the image has no directory at %s", engine.ErrInvalid, w.target)
	case err != nil:
		return err
	}
	defer src.Close()
	return a.hold.Fill(ctx, v, src, a.rec.durability() == record.Durable)
}

// openInRoot opens name as a process whose root is the directory root would.
func openInRoot(root *os.File, name string, flags int) (*os.File, error) {
	how := &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for {
		fd, err := unix.Openat2(int(root.Fd()), name, how)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), name), nil
		case unix.EAGAIN, unix.EINTR: // a rename elsewhere raced with the walk
			continue
		}
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
}

// chownSources gives the sources that ask for it to the container's user.
func (a *attached) chownSources(ctx context.Context, root *os.File) error {
	uid, gid, err := ociruntime.LookupUser(root, a.rec.Config.User)
	if err != nil {
		return err
	}
	for i, w := range a.wanted {
		if w.chown {
			if err := chownTree(ctx, a.volumes[i].Mountpoint, uid, gid); err != nil {
				return volumeErr("give away", a.volumes[i].Name, err)
			}
		}
	}
	for _, m := range a.rec.mounts() {
		if m.Chown && m.Type == "bind" {
			if err := chownTree(ctx, m.Source, uid, gid); err != nil {
				return fmt.Errorf("give %s to user %d: %w", m.Source, uid, err)
			}
		}
	}
	return nil
}

// chownTree gives a file or a directory with all that is in it to a user. It
// follows no link below the top, and looks before it changes: a tree that is
// the user's already is not written to.
func chownTree(ctx context.Context, top string, uid, gid uint32) error {
	f, err := os.OpenFile(top, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return chownEntry(ctx, f, uid, gid)
}

func chownEntry(ctx context.Context, f *os.File, uid, gid uint32) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	if st.Uid != uid || st.Gid != gid {
		if err := unix.Fchownat(int(f.Fd()), "", int(uid), int(gid), unix.AT_EMPTY_PATH); err != nil {
			return &os.PathError{Op: "chown", Path: f.Name(), Err: err}
		}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil
	}
	dir, err := os.Open("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		fd, err := unix.Openat(int(dir.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "open", Path: name, Err: err}
		}
		child := os.NewFile(uintptr(fd), name)
		err = chownEntry(ctx, child, uid, gid)
		child.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
