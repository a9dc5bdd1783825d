package unpack

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/images/layers"
	"gantry/images/snapshot/stack"
)

// create makes anything but a directory, under a name that is free, with all
// its attributes.
func (u *unpacker) create(dirfd int, name string, ino *inode, hdr *tar.Header, r io.Reader) error {
	switch ino.typ {
	case layers.Regular:
		return u.file(dirfd, name, ino, hdr, r)
	case layers.Symlink:
		if err := unix.Symlinkat(ino.link, dirfd, name); err != nil {
			return fmt.Errorf("create symlink: %w", err)
		}
	default:
		// The mode is set afterwards because the umask would bend it.
		dev := unix.Mkdev(ino.major, ino.minor)
		if err := unix.Mknodat(dirfd, name, nodeType(ino.typ)|0o600, int(dev)); err != nil {
			return fmt.Errorf("create %v: %w", ino.typ, err)
		}
	}
	return u.touch(dirfd, name, ino)
}

func nodeType(t layers.Type) uint32 {
	switch t {
	case layers.Char:
		return unix.S_IFCHR
	case layers.Block:
		return unix.S_IFBLK
	default:
		return unix.S_IFIFO
	}
}

// file makes a regular file. All but the times is set through its descriptor.
func (u *unpacker) file(dirfd int, name string, ino *inode, hdr *tar.Header, r io.Reader) (err error) {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(dirfd, name, flags, 0o600)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	// Close reports what delayed writes ran into on network file systems.
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	if err := u.content(fd, ino, sparse(hdr), r); err != nil {
		return err
	}
	if u.chown || ino.attr.UID != 0 || ino.attr.GID != 0 {
		if err := unix.Fchown(fd, int(ino.attr.UID), int(ino.attr.GID)); err != nil {
			return fmt.Errorf("change owner: %w", err)
		}
	}
	// After chown(2), which clears the set-id bits, and after the last write.
	if err := unix.Fchmod(fd, ino.attr.Mode); err != nil {
		return fmt.Errorf("change mode: %w", err)
	}
	if err := u.setXattrs(fd, ino.attr.Xattrs); err != nil {
		return err
	}
	return setTimes(dirfd, name, ino)
}

// content writes the file. Reading always ends at hdr.Size, which tar's reader
// checks; a stream that ends before is an error there.
func (u *unpacker) content(fd int, ino *inode, sparse bool, r io.Reader) error {
	var h hash.Hash
	if u.opts.Digests {
		h = sha256.New()
	}
	var at int64
	for at < ino.size {
		n, err := r.Read(u.buf)
		if h != nil {
			h.Write(u.buf[:n])
		}
		if werr := writeAt(fd, u.buf[:n], at, sparse); werr != nil {
			return fmt.Errorf("write file: %w", werr)
		}
		if at += int64(n); err == io.EOF && at < ino.size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && err != io.EOF {
			return corrupt("read content: %v", err)
		}
	}
	if sparse {
		// A hole at the end was never written.
		if err := unix.Ftruncate(fd, ino.size); err != nil {
			return fmt.Errorf("write file: %w", err)
		}
	}
	if h != nil {
		ino.digest = (*[sha256.Size]byte)(h.Sum(nil))
	}
	return nil
}

// writeAt writes b, in a sparse file only the pages that are not zero.
func writeAt(fd int, b []byte, at int64, sparse bool) error {
	const page = 4096
	for len(b) > 0 {
		n := len(b)
		if sparse {
			n = min(n, page-int(at%page))
			if allZero(b[:n]) {
				b, at = b[n:], at+int64(n)
				continue
			}
		}
		n, err := unix.Pwrite(fd, b[:n], at)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// sparse tells whether the header is one of GNU tar's sparse forms: the old
// one with its own type, and the three that PAX records announce.
func sparse(hdr *tar.Header) bool {
	if hdr.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range hdr.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// touch sets the attributes of what is not a regular file by its name. The
// name was made by this process in a directory that nobody else can enter.
func (u *unpacker) touch(dirfd int, name string, ino *inode) error {
	a := &ino.attr
	if u.chown || a.UID != 0 || a.GID != 0 {
		if err := unix.Fchownat(dirfd, name, int(a.UID), int(a.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("change owner: %w", err)
		}
	}
	if ino.typ != layers.Symlink || len(a.Xattrs) > 0 {
		fd, err := openBeneath(dirfd, name, unix.O_PATH)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if ino.typ != layers.Symlink { // Linux has no mode of symlinks.
			if err := unix.Chmod(procPath(fd), a.Mode); err != nil {
				return fmt.Errorf("change mode: %w", err)
			}
		}
		if err := u.setXattrs(fd, a.Xattrs); err != nil {
			return err
		}
	}
	return setTimes(dirfd, name, ino)
}

// retouch applies what the entry of a hard link says of the inode that it
// joins. Archives repeat there what the first entry said, mostly without the
// extended attributes; those stay.
func (u *unpacker) retouch(dirfd int, name string, ino, link *inode) error {
	a := link.attr
	a.Xattrs = mergeXattrs(ino.attr.Xattrs, a.Xattrs)
	if ino.typ == layers.Symlink {
		a.MTime, a.Mode = ino.attr.MTime, ino.attr.Mode
	}
	same := a.Mode == ino.attr.Mode && a.UID == ino.attr.UID && a.GID == ino.attr.GID &&
		a.MTime == ino.attr.MTime && len(a.Xattrs) == len(ino.attr.Xattrs)
	ino.attr = a
	if same && len(link.attr.Xattrs) == 0 {
		return nil
	}
	// An owner may have to go back to root.
	if err := unix.Fchownat(dirfd, name, int(a.UID), int(a.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("change owner: %w", err)
	}
	return u.touch(dirfd, name, ino)
}

func mergeXattrs(old, add []stack.Xattr) []stack.Xattr {
	if len(add) == 0 {
		return old
	}
	out := slices.Clone(add)
	for _, x := range old {
		if !slices.ContainsFunc(add, func(y stack.Xattr) bool { return x.Name == y.Name }) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b stack.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// setXattrs sets extended attributes. A file system without them (tmpfs has
// user ones since Linux 6.6 only) must not make an image unusable, so there
// they are dropped; file capabilities are kept or the layer fails, because
// programs do not work without them.
func (u *unpacker) setXattrs(fd int, xattrs []stack.Xattr) error {
	for _, x := range xattrs {
		err := unix.Setxattr(procPath(fd), x.Name, x.Value, 0)
		// EPERM is the kernel's word for user attributes of what is neither
		// file nor directory (xattr(7)).
		refused := errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM)
		if refused && x.Name != "security.capability" {
			u.drop(x.Name)
			continue
		}
		if errors.Is(err, unix.EINVAL) {
			return corrupt("extended attribute %s of %d bytes", x.Name, len(x.Value))
		}
		if err != nil {
			return fmt.Errorf("set %s: %w", x.Name, err)
		}
	}
	return nil
}

func setTimes(dirfd int, name string, ino *inode) error {
	ts := []unix.Timespec{ino.attr.MTime, ino.attr.MTime}
	if err := unix.UtimesNanoAt(dirfd, name, ts, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("change times: %w", err)
	}
	return nil
}

// procPath names an open inode for calls that take no O_PATH descriptor.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// inodeBelow describes a file of the layers below that is copied up.
func inodeBelow(n *stack.Node) (*inode, error) {
	f, err := n.Open(unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	ino := &inode{attr: attr}
	switch n.Stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		ino.typ, ino.size = layers.Regular, n.Stat.Size
	case unix.S_IFLNK:
		ino.typ = layers.Symlink
		ino.link, err = n.Readlink()
	case unix.S_IFCHR:
		ino.typ = layers.Char
	case unix.S_IFBLK:
		ino.typ = layers.Block
	case unix.S_IFIFO:
		ino.typ = layers.FIFO
	default:
		err = corrupt("hard link to a socket")
	}
	ino.major, ino.minor = unix.Major(n.Stat.Rdev), unix.Minor(n.Stat.Rdev)
	return ino, err
}
