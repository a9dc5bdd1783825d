package ociruntime

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/internal/osthread"
)

// Where nodes cannot be made (the engine runs in a container itself), the
// host's are bound.
func TestBoundDeviceNodes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts")
	}
	dir := t.TempDir()
	if err := osthread.Run(func() error { return bindNull(t, dir) }); err != nil {
		t.Error(err)
	}
}

func bindNull(t *testing.T, dir string) error {
	var open fds
	defer open.close()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &unix.MountAttr{Propagation: unix.MS_PRIVATE}); err != nil {
		return err
	}
	r := &rootfs{open: &open, made: map[string]made{}}
	if err := r.openHostDev(); err != nil {
		return err
	}
	dev, err := newFS("tmpfs", "tmpfs", 0, nil, &open)
	if err != nil {
		return err
	}
	if err := unix.MoveMount(dev, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return err
	}
	if err := r.bindNode(dev, "null", "null", unix.S_IFCHR, unix.Mkdev(1, 5)); err == nil {
		t.Error("the host's null passed for another device")
	}
	if err := r.bindNode(dev, "null", "null", unix.S_IFCHR, unix.Mkdev(1, 3)); err != nil {
		return err
	}
	// One in a folder is the host's of the same path.
	if names, err := os.ReadDir("/dev/net"); err == nil && len(names) > 0 {
		var st unix.Stat_t
		if err := unix.Stat("/dev/net/"+names[0].Name(), &st); err != nil {
			return err
		}
		if err := r.bindNode(dev, "deep", "net/"+names[0].Name(), unix.S_IFCHR, st.Rdev); err != nil {
			return err
		}
	}
	fd, err := openIn(dev, "null", unix.O_PATH)
	if err != nil {
		return err
	}
	open.add(fd)
	return checkDevice(fd, "null", unix.S_IFCHR, unix.Mkdev(1, 3))
}
