package stack

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Copy makes name in the directory dirfd a copy of the node, with all its
// attributes. A directory is copied without what it holds.
func (n *Node) Copy(dirfd int, name string) error {
	if err := n.copyInode(dirfd, name); err != nil {
		return fmt.Errorf("copy %q: %w", n.Path, err)
	}
	return nil
}

func (n *Node) copyInode(dirfd int, name string) error {
	src, err := n.Open(unix.O_PATH)
	if err != nil {
		return err
	}
	defer src.Close()
	attr, err := ReadAttr(int(src.Fd()))
	if err != nil {
		return err
	}
	if err := n.make(src, dirfd, name); err != nil {
		return err
	}
	fd, err := openBeneath(dirfd, name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return attr.Apply(fd)
}

// make creates the inode and its content.
func (n *Node) make(src *os.File, dirfd int, name string) error {
	switch typ := n.Stat.Mode & unix.S_IFMT; typ {
	case unix.S_IFREG:
		return n.copyFile(dirfd, name)
	case unix.S_IFDIR:
		return unix.Mkdirat(dirfd, name, 0o700)
	case unix.S_IFLNK:
		target, err := readlink(int(src.Fd()))
		if err != nil {
			return err
		}
		return unix.Symlinkat(target, dirfd, name)
	default:
		return unix.Mknodat(dirfd, name, typ|0o600, int(n.Stat.Rdev))
	}
}

func (n *Node) copyFile(dirfd int, name string) (err error) {
	src, err := n.Open(unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer src.Close()
	fd, err := openCreate(dirfd, name)
	if err != nil {
		return err
	}
	dst := os.NewFile(uintptr(fd), name)
	defer func() { err = errors.Join(err, dst.Close()) }()
	return CopyContent(dst, src)
}

func openCreate(dirfd int, name string) (int, error) {
	return unix.Openat(dirfd, name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
}

// CopyContent fills dst, an empty file, with what src holds: by sharing the
// blocks where the file system can (FICLONE), else extent by extent, so that
// holes stay holes.
func CopyContent(dst, src *os.File) error {
	if unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil {
		return nil
	}
	st, err := src.Stat()
	if err != nil {
		return err
	}
	for at := int64(0); at < st.Size(); {
		from, to, err := extent(src, at, st.Size())
		if err != nil {
			return err
		}
		if err := copyRange(dst, src, from, to); err != nil {
			return err
		}
		at = to
	}
	return dst.Truncate(st.Size())
}

// extent finds the next run of data at or after at. A file system that knows
// no holes answers SEEK_DATA with EINVAL; then all is data. ENXIO means that
// only a hole is left.
func extent(f *os.File, at, size int64) (from, to int64, err error) {
	from, err = f.Seek(at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size, size, nil
	case errors.Is(err, unix.EINVAL):
		return at, size, nil
	case err != nil:
		return 0, 0, err
	}
	to, err = f.Seek(from, unix.SEEK_HOLE)
	return from, min(to, size), err
}

func copyRange(dst, src *os.File, from, to int64) error {
	if _, err := src.Seek(from, io.SeekStart); err != nil {
		return err
	}
	if _, err := dst.Seek(from, io.SeekStart); err != nil {
		return err
	}
	// os.File copies with copy_file_range(2) by itself.
	_, err := io.CopyN(dst, src, to-from)
	return err
}
