package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/images/snapshot/stack"
	"gantry/internal/tartree"
)

var (
	_ engine.Browsable = (*containers)(nil)
	_ engine.Browsable = (*imageStore)(nil)
	_ engine.Browsable = (*volumes)(nil)
)

// Files implements engine.Browsable.
func (c *containers) Files() engine.FileReader {
	e := (*Engine)(c)
	return browser{open: e.containerPlace, wrap: opErr, copied: e.copied}
}

// Files implements engine.Browsable.
func (i *imageStore) Files() engine.FileReader {
	return browser{open: (*Engine)(i).imagePlace, wrap: imageErr}
}

// Files implements engine.Browsable.
func (vs *volumes) Files() engine.FileReader {
	return browser{open: (*Engine)(vs).volumePlace, wrap: volumeErr}
}

func (e *Engine) volumePlace(_ context.Context, name string) (place, error) {
	v, err := e.volumes.Inspect(name)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenFile(v.Mountpoint, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &rooted{root: root}, nil
}

func (e *Engine) imagePlace(ctx context.Context, ref string) (place, error) {
	s, err := e.store()
	if err != nil {
		return nil, err
	}
	img, err := s.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	dirs, err := s.LayerDirs(img)
	if err != nil {
		return nil, err
	}
	layers, err := stack.Open(dirs)
	if err != nil {
		return nil, err
	}
	return &layered{stack: layers}, nil
}

// containerPlace is what the container itself sees while it runs, with all that
// is mounted there.
func (e *Engine) containerPlace(_ context.Context, ref string) (place, error) {
	v, err := e.viewOf(ref)
	if err != nil {
		return nil, err
	}
	if v.state.Live() {
		t := &tree{e: e, v: v}
		err := t.openLive(true)
		if err == nil {
			return &rooted{root: t.root}, nil
		}
		if !errors.Is(err, engine.ErrConflict) { // else it has just ended
			return nil, err
		}
	}
	return e.openLayered(v.rec)
}

// copied tells of a copy out of a container, as cp does.
func (e *Engine) copied(ref, name string) error {
	v, err := e.viewOf(ref)
	if err != nil {
		return err
	}
	return e.containerEvent(v.rec, engine.ActionCopy, map[string]string{"path": name})
}

// browser implements engine.FileReader over the places that open opens.
type browser struct {
	open   func(ctx context.Context, ref string) (place, error)
	wrap   func(op, ref string, err error) error
	copied func(ref, name string) error // nil, or told of each copy
}

// in calls f with a place.
func (b browser) in(ctx context.Context, op, ref string, f func(p place) error) error {
	p, err := b.open(ctx, ref)
	if err == nil {
		defer p.Close()
		err = f(p)
	}
	return b.wrap(op, ref, err)
}

// inFolder calls f with a directory of a place.
func (b browser) inFolder(ctx context.Context, op, ref, dir string, f func(folder) error) error {
	return b.in(ctx, op, ref, func(p place) error {
		top, err := p.folder(dir)
		if err != nil {
			return err
		}
		defer top.Close()
		return f(top)
	})
}

// ReadDir implements engine.FileReader.
func (b browser) ReadDir(ctx context.Context, ref, dir string) (engine.DirList, error) {
	var list engine.DirList
	err := b.inFolder(ctx, "look into", ref, dir, func(f folder) (err error) {
		list, err = listFolder(f)
		return err
	})
	return list, err
}

// listFolder looks at each entry by its name in the directory's descriptor.
func listFolder(f folder) (engine.DirList, error) {
	names, err := f.next(engine.MaxDirEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return engine.DirList{}, err
	}
	list := engine.DirList{More: len(names) > engine.MaxDirEntries}
	if list.More {
		names = names[:engine.MaxDirEntries]
	}
	for _, name := range names {
		e, err := f.stat(name)
		if gone(err) {
			continue
		}
		if err != nil {
			return list, err
		}
		list.Entries = append(list.Entries, e.DirEntry)
	}
	slices.SortFunc(list.Entries, func(a, b engine.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// gone tells that an entry went while it was looked at, such as a process's
// directory.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) }

// Measure implements engine.FileReader.
func (b browser) Measure(ctx context.Context, ref, dir string) (engine.TreeSize, error) {
	m := measure{ctx: ctx, seen: make(map[inodeID]bool)}
	err := b.inFolder(ctx, "measure", ref, dir, func(f folder) error { return m.dir(f, 0) })
	return m.sum, err
}

// Find implements engine.FileReader.
func (b browser) Find(ctx context.Context, ref, dir, pattern string) iter.Seq2[engine.Found, error] {
	return func(yield func(engine.Found, error) bool) {
		err := b.inFolder(ctx, "search", ref, dir, func(f folder) error {
			s := search{ctx: ctx, pattern: pattern, yield: func(hit engine.Found) bool { return yield(hit, nil) }}
			return s.dir(f, path.Join("/", dir), 0)
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(engine.Found{}, err)
		}
	}
}

// ReadFile implements engine.FileReader.
func (b browser) ReadFile(ctx context.Context, ref, file string, limit int) ([]byte, error) {
	var data []byte
	err := b.in(ctx, "read from", ref, func(p place) (err error) {
		data, err = readFile(p, file, limit)
		return err
	})
	return data, err
}

// readFile looks at what it has opened before it reads: to open a device may do
// something, and to open a FIFO may wait for ever.
func readFile(p place, name string, limit int) ([]byte, error) {
	at, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer at.Close()
	if err := readable(at, name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(fdPath(at), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(limit)))
}

// readable refuses what is no file, and what the kernel makes up for root alone:
// to read /proc/kmsg, say, takes messages away from the host.
func readable(at *os.File, name string) error {
	fi, err := at.Stat()
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is no file with content", engine.ErrInvalid, name)
	}
	var st unix.Statfs_t
	if unix.Fstatfs(int(at.Fd()), &st) == nil && pseudo(&st) && fi.Mode()&0o004 == 0 {
		return fmt.Errorf("%w: reading %s would act on the host", engine.ErrInvalid, name)
	}
	return nil
}

// CopyFrom implements engine.FileReader.
func (b browser) CopyFrom(ctx context.Context, ref, file string, w io.Writer) error {
	return b.in(ctx, "copy from", ref, func(p place) error {
		tw := tartree.NewWriter(ctx, w)
		if err := archivePath(ctx, tw, p, file); err != nil {
			return err
		}
		if err := tw.Close(); err != nil || b.copied == nil {
			return err
		}
		return b.copied(ref, file)
	})
}
