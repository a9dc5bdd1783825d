package ociruntime

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// streams duplicates what becomes descriptors 0, 1 and 2: the terminal, or the
// caller's files, or /dev/null where there is none.
func (b *builder) streams() error {
	for i, f := range b.files {
		fd := b.nullFD
		switch {
		case b.console != nil:
			fd = b.console.slave
		case f != nil:
			fd = int(f.Fd())
		}
		high, err := b.open.dupHigh(fd)
		if err != nil {
			return fmt.Errorf("pass standard streams: %w", err)
		}
		if err := ownStream(high, b.prog.user.uid); err != nil {
			return fmt.Errorf("own standard streams: %w", err)
		}
		b.prog.stdio[i] = high
	}
	return nil
}

// Major numbers of Unix98 pseudo-terminals (Documentation/admin-guide/devices.txt).
const ptsFirst, ptsLast = 136, 143

// ownStream gives a pipe, a socket or a terminal to the program's user, who
// could not open /dev/stdout otherwise: that opens the pipe anew, and its mode
// is 0600. Other files are not ours to give away.
func ownStream(fd int, uid uint32) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	kind, major := st.Mode&unix.S_IFMT, unix.Major(uint64(st.Rdev))
	terminal := kind == unix.S_IFCHR && major >= ptsFirst && major <= ptsLast
	if st.Uid == uid || kind != unix.S_IFIFO && kind != unix.S_IFSOCK && !terminal {
		return nil
	}
	switch err := unix.Fchown(fd, int(uid), -1); err {
	case unix.EROFS, unix.EPERM, unix.EINVAL: // the file system does not let us
		return nil
	default:
		return err
	}
}
