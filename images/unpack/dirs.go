package unpack

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// dirCache holds descriptors of the directories worked in lately. Archives go
// through a tree directory by directory, so a few are enough to open each
// directory about once.
type dirCache struct {
	root int
	fds  map[*node]int
}

const cachedDirs = 32

func openRoot(dir string) (*dirCache, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &dirCache{root: fd, fds: map[*node]int{}}, nil
}

// fd returns a descriptor of a directory of the tree. It is the cache's and
// valid until the next call.
func (c *dirCache) fd(dir *node) (int, error) {
	if dir.parent == nil {
		return c.root, nil
	}
	if fd, ok := c.fds[dir]; ok {
		return fd, nil
	}
	if len(c.fds) >= cachedDirs {
		c.forget()
	}
	fd, err := openBeneath(c.root, dir.path(), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return -1, fmt.Errorf("open directory: %w", err)
	}
	c.fds[dir] = fd
	return fd, nil
}

// forget closes all but the root, after directories were removed.
func (c *dirCache) forget() {
	for dir, fd := range c.fds {
		unix.Close(fd)
		delete(c.fds, dir)
	}
}

func (c *dirCache) close() {
	c.forget()
	unix.Close(c.root)
}

// openBeneath opens a path that the tree has cleared of symlinks. The kernel
// checks that again: a way out of the root would have to fool both.
func openBeneath(root int, name string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_NOFOLLOW | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	for {
		fd, err := unix.Openat2(root, name, &how)
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// removeAll deletes name and all below it, without following anything.
func removeAll(dirfd int, name string) error {
	err := unix.Unlinkat(dirfd, name, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("remove %q: %w", name, err)
	}
	fd, err := openBeneath(dirfd, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}
	if err := emptyDir(fd); err != nil {
		return err
	}
	return unix.Unlinkat(dirfd, name, unix.AT_REMOVEDIR)
}

// emptyDir deletes what the directory holds and closes fd.
func emptyDir(fd int) error {
	f := os.NewFile(uintptr(fd), "directory")
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := removeAll(fd, name); err != nil {
			return err
		}
	}
	return nil
}
