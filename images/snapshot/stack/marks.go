package stack

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The names of the marks. overlayfs answers EPERM to a 0:0 device and EPERM or
// EOPNOTSUPP to its own attributes on a mount of itself, but stores any other
// trusted attribute in its upper layer. Only a privileged process can write
// trusted attributes and unpack takes none from an archive, so neither form can
// be forged by an image.
const (
	overlayOpaque   = "trusted.overlay.opaque"
	privateOpaque   = "trusted.gantry.opaque"
	privateWhiteout = "trusted.gantry.whiteout"
)

// Reserved tells whether an extended attribute is a mark of overlayfs or of
// gantry, which content must never bring along.
func Reserved(xattr string) bool {
	return strings.HasPrefix(xattr, "trusted.overlay.") ||
		strings.HasPrefix(xattr, "user.overlay.") ||
		strings.HasPrefix(xattr, "trusted.gantry.")
}

// Whiteout marks name in the directory dirfd as deleted.
func Whiteout(dirfd int, name string) error {
	err := unix.Mknodat(dirfd, name, unix.S_IFCHR, 0)
	if !refused(err) {
		return err
	}
	fd, err := unix.Openat(dirfd, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// An inherited umask may only take bits away, so the mode stays 0, by which
	// readers recognise the few files that are worth a look at attributes.
	return unix.Fsetxattr(fd, privateWhiteout, []byte("y"), 0)
}

// IsWhiteout tells whether st, the status of name in the directory dirfd, is
// that of a deleted name.
func IsWhiteout(dirfd int, name string, st *unix.Stat_t) (bool, error) {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		return st.Rdev == 0, nil
	case unix.S_IFREG:
		if st.Size != 0 || st.Mode&0o7777 != 0 {
			return false, nil
		}
	default:
		return false, nil
	}
	fd, err := openBeneath(dirfd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return hasMark(fd, privateWhiteout)
}

// SetOpaque makes the directory hide whatever lower layers hold below it.
func SetOpaque(fd int) error {
	err := unix.Fsetxattr(fd, overlayOpaque, []byte("y"), 0)
	if refused(err) {
		err = unix.Fsetxattr(fd, privateOpaque, []byte("y"), 0)
	}
	return err
}

// Opaque tells whether the directory hides what lies below it.
func Opaque(fd int) (bool, error) {
	if yes, err := hasMark(fd, overlayOpaque); yes || err != nil {
		return yes, err
	}
	return hasMark(fd, privateOpaque)
}

func hasMark(fd int, name string) (bool, error) {
	var val [1]byte
	n, err := unix.Fgetxattr(fd, name, val[:])
	switch {
	case err == nil:
		return n == 1 && val[0] == 'y', nil
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ERANGE):
		return false, nil
	}
	return false, fmt.Errorf("read %s: %w", name, err)
}

func refused(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP)
}
