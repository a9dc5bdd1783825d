package ociruntime

import (
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// openRoot gives the root file system as a detached mount.
func openRoot(given *os.File, spec *specs.Spec, open *fds) (int, error) {
	if given != nil {
		return int(given.Fd()), nil
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, spec.Root.Path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, fmt.Errorf("open root: %w", needRoot(&os.PathError{Op: "open", Path: spec.Root.Path, Err: err}))
	}
	return open.add(fd), nil
}

// attachRoot makes the detached root reachable in the thread's new mount
// namespace, on top of the host's "/": any directory would do for the moment
// until pivot, and this one always exists. From here on nothing of the host is
// to be opened by path.
//
// The host's tree becomes private first, so that neither this nor the unmount
// of the old root is seen outside.
//
// A root that is to be read-only is made writable until sealRoot: mount points
// may have to be made in it.
func attachRoot(root int, spec *specs.Spec) error {
	private := &unix.MountAttr{Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, private); err != nil {
		return fmt.Errorf("make mounts private: %w", needRoot(err))
	}
	if err := mountSetattr(root, private, true); err != nil {
		return fmt.Errorf("make root private: %w", err)
	}
	if spec.Root != nil && spec.Root.Readonly {
		if err := mountSetattr(root, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}, false); err != nil {
			return fmt.Errorf("make root writable: %w", err)
		}
	}
	if err := unix.MoveMount(root, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach root: %w", needRoot(os.NewSyscallError("move_mount", err)))
	}
	return nil
}

// pivot makes root the thread's root and lets go of the host's tree.
// pivot_root(".", ".") puts the old root on top of the new one, where
// umount2(".") finds it (pivot_root(2), notes): no directory is needed.
func pivot(root int) error {
	if err := unix.Fchdir(root); err != nil {
		return fmt.Errorf("enter root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the host's root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("enter root: %w", err)
	}
	return nil
}

// sealRoot makes the root read-only, after the last mount point was made.
func sealRoot(root int, spec *specs.Spec) error {
	if spec.Root != nil && spec.Root.Readonly {
		if err := mountSetattr(root, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}, false); err != nil {
			return fmt.Errorf("make root read-only: %w", err)
		}
	}
	kind, ok := rootPropagation[spec.Linux.RootfsPropagation]
	if !ok {
		return fmt.Errorf("root propagation %q is not known", spec.Linux.RootfsPropagation)
	}
	if kind == unix.MS_PRIVATE {
		return nil // it is already
	}
	if err := mountSetattr(root, &unix.MountAttr{Propagation: kind}, true); err != nil {
		return fmt.Errorf("set root propagation: %w", err)
	}
	return nil
}

var rootPropagation = map[string]uint64{
	"": unix.MS_PRIVATE, "private": unix.MS_PRIVATE, "rprivate": unix.MS_PRIVATE,
	"slave": unix.MS_PRIVATE, "rslave": unix.MS_PRIVATE, // a private mount has no master: the same
	"shared": unix.MS_SHARED, "rshared": unix.MS_SHARED,
	"unbindable": unix.MS_UNBINDABLE, "runbindable": unix.MS_UNBINDABLE,
}
