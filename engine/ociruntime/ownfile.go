package ociruntime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// ownFiles are what every container gets from its engine. docker lays empty
// files there over the image (its init layer), whatever the image has: a link
// there, to /dev/null or to where systemd-resolved keeps its file, means the
// image's own use of the name. Following it would mount over the wrong thing.
var ownFiles = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}

// placeOwnFile makes a regular file where one of ownFiles is to be mounted, in
// the place of anything but a directory. Only the container's own tree is
// changed: what lies there in a volume is the user's.
func (r *rootfs) placeOwnFile(destination string) error {
	dir, name := path.Split(path.Clean(destination))
	parent, err := openIn(r.root, dir, unix.O_PATH|unix.O_DIRECTORY)
	if errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("%w image: %s is no directory there, and a container's own files belong into it; build the image without that file", engine.ErrInvalid, path.Clean(dir))
	}
	if err != nil {
		return nil // openTarget makes it, or says why it cannot
	}
	defer unix.Close(parent)
	if same, err := sameMount(r.root, parent); err != nil || !same {
		return err
	}
	var st unix.Stat_t
	err = unix.Fstatat(parent, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	kind := st.Mode & unix.S_IFMT
	switch {
	case errors.Is(err, unix.ENOENT) || err == nil && kind == unix.S_IFREG:
		return nil
	case err != nil:
		return &os.PathError{Op: "stat", Path: destination, Err: err}
	case kind == unix.S_IFDIR:
		return fmt.Errorf("%w image: it has a directory at %s, where a container's own file belongs; mount a directory there (-v DIR:%s), or build the image without it",
			engine.ErrInvalid, destination, destination)
	}
	if err := unix.Unlinkat(parent, name, 0); err != nil {
		return &os.PathError{Op: "replace", Path: destination, Err: err}
	}
	return makeEntry(r.root, dir, name, true)
}

// isOwnFile tells whether a mount is one of ownFiles.
func isOwnFile(destination string, kind target) bool {
	return kind == regularFile && slices.Contains(ownFiles, path.Clean(destination))
}

// sameMount tells whether two descriptors are on the same mount. Devices do not
// tell: a volume may lie on the file system of the root.
func sameMount(a, b int) (bool, error) {
	var ids [2]uint64
	for i, fd := range []int{a, b} {
		var st unix.Statx_t
		if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err != nil {
			return false, os.NewSyscallError("statx", err)
		}
		ids[i] = st.Mnt_id
	}
	return ids[0] == ids[1], nil
}
