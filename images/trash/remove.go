package trash

import (
	"errors"
	"io"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// openDirs bounds the directories that a removal has open at a time, and so
// its memory: a container may nest them a million deep, in seconds.
const openDirs = 64

// inside confines a step of the removal: a mount that somebody made in the
// tree, or a link, leads to what is not the container's.
const inside = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV

// Delete deletes dir and all that is in it, which may be what a container
// left behind. os.RemoveAll would not do: it holds a descriptor per level, and
// goes into mounts. Several processes may delete the same tree at once.
func Delete(dir string) error {
	parent, err := unix.Open(path.Dir(dir), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path.Dir(dir), Err: err}
	}
	defer unix.Close(parent)
	err = (&remover{top: -1}).remove(parent, path.Base(dir), 0)
	if err != nil {
		return &os.PathError{Op: "remove", Path: dir, Err: err}
	}
	return nil
}

// remover empties one tree. What lies deeper than openDirs is moved up into the
// top directory, which is read until it is empty.
type remover struct {
	top   int
	moved int
}

func (r *remover) remove(parent int, name string, depth int) error {
	for {
		err := unix.Unlinkat(parent, name, 0)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		if err != unix.EISDIR {
			return &os.PathError{Op: "unlink", Path: name, Err: err}
		}
		if depth == openDirs {
			return r.moveUp(parent, name)
		}
		if err := r.empty(parent, name, depth); err != nil {
			return err
		}
		err = unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		// Another process that deletes the tree has moved something up here, or
		// has given the name to another directory.
		if err != unix.ENOTEMPTY {
			return &os.PathError{Op: "rmdir", Path: name, Err: err}
		}
	}
}

// empty removes what the directory holds. It reads from the start again after
// each batch: names that were removed, or moved up, in the middle of a listing
// may make it skip others.
func (r *remover) empty(parent int, name string, depth int) error {
	fd, err := openInside(parent, name)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if depth == 0 {
		r.top = fd
	}
	const batch = 1024
	for {
		names, err := f.Readdirnames(batch)
		if errors.Is(err, io.EOF) || errors.Is(err, unix.ENOENT) { // empty, or removed
			return nil
		}
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := r.remove(fd, n, depth+1); err != nil {
				return err
			}
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
}

func openInside(parent int, name string) (int, error) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: inside}
	for {
		fd, err := unix.Openat2(parent, name, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
}

// moveUp gives a directory another name in the top one, where it is shallow.
func (r *remover) moveUp(parent int, name string) error {
	for {
		free := "deep-" + strconv.Itoa(r.moved)
		r.moved++
		err := unix.Renameat2(parent, name, r.top, free, unix.RENAME_NOREPLACE)
		if err == nil || err == unix.ENOENT {
			return nil
		}
		if err != unix.EEXIST {
			return &os.PathError{Op: "move", Path: name, Err: err}
		}
	}
}
