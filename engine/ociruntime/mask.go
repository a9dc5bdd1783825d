package ociruntime

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// openMade opens a path of the container below the mount that we made on the
// way to it, if any: /proc/kcore is looked up in the procfs that was mounted
// for this container, whatever "/proc" may have become meanwhile.
func (r *rootfs) openMade(name string) (int, error) {
	name = path.Clean("/" + name)
	for dir := name; dir != "/"; dir = path.Dir(dir) {
		m, ok := r.made[dir]
		if !ok || m.kind == "bind" {
			continue
		}
		rest := strings.TrimPrefix(name[len(dir):], "/")
		if rest == "" {
			rest = "."
		}
		return openIn(m.fd, rest, unix.O_PATH)
	}
	return openIn(r.root, name, unix.O_PATH)
}

// mask hides paths: files behind /dev/null, directories behind an empty
// read-only tmpfs which all of them share. What does not exist needs no mask.
func (r *rootfs) mask(paths []string) error {
	m := masker{rootfs: r, null: -1, empty: -1}
	for _, p := range paths {
		err := m.hide(p)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			return fmt.Errorf("mask %s: %w", p, err)
		}
	}
	return nil
}

type masker struct {
	*rootfs
	null, empty int
}

func (m *masker) hide(name string) error {
	onto, err := m.openMade(name)
	if err != nil {
		return err
	}
	defer unix.Close(onto)
	var st unix.Stat_t
	if err := unix.Fstat(onto, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return m.coverDir(onto)
	}
	return m.coverFile(onto)
}

func (m *masker) coverDir(onto int) error {
	if m.empty < 0 {
		fd, err := newFS("tmpfs", "tmpfs", unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC,
			[]string{"nr_blocks=1", "nr_inodes=1", "mode=755"}, m.open)
		if err != nil {
			return err
		}
		if err := unix.MoveMount(fd, "", onto, "", moveByFD); err != nil {
			return os.NewSyscallError("move_mount", err)
		}
		m.empty = fd
		return nil
	}
	return cover(m.empty, onto)
}

// coverFile uses the container's own /dev/null, once it is proved to be one:
// an image may bring its own /dev (CVE-2025-31133).
func (m *masker) coverFile(onto int) error {
	if m.null < 0 {
		fd, err := m.openMade("/dev/null")
		if err != nil {
			return fmt.Errorf("no /dev/null: %v", err) // not ENOENT of the path
		}
		m.open.add(fd)
		if err := checkDevice(fd, "/dev/null", unix.S_IFCHR, unix.Mkdev(1, 3)); err != nil {
			return err
		}
		m.null = fd
	}
	return cover(m.null, onto)
}

// cover puts a copy of an attached mount, or of one file of it, onto a target.
func cover(from, onto int) error {
	fd, err := unix.OpenTree(from, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return os.NewSyscallError("open_tree", err)
	}
	defer unix.Close(fd)
	if err := unix.MoveMount(fd, "", onto, "", moveByFD); err != nil {
		return os.NewSyscallError("move_mount", err)
	}
	return nil
}

// makeReadonly puts read-only copies of paths over themselves.
func (r *rootfs) makeReadonly(paths []string) error {
	for _, p := range paths {
		err := r.readonly(p)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			return fmt.Errorf("make %s read-only: %w", p, err)
		}
	}
	return nil
}

func (r *rootfs) readonly(name string) error {
	onto, err := r.openMade(name)
	if err != nil {
		return err
	}
	defer unix.Close(onto)
	fd, err := unix.OpenTree(onto, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return os.NewSyscallError("open_tree", err)
	}
	defer unix.Close(fd)
	if err := mountSetattr(fd, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}, true); err != nil {
		return err
	}
	if err := unix.MoveMount(fd, "", onto, "", moveByFD); err != nil {
		return os.NewSyscallError("move_mount", err)
	}
	return nil
}
