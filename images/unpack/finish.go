package unpack

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images/layers"
	"gantry/images/snapshot/stack"
)

// finish writes what had to wait for the end of the archive, the whiteouts and
// the attributes of directories, and makes the index, all in one walk.
func (u *unpacker) finish() error {
	u.index = &layers.Index{}
	u.fix.OpaqueRoot = u.root.opaque
	fd, err := unix.FcntlInt(uintptr(u.dirs.root), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("finish layer: %w", err)
	}
	if err := u.finishDir(u.root, fd, "."); err != nil {
		return fmt.Errorf("finish layer: %w", err)
	}
	return nil
}

// finishDir completes a directory, first all below it, and closes fd.
func (u *unpacker) finishDir(dir *node, fd int, path string) error {
	err := u.finishKids(dir, fd, path)
	if err == nil {
		err = u.finishSelf(dir, fd, path)
	}
	return errors.Join(err, unix.Close(fd))
}

func (u *unpacker) finishKids(dir *node, fd int, path string) error {
	u.indexNode(dir, path)
	hides := dir.hides()
	for _, k := range dir.sorted() {
		name := k.name
		if path != "." {
			name = path + "/" + k.name
		}
		switch {
		case k.isWhiteout():
			if hides {
				continue // Nothing is left to delete, and listings would show it.
			}
			if err := stack.Whiteout(fd, k.name); err != nil {
				return fmt.Errorf("delete %q: %w", name, err)
			}
			u.fix.Whiteouts = append(u.fix.Whiteouts, name)
			u.indexNode(k, name)
		case k.isDir():
			sub, err := openBeneath(fd, k.name, unix.O_RDONLY|unix.O_DIRECTORY)
			if err != nil {
				return fmt.Errorf("open %q: %w", name, err)
			}
			if err := u.finishDir(k, sub, name); err != nil {
				return err
			}
		default:
			u.indexNode(k, name)
		}
	}
	return nil
}

// finishSelf sets the attributes of a directory whose content is complete.
func (u *unpacker) finishSelf(dir *node, fd int, path string) error {
	if dir.implied && !dir.fresh && (dir.parent == nil || !dir.parent.hides()) {
		u.fix.Implied = append(u.fix.Implied, path)
	}
	if dir.opaque && dir.parent != nil {
		if err := stack.SetOpaque(fd); err != nil {
			return fmt.Errorf("make %q opaque: %w", path, err)
		}
	}
	if err := u.setDirAttr(dir.ino, fd); err != nil {
		return fmt.Errorf("complete %q: %w", path, err)
	}
	return nil
}

func (u *unpacker) setDirAttr(ino *inode, fd int) error {
	a := &ino.attr
	if err := unix.Fchown(fd, int(a.UID), int(a.GID)); err != nil {
		return fmt.Errorf("change owner: %w", err)
	}
	if err := unix.Fchmod(fd, a.Mode); err != nil {
		return fmt.Errorf("change mode: %w", err)
	}
	if err := u.setXattrs(fd, a.Xattrs); err != nil {
		return err
	}
	return setDirTimes(fd, a.MTime)
}

// setDirTimes changes the times of an open directory; utimensat(2) takes an
// empty path since Linux 5.8.
func setDirTimes(fd int, mtime unix.Timespec) error {
	if err := unix.UtimesNanoAt(fd, "", []unix.Timespec{mtime, mtime}, unix.AT_EMPTY_PATH); err != nil {
		return fmt.Errorf("change times: %w", err)
	}
	return nil
}

func (u *unpacker) indexNode(n *node, path string) {
	u.index.Entries = append(u.index.Entries, n.entry(path))
}

func (n *node) entry(path string) layers.Entry {
	if n.isWhiteout() {
		return layers.Entry{Path: path, Type: layers.Whiteout, MTime: time.Unix(0, 0)}
	}
	ino := n.ino
	e := layers.Entry{
		Path: path, Type: ino.typ, Mode: ino.attr.Mode, UID: ino.attr.UID, GID: ino.attr.GID,
		Size: ino.size, MTime: time.Unix(ino.attr.MTime.Sec, ino.attr.MTime.Nsec),
		Link: ino.link, Major: ino.major, Minor: ino.minor,
		Opaque: n.opaque, Implied: n.implied, Digest: ino.digest,
	}
	if ino.typ == layers.Directory {
		return e
	}
	if ino.indexed != "" {
		e.Type, e.Link = layers.Hardlink, ino.indexed
	} else {
		ino.indexed = path
	}
	return e
}
