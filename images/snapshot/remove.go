package snapshot

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

// removeTree deletes dir and all that is in it. os.RemoveAll would not do: it
// holds a descriptor per level, and goes into mounts.
func removeTree(dir string) error {
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
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: inside}
	fd, err := unix.Openat2(parent, name, &how)
	for err == unix.EAGAIN || err == unix.EINTR {
		fd, err = unix.Openat2(parent, name, &how)
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	if err := r.empty(fd, name, depth); err != nil {
		return err
	}
	if err := unix.Unlinkat(parent, name, unix.AT_REMOVEDIR); err != nil {
		return &os.PathError{Op: "rmdir", Path: name, Err: err}
	}
	return nil
}

// empty removes what the directory holds and closes it. It reads from the
// start again after each batch: names that were removed, or moved up, in the
// middle of a listing may make it skip others.
func (r *remover) empty(fd int, name string, depth int) error {
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if depth == 0 {
		r.top = fd
	}
	const batch = 1024
	for {
		names, err := f.Readdirnames(batch)
		if errors.Is(err, io.EOF) {
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

// moveUp gives a directory another name in the top one, where it is shallow.
func (r *remover) moveUp(parent int, name string) error {
	for {
		free := "deep-" + strconv.Itoa(r.moved)
		r.moved++
		err := unix.Renameat2(parent, name, r.top, free, unix.RENAME_NOREPLACE)
		if err == nil {
			return nil
		}
		if err != unix.EEXIST {
			return &os.PathError{Op: "move", Path: name, Err: err}
		}
	}
}
