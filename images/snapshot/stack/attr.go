package stack

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Attr is what an inode has besides its content.
type Attr struct {
	Mode   uint32 // permission, set-id and sticky bits
	UID    uint32
	GID    uint32
	MTime  unix.Timespec
	Xattrs []Xattr // sorted by name, without the marks of overlay form
}

// Xattr is one extended attribute.
type Xattr struct {
	Name  string
	Value []byte
}

// Plain tells whether these are the attributes of a directory that nobody
// described: root's, 0755, no extended attributes.
func (a Attr) Plain() bool {
	return a.Mode == 0o755 && a.UID == 0 && a.GID == 0 && len(a.Xattrs) == 0
}

// ReadAttr reads the attributes of an open inode of any type; fd may be O_PATH.
func ReadAttr(fd int) (Attr, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Attr{}, fmt.Errorf("read attributes: %w", err)
	}
	a := Attr{Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, MTime: st.Mtim}
	var err error
	a.Xattrs, err = readXattrs(fd)
	return a, err
}

// Apply gives the attributes to an open inode of any type; fd may be O_PATH.
// The order is the kernel's: chown(2) clears set-id bits and
// security.capability, so it comes first.
func (a Attr) Apply(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("read attributes: %w", err)
	}
	if err := unix.Fchownat(fd, "", int(a.UID), int(a.GID), unix.AT_EMPTY_PATH); err != nil {
		return fmt.Errorf("change owner: %w", err)
	}
	link := st.Mode&unix.S_IFMT == unix.S_IFLNK
	if !link { // Linux has no mode of symlinks.
		if err := unix.Chmod(procPath(fd), a.Mode); err != nil {
			return fmt.Errorf("change mode: %w", err)
		}
	}
	for _, x := range a.Xattrs {
		if err := unix.Setxattr(procPath(fd), x.Name, x.Value, 0); err != nil {
			return fmt.Errorf("set %s: %w", x.Name, err)
		}
	}
	ts := []unix.Timespec{a.MTime, a.MTime}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, procPath(fd), ts, 0); err != nil {
		return fmt.Errorf("change times: %w", err)
	}
	return nil
}

func readXattrs(fd int) ([]Xattr, error) {
	p := procPath(fd)
	buf, err := growing(func(b []byte) (int, error) { return unix.Listxattr(p, b) })
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list extended attributes: %w", err)
	}
	var out []Xattr
	for raw := range bytes.SplitSeq(buf, []byte{0}) {
		name := string(raw)
		if name == "" || Reserved(name) {
			continue
		}
		val, err := growing(func(b []byte) (int, error) { return unix.Getxattr(p, name, b) })
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		out = append(out, Xattr{name, val})
	}
	slices.SortFunc(out, func(a, b Xattr) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return out, nil
}

// growing calls an xattr system call with a buffer that suffices. The kernel
// bounds both lists and values to 64 KiB (limits.h, XATTR_SIZE_MAX).
func growing(call func([]byte) (int, error)) ([]byte, error) {
	buf := make([]byte, 256)
	n, err := call(buf)
	if errors.Is(err, unix.ERANGE) {
		buf = make([]byte, 64<<10)
		n, err = call(buf)
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(buf[:n]), nil
}

// procPath names an open inode for calls that take no O_PATH descriptor. It is
// a magic link: it leads to the inode itself, also when that is a symlink.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func readlink(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", fmt.Errorf("read symlink: %w", err)
	}
	return string(buf[:n]), nil
}
