package ociruntime

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

type device struct {
	name         string
	major, minor uint32
}

// defaultDevices are in every container (runtime-spec, config-linux.md,
// "Default Devices"; /dev/console and /dev/ptmx are made elsewhere).
var defaultDevices = []device{
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
}

var defaultLinks = [][2]string{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
	{"core", "/proc/kcore"}, {"ptmx", "pts/ptmx"},
}

// devDir is the container's /dev: the file system that was mounted there, or
// the image's own directory. ok is false when the host's is bound, which is
// not ours to fill.
func (r *rootfs) devDir() (fd int, ok bool, err error) {
	if m, found := r.made["/dev"]; found {
		return m.fd, m.kind != "bind", nil
	}
	fd, err = openTarget(r.root, "/dev", directory)
	if err != nil {
		return -1, false, err
	}
	return r.open.add(fd), true, nil
}

// makeDevices fills /dev.
func (r *rootfs) makeDevices(spec *specs.Spec) error {
	dev, ok, err := r.devDir()
	if err != nil || !ok {
		return err
	}
	for _, d := range defaultDevices {
		if err := r.makeNode(dev, d.name, d.name, unix.S_IFCHR|0o666, unix.Mkdev(d.major, d.minor)); err != nil {
			return err
		}
	}
	for _, d := range spec.Linux.Devices {
		if err := r.makeDevice(dev, d); err != nil {
			return err
		}
	}
	for _, l := range defaultLinks {
		if err := unix.Symlinkat(l[1], dev, l[0]); err != nil && err != unix.EEXIST {
			return fmt.Errorf("link /dev/%s: %w", l[0], err)
		}
	}
	return nil
}

// makeNode makes a device node. Where that is forbidden (the engine itself
// runs in a container), the host's node is bound instead: host is its path
// below the host's /dev.
func (r *rootfs) makeNode(dir int, name, host string, mode uint32, number uint64) error {
	err := unix.Mknodat(dir, name, mode, int(number))
	switch err {
	case nil:
		return nil
	case unix.EEXIST: // an image's own /dev: only the very same node is good
		fd, err := openIn(dir, name, unix.O_PATH|unix.O_NOFOLLOW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return checkDevice(fd, name, mode, number)
	case unix.EPERM:
		return r.bindNode(dir, name, host, mode, number)
	}
	return &os.PathError{Op: "mknod", Path: name, Err: err}
}

// bindNode binds the host's node. The host's tree is below ours by now, so its
// /dev is reached through the descriptor that was opened for it.
func (r *rootfs) bindNode(dir int, name, host string, mode uint32, number uint64) error {
	src, err := unix.OpenTree(r.made[hostDev].fd, host, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return &os.PathError{Op: "mknod", Path: name, Err: unix.EPERM}
	}
	defer unix.Close(src)
	if err := checkDevice(src, name, mode, number); err != nil {
		return err
	}
	if err := unix.Mknodat(dir, name, unix.S_IFREG|0o666, 0); err != nil && err != unix.EEXIST {
		return &os.PathError{Op: "create", Path: name, Err: err}
	}
	if err := unix.MoveMount(src, "", dir, name, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return os.NewSyscallError("move_mount", err)
	}
	return nil
}

// hostDev is the key of the host's /dev in rootfs.made; no destination is
// relative.
const hostDev = "host:dev"

func (r *rootfs) openHostDev() error {
	fd, err := unix.Open("/dev", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/dev", Err: err}
	}
	r.made[hostDev] = made{r.open.add(fd), "bind"}
	return nil
}

// checkDevice verifies by descriptor what a node is.
func checkDevice(fd int, name string, mode uint32, number uint64) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != mode&unix.S_IFMT || uint64(st.Rdev) != number {
		return &os.PathError{Op: "check device", Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// makeDevice makes a node of the spec's list, which is below /dev.
func (r *rootfs) makeDevice(dev int, d specs.LinuxDevice) error {
	name, ok := strings.CutPrefix(path.Clean(d.Path), "/dev/")
	if !ok {
		return fmt.Errorf("make device %s: it is not below /dev", d.Path)
	}
	mode, ok := map[string]uint32{"c": unix.S_IFCHR, "u": unix.S_IFCHR, "b": unix.S_IFBLK, "p": unix.S_IFIFO}[d.Type]
	if !ok {
		return fmt.Errorf("make device %s: type %q is not known", d.Path, d.Type)
	}
	mode |= 0o666
	if d.FileMode != nil {
		mode = mode&unix.S_IFMT | uint32(d.FileMode.Perm())
	}
	dir, err := openTarget(dev, path.Dir(name), directory)
	if err != nil {
		return fmt.Errorf("make device %s: %w", d.Path, err)
	}
	r.open.add(dir)
	base := path.Base(name)
	if err := r.makeNode(dir, base, name, mode, unix.Mkdev(uint32(d.Major), uint32(d.Minor))); err != nil {
		return fmt.Errorf("make device %s: %w", d.Path, err)
	}
	if d.UID == nil && d.GID == nil {
		return nil
	}
	var uid, gid uint32
	if d.UID != nil {
		uid = *d.UID
	}
	if d.GID != nil {
		gid = *d.GID
	}
	return unix.Fchownat(dir, base, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
}
