package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/internal/tartree"
)

// place is a file system that is looked around in, by paths of its own: that of
// a directory, or one that is put together of layers.
type place interface {
	// folder opens a directory, a link at the end of its path not followed.
	folder(name string) (folder, error)
	// open opens whatever it is by O_PATH, a link not followed.
	open(name string) (*os.File, error)
	io.Closer
}

// folder is an open directory.
type folder interface {
	// next returns at most n further names; io.EOF is the end.
	next(n int) ([]string, error)
	stat(name string) (entry, error)
	// enter opens a directory in it.
	enter(name string) (folder, error)
	// pseudo tells that the kernel makes up what is in it.
	pseudo() bool
	io.Closer
}

// entry is what a folder has under one name.
type entry struct {
	engine.DirEntry
	bytes int64 // on the disk
	names uint64
	id    inodeID
}

type inodeID struct{ dev, ino uint64 }

const blockUnit = 512 // stat(2), st_blocks

func entryOf(name string, st *unix.Stat_t) entry {
	return entry{
		DirEntry: engine.DirEntry{
			Name: name, Size: st.Size, Mode: fileMode(st.Mode), Mtime: time.Unix(st.Mtim.Unix()).UTC(), UID: int(st.Uid), GID: int(st.Gid),
		},
		bytes: st.Blocks * blockUnit, names: uint64(st.Nlink), id: inodeID{st.Dev, st.Ino},
	}
}

// rooted is the place below a directory. What is below may be swapped for links
// by a container at any time, so everything goes from here by descriptors.
type rooted struct{ root *os.File }

func (p *rooted) Close() error { return p.root.Close() }

func (p *rooted) folder(name string) (folder, error) {
	f, err := tartree.OpenIn(p.root, path.Join("/", name), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, notThere(name, err)
	}
	return newDirectory(f), nil
}

func (p *rooted) open(name string) (*os.File, error) {
	full := path.Join("/", name)
	dir, err := tartree.OpenIn(p.root, path.Dir(full), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, notThere(name, err)
	}
	if full == "/" {
		return dir, nil
	}
	defer dir.Close()
	f, err := tartree.OpenEntry(dir, path.Base(full))
	return f, notThere(name, err)
}

func notThere(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return fmt.Errorf("%w: it has no %s", engine.ErrNotFound, name)
	}
	return err
}

// directory is a folder of one file system.
type directory struct {
	*os.File
	mount uint64 // that it lies in; 0: the kernel does not tell
}

func newDirectory(f *os.File) *directory {
	var st unix.Statx_t
	d := &directory{File: f}
	if unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st) == nil && st.Mask&unix.STATX_MNT_ID != 0 {
		d.mount = st.Mnt_id
	}
	return d
}

func (d *directory) next(n int) ([]string, error) { return d.Readdirnames(n) }

func (d *directory) pseudo() bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(d.Fd()), &st) == nil && pseudo(&st)
}

// pseudo tells a file system whose files do something, or wait for something,
// when they are read.
func pseudo(st *unix.Statfs_t) bool {
	switch int64(st.Type) {
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC, unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.DEBUGFS_MAGIC, unix.TRACEFS_MAGIC,
		unix.SECURITYFS_MAGIC, unix.BPF_FS_MAGIC, unix.PSTOREFS_MAGIC, unix.BINFMTFS_MAGIC, unix.EFIVARFS_MAGIC, unix.DEVPTS_SUPER_MAGIC:
		return true
	}
	return false
}

func (d *directory) stat(name string) (entry, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(int(d.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return entry{}, err
	}
	e := entryOf(name, &st)
	if e.Mode&fs.ModeSymlink != 0 {
		buf := make([]byte, unix.PathMax)
		if n, err := unix.Readlinkat(int(d.Fd()), name, buf); err == nil {
			e.LinkTarget = string(buf[:n])
		}
	}
	e.Mount = d.mounted(name)
	return e, nil
}

func (d *directory) mounted(name string) bool {
	if d.mount == 0 {
		return false
	}
	var st unix.Statx_t
	err := unix.Statx(int(d.Fd()), name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st)
	return err == nil && st.Mask&unix.STATX_MNT_ID != 0 && st.Mnt_id != d.mount
}

func (d *directory) enter(name string) (folder, error) {
	fd, err := unix.Openat(int(d.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return newDirectory(os.NewFile(uintptr(fd), name)), nil
}

// fileMode is the mode of stat(2) in Go's bits.
func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for bit, is := range map[uint32]fs.FileMode{unix.S_ISUID: fs.ModeSetuid, unix.S_ISGID: fs.ModeSetgid, unix.S_ISVTX: fs.ModeSticky} {
		if mode&bit != 0 {
			m |= is
		}
	}
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	case unix.S_IFBLK:
		m |= fs.ModeDevice
	case unix.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	}
	return m
}
