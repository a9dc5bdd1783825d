package snapshot

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// cloneMount makes a detached mount of what is at path, without the mounts
// below it.
func cloneMount(path string) (*os.File, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, &os.PathError{Op: "open_tree", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// setReadOnly must come before attaching: the kernel takes no remount through
// a path under /proc/self/fd.
func setReadOnly(mnt *os.File) error {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(int(mnt.Fd()), "", unix.AT_EMPTY_PATH, attr); err != nil {
		return fmt.Errorf("make mount read-only: %w", err)
	}
	return nil
}

// Attach puts a detached mount onto the directory target, in the mount
// namespace of the calling thread. The last component of target is not
// followed if it is a symlink.
func Attach(mnt *os.File, target string) error {
	to, err := openPath(target)
	if err != nil {
		return fmt.Errorf("attach mount: %w", err)
	}
	defer to.Close()
	const flags = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if err := unix.MoveMount(int(mnt.Fd()), "", int(to.Fd()), "", flags); err != nil {
		return fmt.Errorf("attach mount: %w", &os.PathError{Op: "move_mount", Path: target, Err: err})
	}
	return nil
}
