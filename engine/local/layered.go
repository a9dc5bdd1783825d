package local

import (
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/images/snapshot"
	"gantry/images/snapshot/stack"
	"gantry/internal/linkwalk"
	"gantry/internal/tartree"
)

// layered is the place of an image, or of a container that does not run: its
// layers, read where they lie. Nothing is mounted for it and nothing is locked,
// so a container can be started while somebody looks.
type layered struct {
	stack  *stack.Stack
	mounts map[string]source // by target, which has no link on its way
}

// source is where a mount comes from.
type source struct {
	host string // a path of the host; "" where there is nothing yet
	sub  string // what is mounted lies there, below
}

func (p *layered) Close() error { return p.stack.Close() }

// openLayered opens what a container that does not run has written, over its
// image.
func (e *Engine) openLayered(rec *containerRecord) (place, error) {
	var dirs []string
	if rec.Driver == snapshot.Overlay {
		lower, err := e.layerDirs(rec)
		if err != nil {
			return nil, err
		}
		dirs = append(lower, e.file(rec.ID, "upper"))
	} else {
		dirs = []string{e.file(rec.ID, "rootfs")} // a complete copy
	}
	s, err := stack.Open(dirs)
	if err != nil {
		return nil, notThere("/", err)
	}
	p := &layered{stack: s, mounts: map[string]source{}}
	if err := p.addMounts(e, rec); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *layered) addMounts(e *Engine, rec *containerRecord) error {
	if len(rec.Mounts) == 0 {
		return nil
	}
	spec, err := e.readSpec(rec.ID)
	if err != nil {
		return err
	}
	for _, m := range rec.Mounts {
		target, err := resolveIn(p.stack, m.Destination)
		if err != nil {
			return err
		}
		from := source{host: m.Source}
		for _, s := range spec.Mounts {
			for _, option := range s.Options {
				if sub, ok := strings.CutPrefix(option, engine.SubpathOption); ok && path.Clean(s.Destination) == path.Clean(m.Destination) {
					from.sub = sub
				}
			}
		}
		p.mounts[target] = from
	}
	return nil
}

// below finds what is mounted over a path without links: where it comes from,
// and the rest of the path there.
func (p *layered) below(full string) (from source, rest string, ok bool) {
	for at := full; ; at = path.Dir(at) {
		if from, ok = p.mounts[at]; ok {
			return from, path.Join("/", strings.TrimPrefix(full, at)), true
		}
		if at == "/" {
			return source{}, "", false
		}
	}
}

// open opens what a start would mount, by O_PATH. Another container may have put
// links below.
func (s source) open() (*os.File, error) {
	if s.host == "" {
		return nil, unix.ENOENT
	}
	f, err := os.OpenFile(s.host, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil || s.sub == "" {
		return f, err
	}
	defer f.Close()
	return tartree.OpenIn(f, path.Join("/", s.sub), unix.O_PATH)
}

// resolve follows the links on the way to a path, not its own.
func (p *layered) resolve(name string) (string, error) {
	full := path.Join("/", name)
	dir, err := linkwalk.Resolve(path.Dir(full), func(at string, _ bool) (string, error) {
		if _, _, ok := p.below(at); ok {
			return "", nil // what is mounted keeps its links to itself
		}
		n, err := p.node(at)
		if err != nil || n == nil || n.Stat.Mode&unix.S_IFMT != unix.S_IFLNK {
			return "", err
		}
		return n.Readlink()
	})
	if err != nil {
		return "", notThere(name, err)
	}
	if full == "/" {
		return full, nil
	}
	return path.Join(dir, path.Base(full)), nil
}

// node is nil where there is none.
func (p *layered) node(full string) (*stack.Node, error) {
	return p.stack.Lookup(path.Join(".", full))
}

func (p *layered) folder(name string) (folder, error) {
	full, err := p.resolve(name)
	if err != nil {
		return nil, err
	}
	f, err := p.folderAt(full)
	return f, notThere(name, err)
}

func (p *layered) folderAt(full string) (folder, error) {
	if from, rest, ok := p.below(full); ok {
		if from.host == "" && rest == "/" { // a tmpfs begins empty
			return &merged{place: p, path: full}, nil
		}
		f, err := from.open()
		if err != nil {
			return nil, err
		}
		m := &rooted{root: f}
		defer m.Close()
		return m.folder(rest)
	}
	n, err := p.node(full)
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return nil, unix.ENOENT
	case !n.IsDir():
		return nil, unix.ENOTDIR
	}
	names, err := p.stack.Names(n)
	if err != nil {
		return nil, err
	}
	for target := range p.mounts {
		if base := path.Base(target); path.Dir(target) == full && target != "/" && !slices.Contains(names, base) {
			names = append(names, base) // the first start makes it
		}
	}
	return &merged{place: p, path: full, names: names}, nil
}

func (p *layered) open(name string) (*os.File, error) {
	full, err := p.resolve(name)
	if err != nil {
		return nil, err
	}
	if from, rest, ok := p.below(full); ok {
		f, err := from.open()
		if err != nil || rest == "/" { // what is mounted may be a file
			return f, notThere(name, err)
		}
		m := &rooted{root: f}
		defer m.Close()
		return m.open(rest)
	}
	n, err := p.node(full)
	if err == nil && n == nil {
		err = unix.ENOENT
	}
	if err != nil {
		return nil, notThere(name, err)
	}
	return n.Open(unix.O_PATH)
}

// merged is a folder of a layered place.
type merged struct {
	place *layered
	path  string
	names []string // that were not returned yet
}

func (*merged) Close() error { return nil }

func (*merged) pseudo() bool { return false }

func (f *merged) next(n int) ([]string, error) {
	if len(f.names) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.names))
	out := f.names[:n]
	f.names = f.names[n:]
	return out, nil
}

func (f *merged) stat(name string) (entry, error) {
	full := path.Join(f.path, name)
	if from, ok := f.place.mounts[full]; ok {
		return from.entry(name), nil
	}
	n, err := f.place.node(full)
	if err != nil {
		return entry{}, err
	}
	if n == nil {
		return entry{}, unix.ENOENT
	}
	e := entryOf(name, &n.Stat)
	if n.Stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		e.LinkTarget, err = n.Readlink()
	}
	return e, err
}

// entry is what stands where it will be mounted.
func (s source) entry(name string) entry {
	e := entry{DirEntry: engine.DirEntry{Name: name, Mode: os.ModeDir | 0o755}}
	if f, err := s.open(); err == nil {
		defer f.Close()
		var st unix.Stat_t
		if unix.Fstat(int(f.Fd()), &st) == nil {
			e = entryOf(name, &st)
		}
	}
	e.Mount = true
	return e
}

func (f *merged) enter(name string) (folder, error) {
	sub, err := f.place.folderAt(path.Join(f.path, name))
	if errors.Is(err, engine.ErrNotFound) {
		err = unix.ENOENT
	}
	return sub, err
}
