package unpack

import (
	"archive/tar"
	"fmt"
	"io"
	"path"

	"golang.org/x/sys/unix"

	"gantry/images/layers"
)

// directory resolves the directory of an entry and makes what is missing.
func (u *unpacker) directory(dir string) (*node, error) {
	if u.lastNode != nil && u.lastDir == dir {
		return u.lastNode, nil
	}
	n, err := walk(u.root, dir, u.childDir)
	if err != nil {
		return nil, err
	}
	u.lastDir, u.lastNode = dir, n
	return n, nil
}

// childDir finds the next component of an entry's directory. Where the layer
// has nothing under the name the answer lies below: while that is not known
// the name is taken for a directory, and Fix checks it.
func (u *unpacker) childDir(cur *node, name string) (*node, error) {
	if k := cur.kids[name]; k != nil && !k.isWhiteout() {
		return k, nil
	}
	if below, err := u.below(cur, name); err != nil || below != nil && !below.isDir() {
		return below, err
	}
	return u.imply(cur, name)
}

// below looks name up in the layers below, where they are known and show. The
// node is not part of the tree.
func (u *unpacker) below(cur *node, name string) (*node, error) {
	if u.lower == nil || cur.kids[name] != nil || cur.hides() {
		return nil, nil
	}
	found, err := u.lower.Lookup(path.Join(cur.path(), name))
	if err != nil || found == nil {
		return nil, err
	}
	n := &node{name: name, parent: cur, ino: &inode{typ: layers.Regular}}
	switch found.Stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		n.ino.typ = layers.Directory
	case unix.S_IFLNK:
		n.ino.typ = layers.Symlink
		n.ino.link, err = found.Readlink()
	}
	return n, err
}

// imply makes a directory that the archive takes for granted.
func (u *unpacker) imply(parent *node, name string) (*node, error) {
	n, err := u.mkdir(parent, name, impliedInode(u.now))
	if err != nil {
		return nil, err
	}
	n.implied = true
	if !n.hides() {
		u.fix.Through = append(u.fix.Through, n.path())
	}
	return n, nil
}

// mkdir makes a directory under a name that holds nothing but perhaps a
// whiteout. What was deleted below must not shine through the new directory.
func (u *unpacker) mkdir(parent *node, name string, ino *inode) (*node, error) {
	deleted := parent.kids[name] != nil
	n, err := parent.adopt(name, ino, u.opts.Limits.Depth)
	if err != nil {
		return nil, err
	}
	n.fresh = deleted
	n.opaque = deleted && !parent.hides()
	dirfd, err := u.dirs.fd(parent)
	if err != nil {
		return nil, err
	}
	// Closed to all until the end, when the real mode is set.
	if u.spread && parent.parent == nil {
		err = mkdirSpread(dirfd, name)
	} else {
		err = unix.Mkdirat(dirfd, name, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("create directory: %w", err)
	}
	return n, nil
}

// place puts an ordinary entry under its name.
func (u *unpacker) place(parent *node, name string, hdr *tar.Header, r io.Reader) error {
	if u.bytes += hdr.Size; hdr.Size > u.opts.Limits.Bytes || u.bytes > u.opts.Limits.Bytes {
		return hostile("files of more than %d bytes", u.opts.Limits.Bytes)
	}
	ino, err := u.inode(hdr)
	if err != nil {
		return err
	}
	if ino.typ == layers.Hardlink {
		return u.hardlink(parent, name, hdr.Linkname, ino)
	}
	old := parent.kids[name]
	if ino.typ == layers.Directory && old != nil && old.isDir() {
		old.ino, old.implied = ino, false
		return nil
	}
	if err := u.clear(parent, name); err != nil {
		return err
	}
	if ino.typ == layers.Directory {
		_, err := u.mkdir(parent, name, ino)
		return err
	}
	if _, err := parent.adopt(name, ino, u.opts.Limits.Depth); err != nil {
		return err
	}
	dirfd, err := u.dirs.fd(parent)
	if err != nil {
		return err
	}
	return u.create(dirfd, name, ino, hdr, r)
}

// clear removes what the layer itself has under the name, so far. A trace
// stays in the tree: that the name was taken, and so hid what is below.
func (u *unpacker) clear(parent *node, name string) error {
	old := parent.kids[name]
	if old == nil || old.isWhiteout() {
		return nil
	}
	u.lastNode = nil
	u.dirs.forget()
	dirfd, err := u.dirs.fd(parent)
	if err != nil {
		return err
	}
	if err := removeAll(dirfd, name); err != nil {
		return err
	}
	parent.kids[name] = &node{name: name, parent: parent, depth: old.depth, pathLen: old.pathLen}
	return nil
}

// hardlink gives another name to a file. The target's name is resolved like
// any other; only its last component is not followed (link(2)).
func (u *unpacker) hardlink(parent *node, name, link string, ino *inode) error {
	target, err := u.linkTarget(link)
	if err != nil || target == nil {
		return err // When nil, Fixups.Replay is set.
	}
	if target.isDir() {
		return corrupt("hard link to the directory %q", link)
	}
	if old := parent.kids[name]; old != nil && target.within(old) {
		return corrupt("hard link to %q, which it replaces", link)
	}
	if err := u.clear(parent, name); err != nil {
		return err
	}
	if _, err := parent.adopt(name, target.ino, u.opts.Limits.Depth); err != nil {
		return err
	}
	from, err := u.dirs.fd(target.parent)
	if err != nil {
		return err
	}
	// The second lookup may push the first out of the cache.
	from, err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	to, err := u.dirs.fd(parent)
	if err != nil {
		return err
	}
	if err := unix.Linkat(from, target.name, to, name, 0); err != nil {
		return err
	}
	return u.retouch(to, name, target.ino, ino)
}

// linkTarget finds the file that a hard link names. Only the layer's own files
// can be linked to; one of the layers below is copied up first.
func (u *unpacker) linkTarget(link string) (*node, error) {
	name, err := cleanName(link)
	if err != nil {
		return nil, err
	}
	act, dir, base, err := split(name)
	if err != nil {
		return nil, err
	}
	if act != place || name == "." {
		return nil, corrupt("hard link to %q, which is no file", link)
	}
	find := u.childDir
	if u.lower == nil {
		find = u.ownChild
	}
	parent, err := walk(u.root, dir, find)
	if err != nil {
		return nil, err
	}
	if parent == nil {
		return nil, nil
	}
	own, err := u.ownChild(parent, base)
	if err != nil || own != nil || u.lower == nil {
		return own, err
	}
	return u.copyUp(parent, base)
}

// ownChild finds a name in the layer itself. If only the layers below can
// tell, the layer has to be unpacked again once they are there.
func (u *unpacker) ownChild(cur *node, name string) (*node, error) {
	if k := cur.kids[name]; k != nil && !k.isWhiteout() {
		return k, nil
	}
	where := path.Join(cur.path(), name)
	if cur.kids[name] != nil || cur.hides() {
		return nil, corrupt("hard link to %q, which does not exist", where)
	}
	if u.lower == nil {
		u.fix.Replay = where
	}
	return nil, nil
}

// copyUp brings a file of the layers below into the layer.
func (u *unpacker) copyUp(parent *node, name string) (*node, error) {
	where := path.Join(parent.path(), name)
	found, err := u.lower.Lookup(where)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, corrupt("hard link to %q, which does not exist", where)
	}
	if found.IsDir() {
		return nil, corrupt("hard link to the directory %q", where)
	}
	ino, err := inodeBelow(found)
	if err != nil {
		return nil, err
	}
	n, err := parent.adopt(name, ino, u.opts.Limits.Depth)
	if err != nil {
		return nil, err
	}
	dirfd, err := u.dirs.fd(parent)
	if err != nil {
		return nil, err
	}
	return n, found.Copy(dirfd, name)
}
