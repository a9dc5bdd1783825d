package ociruntime

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/internal/linkwalk"
)

// inRoot confines a lookup to the directory that it starts from: "/", ".." and
// symbolic links stop there, and the links of /proc/PID, which jump to
// anywhere, are refused.
const inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS

// openIn opens name below dir.
func openIn(dir int, name string, flags int) (int, error) {
	how := &unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC, Resolve: inRoot}
	var fd int
	// EAGAIN: a rename elsewhere raced with the lookup of a "..".
	for range 128 {
		var err error
		fd, err = unix.Openat2(dir, name, how)
		if err == nil {
			return fd, nil
		}
		if err != unix.EAGAIN && err != unix.EINTR {
			return -1, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
	return -1, &os.PathError{Op: "open", Path: name, Err: unix.EAGAIN}
}

// target is what a mount goes onto.
type target uint8

const (
	directory target = iota
	regularFile
)

// openTarget opens name below root as a mount point and makes what is missing.
func openTarget(root int, name string, kind target) (int, error) {
	fd, err := openIn(root, name, unix.O_PATH)
	if errors.Is(err, unix.ENOENT) {
		fd, err = makeIn(root, name, kind)
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return -1, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR; isDir != (kind == directory) {
		unix.Close(fd)
		if isDir {
			return -1, fmt.Errorf("%w mount: %s is a directory in the container, the source is not", engine.ErrInvalid, name)
		}
		return -1, fmt.Errorf("%w mount: %s is no directory in the container, the source is", engine.ErrInvalid, name)
	}
	return fd, nil
}

// makeIn walks name below root and makes missing directories, and at the end a
// directory or an empty file. openat2 makes no directories and gives up at a
// dangling link, so the walk is ours; every step of it is confined by openat2
// again, and someone who changes the tree meanwhile gets an entry elsewhere
// below the same root, or an error.
func makeIn(root int, name string, kind target) (int, error) {
	real, err := linkwalk.Resolve(name, func(entry string, last bool) (string, error) {
		link, err := readLinkIn(root, entry)
		if errors.Is(err, unix.ENOENT) {
			return "", makeEntry(root, path.Dir(entry), path.Base(entry), last && kind == regularFile)
		}
		return link, err
	})
	if errors.Is(err, unix.ELOOP) {
		return -1, &os.PathError{Op: "open", Path: name, Err: err}
	}
	if err != nil {
		return -1, err
	}
	return openIn(root, real, unix.O_PATH)
}

// readLinkIn returns the target of a symbolic link, "" for anything else.
func readLinkIn(root int, name string) (string, error) {
	fd, err := openIn(root, name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", nil
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", &os.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

// makeEntry makes one name in a directory whose path holds no links.
func makeEntry(root int, dir, name string, file bool) error {
	parent, err := openIn(root, dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(parent)
	if file {
		err = unix.Mknodat(parent, name, unix.S_IFREG|0o755, 0)
	} else {
		err = unix.Mkdirat(parent, name, 0o755)
	}
	if err != nil && err != unix.EEXIST {
		return &os.PathError{Op: "make mount point", Path: path.Join(dir, name), Err: err}
	}
	return nil
}
