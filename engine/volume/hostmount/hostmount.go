// Package hostmount keeps the file systems of volumes mounted while containers
// use them (docker's local driver with type, device and o): the first container
// that starts mounts, the last one that ends unmounts. engine/local calls Hold
// before a start, the monitor Drop after the end.
//
// Who uses a volume is said by claims, empty files in the runtime directory:
//
//	run/volumes/<volume>/<container>   made before the mount, removed before the unmount
//
// So a mount without a claim is a leftover, and a claim whose container does not
// run, because monitor and container were killed, is swept by whoever comes next
// to the volume. After a reboot there are neither mounts nor claims.
//
// The invariant: the caller has the volume's lock. Nothing is deleted in a
// directory before Mounted has said that it is no mount point.
package hostmount

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// Mount is a call of mount(2).
type Mount struct {
	Type, Source, Data string
	Flags              uintptr
}

// Place is where a volume is mounted.
type Place struct {
	Run    string // the runtime directory
	Volume string
	Target string // a directory that nobody but the engine can replace
}

func (p Place) claims() string         { return path.Join(p.Run, "volumes", p.Volume) }
func (p Place) claim(id string) string { return path.Join(p.claims(), id) }

// Hold claims the volume for a container and mounts it unless somebody who runs
// has done so. runs judges the claims of others.
func (p Place) Hold(m Mount, id string, runs func(id string) bool) error {
	if err := p.sweep(func(other string) bool { return other == id || runs(other) }); err != nil {
		return err
	}
	mounted, err := Mounted(p.Target)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.claims(), 0o700); err != nil {
		return fmt.Errorf("claim volume: %w", err)
	}
	if err := os.WriteFile(p.claim(id), nil, 0o600); err != nil {
		return fmt.Errorf("claim volume: %w", err)
	}
	if mounted {
		return nil
	}
	if err := p.mount(m); err != nil {
		return errors.Join(err, p.Drop(id))
	}
	return nil
}

// mount mounts onto a descriptor: what is at the target's path is looked at
// once.
func (p Place) mount(m Mount) error {
	fd, err := unix.Open(p.Target, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("mount volume: %w", &os.PathError{Op: "open", Path: p.Target, Err: err})
	}
	defer unix.Close(fd)
	if err := unix.Mount(m.Source, "/proc/self/fd/"+strconv.Itoa(fd), m.Type, m.Flags, m.Data); err != nil {
		return fmt.Errorf("mount volume: mount %s of type %q (options %q): %w", m.Source, m.Type, m.Data, err)
	}
	rest := m.Flags &^ (unix.MS_BIND | unix.MS_REC)
	if m.Flags&unix.MS_BIND == 0 || rest == 0 {
		return nil
	}
	// A bind takes its source's flags; others need a second call (mount(2)).
	if err := unix.Mount("", p.Target, "", unix.MS_REMOUNT|unix.MS_BIND|rest, ""); err != nil {
		return errors.Join(fmt.Errorf("mount volume: set its options: %w", err), p.unmount())
	}
	return nil
}

// Drop gives a claim back, and unmounts with the last.
func (p Place) Drop(id string) error {
	if err := os.Remove(p.claim(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("release volume: %w", err)
	}
	return p.sweep(func(string) bool { return true })
}

// Clear drops the claims of all that do not run, and unmounts where none is
// left. In the end nothing may be mounted if nobody runs.
func (p Place) Clear(runs func(id string) bool) error { return p.sweep(runs) }

// sweep removes claims that are not kept, and unmounts without any.
func (p Place) sweep(keep func(id string) bool) error {
	entries, err := os.ReadDir(p.claims())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read claims of volume: %w", err)
	}
	left := 0
	for _, e := range entries {
		if keep(e.Name()) {
			left++
			continue
		}
		if err := os.Remove(p.claim(e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("release volume: %w", err)
		}
	}
	if left > 0 {
		return nil
	}
	if err := p.unmount(); err != nil {
		return err
	}
	if err := os.Remove(p.claims()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("release volume: %w", err)
	}
	return nil
}

// maxMounts bounds how many mounts upon each other are taken off.
const maxMounts = 16

// unmount takes off what is mounted. What somebody on the host still looks at
// goes when they let go of it.
func (p Place) unmount() error {
	for range maxMounts {
		mounted, err := Mounted(p.Target)
		if err != nil || !mounted {
			return err
		}
		err = unix.Unmount(p.Target, unix.UMOUNT_NOFOLLOW)
		if err == unix.EBUSY {
			err = unix.Unmount(p.Target, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
		}
		if err != nil {
			return fmt.Errorf("unmount volume: %w", &os.PathError{Op: "umount", Path: p.Target, Err: err})
		}
	}
	return fmt.Errorf("unmount volume: %s is mounted again and again", p.Target)
}

// Mounted tells whether a directory is the root of a mount. One that is not
// there is none.
func Mounted(dir string) (bool, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_TYPE, &st)
	if err == unix.ENOENT {
		return false, nil
	}
	// A server that is gone makes its root unreadable, but a mount it is.
	if err == unix.ESTALE || err == unix.EIO || err == unix.ENOTCONN || err == unix.EHOSTDOWN {
		return true, nil
	}
	if err != nil {
		return false, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		return false, fmt.Errorf("look at %s: the kernel does not tell mount points (Linux 5.8 does)", dir)
	}
	return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
}
