package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"

	"gantry/engine"
	"gantry/internal/tartree"
)

// deepest is where a walk ends: each level holds a descriptor, and a program may
// nest directories without end.
const deepest = 200

// walkBatch is how many names are read at once.
const walkBatch = 256

// eachEntry calls f for what a folder holds. What goes meanwhile was not there.
func eachEntry(ctx context.Context, dir folder, f func(entry) error) error {
	for {
		names, err := dir.next(walkBatch)
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := dir.stat(name)
			if err != nil {
				continue
			}
			if err := f(e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// measure sums up a tree.
type measure struct {
	ctx  context.Context
	seen map[inodeID]bool // files with several names
	sum  engine.TreeSize
}

// dir adds what a directory holds.
func (m *measure) dir(f folder, depth int) error {
	err := eachEntry(m.ctx, f, func(e entry) error { return m.entry(f, e, depth) })
	if err != nil && m.ctx.Err() == nil {
		m.sum.Partial = true
		return nil
	}
	return err
}

func (m *measure) entry(dir folder, e entry, depth int) error {
	m.sum.Entries++
	if e.Mount {
		return nil
	}
	if e.names > 1 && !e.Mode.IsDir() {
		if m.seen[e.id] {
			return nil
		}
		m.seen[e.id] = true
	}
	m.sum.Bytes += e.bytes
	if !e.Mode.IsDir() {
		return nil
	}
	if depth >= deepest {
		m.sum.Partial = true
		return nil
	}
	below, err := dir.enter(e.Name)
	if err != nil {
		m.sum.Partial = m.sum.Partial || !gone(err)
		return nil
	}
	defer below.Close()
	return m.dir(below, depth+1)
}

// errEnough ends a search whose caller wants no more.
var errEnough = errors.New("enough")

// tellEvery is after how many entries a search says how far it has come.
const tellEvery = 4096

// search looks for names in a tree.
type search struct {
	ctx     context.Context
	pattern string
	looked  int
	yield   func(engine.Found) bool
}

func (s *search) dir(f folder, at string, depth int) error {
	err := eachEntry(s.ctx, f, func(e entry) error { return s.entry(f, e, at, depth) })
	if err == nil || s.ctx.Err() != nil || errors.Is(err, errEnough) {
		return err
	}
	return nil // it cannot be read, others can
}

func (s *search) entry(dir folder, e entry, at string, depth int) error {
	s.looked++
	full := path.Join(at, e.Name)
	hit := engine.Found{Looked: s.looked}
	if engine.NameMatches(e.Name, s.pattern) {
		hit.Path, hit.Entry = full, e.DirEntry
	}
	if (hit.Path != "" || s.looked%tellEvery == 0) && !s.yield(hit) {
		return errEnough
	}
	if !e.Mode.IsDir() || depth >= deepest {
		return nil
	}
	below, err := dir.enter(e.Name)
	if err != nil {
		return nil
	}
	defer below.Close()
	if e.Mount && below.pseudo() {
		return nil
	}
	return s.dir(below, full, depth+1)
}

// archivePath writes what a path names, and all below it.
func archivePath(ctx context.Context, tw *tartree.Writer, p place, name string) error {
	f, err := p.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, ok := p.(*layered); !ok {
		return tw.Tree(f, archiveName(name))
	}
	if err := tw.Entry(f, archiveName(name)); err != nil {
		return err
	}
	return archiveFolder(ctx, tw, p, path.Join("/", name), archiveName(name), f)
}

// archiveFolder goes by the names of a layered place: none of its layers has all
// that is in a directory.
func archiveFolder(ctx context.Context, tw *tartree.Writer, p place, at, name string, f *os.File) error {
	fi, err := f.Stat()
	if err != nil || !fi.IsDir() {
		return err
	}
	dir, err := p.folder(at)
	if err != nil {
		return err
	}
	defer dir.Close()
	var names []string
	err = eachEntry(ctx, dir, func(e entry) error { names = append(names, e.Name); return nil })
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, base := range names {
		if err := archiveEntry(ctx, tw, p, path.Join(at, base), name+"/"+base); err != nil {
			return err
		}
	}
	return nil
}

func archiveEntry(ctx context.Context, tw *tartree.Writer, p place, at, name string) error {
	f, err := p.open(at)
	if errors.Is(err, engine.ErrNotFound) {
		return nil // it went, or a tmpfs that is not there yet
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := tw.Entry(f, name); err != nil {
		return err
	}
	return archiveFolder(ctx, tw, p, at, name, f)
}
