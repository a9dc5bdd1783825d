package ociruntime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// moveByFD is move_mount(2) between two descriptors.
const moveByFD = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH

// rootfs is a container's file tree while it is put together.
type rootfs struct {
	open *fds
	root int // the root directory, as a descriptor on its own mount
	// made maps the destinations of finished mounts to their root
	// directories. What must lie in /dev or /proc goes through these
	// descriptors: the path /dev may be a link of the image, and what it
	// points to may change while we work (CVE-2019-19921, CVE-2026-41579).
	made map[string]made
}

type made struct {
	fd   int
	kind string
}

// prepared is a mount whose source is at hand, detached from any tree.
type prepared struct {
	specs.Mount
	options mountOptions
	fd      int // of a bind mount; -1: the file system is made when its turn comes
	kind    target
}

// prepareMounts opens the sources of bind mounts while the host's paths are
// still in sight, and while its mounts still have their peers.
func prepareMounts(mounts []specs.Mount, handed map[string]*os.File, open *fds) ([]prepared, error) {
	out := make([]prepared, 0, len(mounts))
	for _, m := range mounts {
		options, err := parseMountOptions(m.Options)
		if err != nil {
			return nil, fmt.Errorf("mount %s: %w", m.Destination, err)
		}
		p := prepared{Mount: m, options: options, fd: -1}
		if f := handed[path.Clean(m.Destination)]; f != nil {
			p.fd = int(f.Fd()) // its attributes are its maker's
			out = append(out, p)
			continue
		}
		if options.bind || m.Type == "bind" {
			if err := p.openSource(open); err != nil {
				return nil, fmt.Errorf("mount %s: %w", m.Destination, err)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// openSource copies the source's mount, which is detached then, and gives the
// copy its attributes.
func (p *prepared) openSource(open *fds) error {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if p.options.rbind {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := openTree(p.Source, p.options.subpath, flags)
	if err != nil {
		where := path.Join(p.Source, p.options.subpath)
		return fmt.Errorf("bind source: %w", needRoot(&os.PathError{Op: "open", Path: where, Err: unwrapPath(err)}))
	}
	p.fd = open.add(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("bind source: %w", &os.PathError{Op: "stat", Path: p.Source, Err: err})
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		p.kind = regularFile
	}
	return setAttributes(fd, p.options)
}

// setAttributes sets flags and propagation of a detached mount.
func setAttributes(fd int, o mountOptions) error {
	attr := unix.MountAttr{Attr_set: o.set, Attr_clr: o.clear}
	kind, deep := o.propagate()
	if o.recursive == deep {
		attr.Propagation = kind
		return mountSetattr(fd, &attr, deep)
	}
	if o.set|o.clear != 0 {
		if err := mountSetattr(fd, &attr, o.recursive); err != nil {
			return err
		}
	}
	return mountSetattr(fd, &unix.MountAttr{Propagation: kind}, deep)
}

func mountSetattr(fd int, attr *unix.MountAttr, recursive bool) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	if err := unix.MountSetattr(fd, "", flags, attr); err != nil {
		return os.NewSyscallError("mount_setattr", err)
	}
	return nil
}

// newFS makes a file system that is mounted nowhere yet.
func newFS(kind, source string, attrs uint64, data []string, open *fds) (int, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(fs)
	if source != "" {
		data = append([]string{"source=" + source}, data...)
	}
	for _, opt := range data {
		key, value, ok := strings.Cut(opt, "=")
		if ok {
			err = unix.FsconfigSetString(fs, key, value)
		} else {
			err = unix.FsconfigSetFlag(fs, key)
		}
		if err != nil {
			return -1, fmt.Errorf("mount option %q: %w", opt, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, os.NewSyscallError("fsconfig", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, int(attrs))
	if err != nil {
		return -1, os.NewSyscallError("fsmount", err)
	}
	return open.add(fd), nil
}

// mount makes and attaches one mount.
func (r *rootfs) mount(m *prepared, group *leaf.Group) error {
	var err error
	switch {
	case m.fd >= 0:
		err = r.attach(m.fd, m.Destination, m.kind, "bind")
	case m.Type == "cgroup" || m.Type == "cgroup2":
		err = r.mountCgroup(m, group)
	default:
		var fd int
		if fd, err = newFS(m.Type, m.Source, m.options.set, m.options.data, r.open); err == nil {
			err = r.attach(fd, m.Destination, directory, m.Type)
		}
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", m.Destination, err)
	}
	return nil
}

// attach puts a finished mount onto its destination below the root.
func (r *rootfs) attach(fd int, destination string, kind target, fsType string) error {
	if isOwnFile(destination, kind) {
		if err := r.placeOwnFile(destination); err != nil {
			return err
		}
	}
	onto, err := openTarget(r.root, destination, kind)
	if err != nil {
		return err
	}
	defer unix.Close(onto)
	if err := r.checkNotRoot(onto, destination); err != nil {
		return err
	}
	if err := checkNotProc(onto, destination); err != nil {
		return err
	}
	if err := unix.MoveMount(fd, "", onto, "", moveByFD); err != nil {
		return os.NewSyscallError("move_mount", err)
	}
	r.made[path.Clean(destination)] = made{fd, fsType}
	return nil
}

// checkNotRoot refuses what a link of the image leads onto the root itself:
// such a mount does not show at "/", but at "/.." it does, and setns(2) goes
// down to it, so that it would be the root of exec sessions.
func (r *rootfs) checkNotRoot(onto int, destination string) error {
	var root, st unix.Stat_t
	if err := errors.Join(unix.Fstat(r.root, &root), unix.Fstat(onto, &st)); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Dev == root.Dev && st.Ino == root.Ino {
		return fmt.Errorf("%w mount: %s is the container's root", engine.ErrInvalid, destination)
	}
	return nil
}

// overProc are the files of procfs that may be mounted over: what lxcfs fakes.
// Anything else there could deceive programs which trust it, the next exec in
// this container among them (CVE-2019-16884).
var overProc = []string{
	"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg",
	"/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
}

// checkNotProc asks the target itself: its path may lead there by links.
func checkNotProc(onto int, destination string) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(onto, &fs); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	if fs.Type == unix.PROC_SUPER_MAGIC && !slices.Contains(overProc, path.Clean(destination)) {
		return fmt.Errorf("%w mount: %s lies in the container's procfs", engine.ErrInvalid, destination)
	}
	return nil
}

// mountCgroup shows the container its own group, read-only unless asked for
// otherwise. The directories are bound: that is right with and without a
// cgroup namespace, and needs none while we are not in the group ourselves.
func (r *rootfs) mountCgroup(m *prepared, group *leaf.Group) error {
	if group == nil {
		return fmt.Errorf("%w spec: a cgroup mount needs a control group", engine.ErrInvalid)
	}
	if dir, ok := group.Dirs[leaf.Unified]; ok && len(group.Dirs) == 1 {
		fd, err := r.bindDir(dir, m.options)
		if err != nil {
			return err
		}
		return r.attach(fd, m.Destination, directory, "cgroup2")
	}
	top, err := newFS("tmpfs", "tmpfs", m.options.set&^unix.MOUNT_ATTR_RDONLY, []string{"mode=755", "size=64k"}, r.open)
	if err != nil {
		return err
	}
	if err := r.attach(top, m.Destination, directory, "tmpfs"); err != nil {
		return err
	}
	if err := r.bindHierarchies(top, group, m.options); err != nil {
		return err
	}
	return mountSetattr(top, &unix.MountAttr{Attr_set: m.options.set}, false)
}

// bindHierarchies shows every v1 hierarchy by the name of its mount on the
// host ("cpu,cpuacct"), every controller of it by a link, and the v2 group of
// a hybrid host as "unified".
func (r *rootfs) bindHierarchies(top int, group *leaf.Group, o mountOptions) error {
	names := make([]string, 0, len(group.Dirs))
	for name := range group.Dirs {
		names = append(names, name)
	}
	slices.Sort(names)
	bound := map[string]bool{}
	for _, name := range names {
		dir := group.Dirs[name]
		mount := path.Base(strings.TrimSuffix(dir, group.Path))
		controller := strings.TrimPrefix(name, "name=")
		if name != leaf.Unified && controller != mount {
			if err := unix.Symlinkat(mount, top, controller); err != nil {
				return fmt.Errorf("link cgroup controller %s: %w", controller, err)
			}
		}
		if bound[dir] {
			continue
		}
		bound[dir] = true
		if err := r.bindHierarchy(top, mount, dir, o); err != nil {
			return err
		}
	}
	return nil
}

func (r *rootfs) bindHierarchy(top int, name, dir string, o mountOptions) error {
	fd, err := r.bindDir(dir, o)
	if err != nil {
		return err
	}
	if err := unix.Mkdirat(top, name, 0o755); err != nil {
		return &os.PathError{Op: "mkdir", Path: name, Err: err}
	}
	if err := unix.MoveMount(fd, "", top, name, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return os.NewSyscallError("move_mount", err)
	}
	return nil
}

func (r *rootfs) bindDir(dir string, o mountOptions) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	r.open.add(fd)
	return fd, mountSetattr(fd, &unix.MountAttr{Attr_set: o.set, Propagation: unix.MS_PRIVATE}, false)
}
