package unpack

import (
	"archive/tar"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images/layers"
	"gantry/images/snapshot/stack"
)

// inode reads what a header says of an inode, apart from its content.
func (u *unpacker) inode(hdr *tar.Header) (*inode, error) {
	if err := checkIDs(hdr); err != nil {
		return nil, err
	}
	xattrs, err := u.xattrs(hdr)
	if err != nil {
		return nil, err
	}
	ino := &inode{attr: stack.Attr{
		Mode: uint32(hdr.Mode & 0o7777), UID: uint32(hdr.Uid), GID: uint32(hdr.Gid),
		MTime: timespec(hdr.ModTime), Xattrs: xattrs,
	}}
	switch hdr.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		ino.typ, ino.size = layers.Regular, hdr.Size
	case tar.TypeDir:
		ino.typ = layers.Directory
	case tar.TypeSymlink:
		ino.typ, ino.link = layers.Symlink, hdr.Linkname
		ino.attr.Mode = 0o777 // Linux has no other (symlink(7)).
		return ino, checkTarget(hdr.Linkname)
	case tar.TypeChar:
		ino.typ = layers.Char
		return ino, ino.device(hdr)
	case tar.TypeBlock:
		ino.typ = layers.Block
		return ino, ino.device(hdr)
	case tar.TypeFifo:
		ino.typ = layers.FIFO
	case tar.TypeLink:
		ino.typ = layers.Hardlink
	default:
		return nil, corrupt("unsupported type %q", hdr.Typeflag)
	}
	return ino, nil
}

// checkIDs refuses what chown(2) would take for "leave it as it is".
func checkIDs(hdr *tar.Header) error {
	for _, id := range []int{hdr.Uid, hdr.Gid} {
		if int64(id) < 0 || int64(id) >= math.MaxUint32 {
			return corrupt("owner %d:%d", hdr.Uid, hdr.Gid)
		}
	}
	return nil
}

func checkTarget(link string) error {
	if link == "" || len(link) > maxPath || strings.IndexByte(link, 0) >= 0 {
		return corrupt("symlink target of %d bytes", len(link))
	}
	return nil
}

// device takes the numbers. 0:0 is overlay's whiteout: it would delete files
// of the layers below behind the image's back.
func (ino *inode) device(hdr *tar.Header) error {
	const maxMajor, maxMinor = 1<<12 - 1, 1<<20 - 1 // kdev_t.h, what a dev_t holds
	if hdr.Devmajor < 0 || hdr.Devmajor > maxMajor || hdr.Devminor < 0 || hdr.Devminor > maxMinor {
		return corrupt("device number %d:%d", hdr.Devmajor, hdr.Devminor)
	}
	if ino.typ == layers.Char && hdr.Devmajor == 0 && hdr.Devminor == 0 {
		return hostile("character device 0:0 is a whiteout of overlayfs")
	}
	ino.major, ino.minor = uint32(hdr.Devmajor), uint32(hdr.Devminor)
	return nil
}

// paxXattr is the prefix under which GNU tar, star and Go keep extended
// attributes.
const paxXattr = "SCHILY.xattr."

func (u *unpacker) xattrs(hdr *tar.Header) ([]stack.Xattr, error) {
	var out []stack.Xattr
	for key, value := range hdr.PAXRecords {
		name, ok := strings.CutPrefix(key, paxXattr)
		if !ok {
			continue
		}
		if stack.Reserved(name) {
			return nil, hostile("extended attribute %q is a mark of overlayfs", name)
		}
		if !takesXattr(name) {
			u.drop(name)
			continue
		}
		out = append(out, stack.Xattr{Name: name, Value: []byte(value)})
	}
	slices.SortFunc(out, func(a, b stack.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// takesXattr tells which attributes an image may bring: those of users, ACLs
// and file capabilities. Labels of SELinux, IMA and EVM are the host's policy
// and trusted ones are the host's secrets.
func takesXattr(name string) bool {
	const longest = 255 // limits.h, XATTR_NAME_MAX
	switch name {
	case "security.capability", aclAccess, aclDefault:
		return true
	}
	return strings.HasPrefix(name, "user.") && len(name) > len("user.") && len(name) <= longest
}

const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
)

// drop counts attributes left out; hostile names are bounded by kind.
func (u *unpacker) drop(name string) {
	const kinds = 64
	if u.dropped == nil {
		u.dropped = map[string]int{}
	}
	if _, ok := u.dropped[name]; !ok && len(u.dropped) >= kinds {
		name = "…"
	}
	u.dropped[name]++
}

// impliedInode is a directory of which nothing is known.
func impliedInode(mtime unix.Timespec) *inode {
	return &inode{typ: layers.Directory, attr: stack.Attr{Mode: 0o755, MTime: mtime}}
}

// timespec keeps times that an int64 of nanoseconds could not. The kernel
// clamps to what the file system can store.
func timespec(t time.Time) unix.Timespec {
	if t.IsZero() {
		return unix.Timespec{}
	}
	return unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}
