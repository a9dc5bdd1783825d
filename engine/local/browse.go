package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/internal/tartree"
)

var _ engine.FileReader = (*volumes)(nil)

// openVolume opens the top of a volume. What is below may be swapped for links
// by a container at any time, so everything goes from here by descriptors.
func (e *Engine) openVolume(name string) (*os.File, error) {
	v, err := e.volumes.Inspect(name)
	if err != nil {
		return nil, err
	}
	return os.OpenFile(v.Mountpoint, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// ReadDir implements engine.FileReader.
func (vs *volumes) ReadDir(_ context.Context, name, dir string) (engine.DirList, error) {
	var list engine.DirList
	err := (*Engine)(vs).inVolume(name, func(root *os.File) (err error) {
		list, err = readDir(root, dir)
		return err
	})
	return list, volumeErr("look into", name, err)
}

// Measure implements engine.FileReader.
func (vs *volumes) Measure(ctx context.Context, name, dir string) (engine.TreeSize, error) {
	m := measure{ctx: ctx, seen: make(map[inodeID]bool)}
	err := (*Engine)(vs).inVolume(name, func(root *os.File) error {
		f, err := tartree.OpenIn(root, path.Join("/", dir), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
		if err != nil {
			return notThere(dir, err)
		}
		defer f.Close()
		return m.dir(f, 0)
	})
	return m.sum, volumeErr("measure", name, err)
}

// ReadFile implements engine.FileReader.
func (vs *volumes) ReadFile(_ context.Context, name, file string, limit int) ([]byte, error) {
	var data []byte
	err := (*Engine)(vs).inVolume(name, func(root *os.File) (err error) {
		data, err = readFile(root, file, limit)
		return err
	})
	return data, volumeErr("read from", name, err)
}

// CopyFrom implements engine.FileReader.
func (vs *volumes) CopyFrom(ctx context.Context, name, file string, w io.Writer) error {
	err := (*Engine)(vs).inVolume(name, func(root *os.File) error {
		f, err := openEntry(root, file)
		if err != nil {
			return err
		}
		defer f.Close()
		tw := tartree.NewWriter(ctx, w)
		if err := tw.Tree(f, archiveName(file)); err != nil {
			return err
		}
		return tw.Close()
	})
	return volumeErr("copy from", name, err)
}

// inVolume calls f with the top of a volume.
func (e *Engine) inVolume(name string, f func(root *os.File) error) error {
	root, err := e.openVolume(name)
	if err != nil {
		return err
	}
	defer root.Close()
	return f(root)
}

// openEntry opens what a path names by O_PATH, its own link not followed.
func openEntry(root *os.File, name string) (*os.File, error) {
	full := path.Join("/", name)
	dir, err := tartree.OpenIn(root, path.Dir(full), unix.O_PATH|unix.O_DIRECTORY)
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

// readDir lists a directory, each entry looked at by its name in the
// directory's descriptor.
func readDir(root *os.File, dir string) (engine.DirList, error) {
	f, err := tartree.OpenIn(root, path.Join("/", dir), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return engine.DirList{}, notThere(dir, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(engine.MaxDirEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return engine.DirList{}, err
	}
	list := engine.DirList{More: len(names) > engine.MaxDirEntries}
	if list.More {
		names = names[:engine.MaxDirEntries]
	}
	for _, name := range names {
		e, err := dirEntry(f, name)
		if errors.Is(err, unix.ENOENT) { // it went meanwhile
			continue
		}
		if err != nil {
			return list, err
		}
		list.Entries = append(list.Entries, e)
	}
	slices.SortFunc(list.Entries, func(a, b engine.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func dirEntry(dir *os.File, name string) (engine.DirEntry, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return engine.DirEntry{}, err
	}
	e := engine.DirEntry{
		Name: name, Size: st.Size, Mode: fileMode(st.Mode), Mtime: time.Unix(st.Mtim.Unix()).UTC(), UID: int(st.Uid), GID: int(st.Gid),
	}
	if e.Mode&fs.ModeSymlink != 0 {
		buf := make([]byte, unix.PathMax)
		if n, err := unix.Readlinkat(int(dir.Fd()), name, buf); err == nil {
			e.LinkTarget = string(buf[:n])
		}
	}
	return e, nil
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

// readFile looks at what it has opened before it reads: to open a device may do
// something, and to open a FIFO may wait for ever.
func readFile(root *os.File, name string, limit int) ([]byte, error) {
	at, err := openEntry(root, name)
	if err != nil {
		return nil, err
	}
	defer at.Close()
	fi, err := at.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file with content", engine.ErrInvalid, name)
	}
	f, err := os.Open(fdPath(at))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(limit)))
}

type inodeID struct{ dev, ino uint64 }

// measure sums up a tree.
type measure struct {
	ctx  context.Context
	seen map[inodeID]bool // files with several names
	sum  engine.TreeSize
}

// deepest is where a walk ends: each level holds a descriptor, and a program may
// nest directories without end.
const deepest = 200

// dir adds what a directory holds. What goes meanwhile was not there.
func (m *measure) dir(f *os.File, depth int) error {
	for {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		names, err := f.Readdirnames(256)
		for _, name := range names {
			if err := m.entry(f, name, depth); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			m.sum.Partial = true
			return nil
		}
	}
}

func (m *measure) entry(dir *os.File, name string, depth int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil
	}
	m.sum.Entries++
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	if id := (inodeID{st.Dev, st.Ino}); st.Nlink > 1 && !isDir {
		if m.seen[id] {
			return nil
		}
		m.seen[id] = true
	}
	const blockUnit = 512 // stat(2), st_blocks
	m.sum.Bytes += st.Blocks * blockUnit
	if !isDir {
		return nil
	}
	if depth >= deepest {
		m.sum.Partial = true
		return nil
	}
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		m.sum.Partial = m.sum.Partial || !errors.Is(err, unix.ENOENT)
		return nil
	}
	below := os.NewFile(uintptr(fd), name)
	defer below.Close()
	return m.dir(below, depth+1)
}
