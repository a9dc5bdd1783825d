package unpack

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images/layers"
	"gantry/images/snapshot/stack"
)

// Fixups are the questions that a layer leaves to those below it. They are
// kept with the layer, because each image that has it asks them again about
// its own parents.
type Fixups struct {
	// Replay is the path of the layers below that a hard link needs, or the
	// entry that makes sense only with them. Unpacking stopped there.
	Replay string `json:"replay,omitempty"`
	// Through are paths that were taken for directories.
	Through []string `json:"through,omitempty"`
	// Implied are directories that got default attributes.
	Implied []string `json:"implied,omitempty"`
	// Whiteouts are names that hide something, if there is something.
	Whiteouts []string `json:"whiteouts,omitempty"`
	// OpaqueRoot is set when the layer hides all below it.
	OpaqueRoot bool `json:"opaqueRoot,omitempty"`
}

// Depends tells whether the layer over these lower directories (bottom first)
// is another than it is by itself, so that a layer that was unpacked for
// another image cannot serve here as it is.
func (f *Fixups) Depends(lowers []string) (bool, error) {
	below, err := stack.Open(lowers)
	if err != nil {
		return false, err
	}
	defer below.Close()
	p, err := f.plan(below)
	if err != nil {
		return false, fmt.Errorf("compare layer with its parents: %w", err)
	}
	return !p.empty(), nil
}

// Fix settles over the layers below (their directories, bottom first, each
// fixed already) what Layer could not know, in dir and in res. It tells
// whether it had to change anything, so that the layer depends on its parents.
//
// A path through a symlink of a lower layer, or a hard link to a file there,
// changes where everything after it lands; then dir is emptied and the archive
// unpacked once more, now with the layers below in sight. For that again opens
// the uncompressed tar stream from its start; it is called at most once, and
// what it returns is checked against res.DiffID.
func Fix(ctx context.Context, dir string, lowers []string, res *Result, again func() (io.ReadCloser, error)) (dependent bool, err error) {
	below, err := stack.Open(lowers)
	if err != nil {
		return false, err
	}
	defer below.Close()
	p, err := res.Fixups.plan(below)
	if err != nil {
		return false, fmt.Errorf("compare layer with its parents: %w", err)
	}
	if p.empty() {
		return false, nil
	}
	if p.replay {
		if err := replay(ctx, dir, below, res, again); err != nil {
			return true, fmt.Errorf("unpack layer over its parents: %w", err)
		}
		if p, err = res.Fixups.plan(below); err != nil {
			return true, fmt.Errorf("compare layer with its parents: %w", err)
		}
	}
	if err := p.apply(dir, below, res); err != nil {
		return true, fmt.Errorf("fit layer to its parents: %w", err)
	}
	return true, nil
}

// plan is what has to change over given parents.
type plan struct {
	replay  bool
	adopt   []adoption
	uncover []string // whiteouts that hide nothing
	opaque  bool     // the root hides something
}

type adoption struct {
	path string
	attr stack.Attr
}

func (p *plan) empty() bool {
	return !p.replay && len(p.adopt) == 0 && len(p.uncover) == 0 && !p.opaque
}

func (f *Fixups) plan(below *stack.Stack) (*plan, error) {
	p := &plan{replay: f.Replay != ""}
	for _, name := range f.Through {
		n, err := below.Lookup(name)
		if err != nil {
			return nil, err
		}
		if n != nil && !n.IsDir() {
			p.replay = true
		}
	}
	if p.replay {
		return p, nil
	}
	for _, name := range f.Implied {
		if err := p.compareDir(below, name); err != nil {
			return nil, err
		}
	}
	for _, name := range f.Whiteouts {
		n, err := below.Lookup(name)
		if err != nil {
			return nil, err
		}
		if n == nil {
			p.uncover = append(p.uncover, name)
		}
	}
	if f.OpaqueRoot {
		n, err := below.Lookup(".")
		if err != nil {
			return nil, err
		}
		p.opaque = n != nil
	}
	return p, nil
}

// compareDir finds out whether an implied directory is below, and is special
// there. Times alone do not make a layer depend on its parents.
func (p *plan) compareDir(below *stack.Stack, name string) error {
	n, err := below.Lookup(name)
	if err != nil || n == nil || !n.IsDir() {
		return err
	}
	f, err := n.Open(unix.O_PATH | unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer f.Close()
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return err
	}
	if !attr.Plain() {
		p.adopt = append(p.adopt, adoption{name, attr})
	}
	return nil
}

// replay unpacks the layer again, over the layers below.
func replay(ctx context.Context, dir string, below *stack.Stack, res *Result, again func() (io.ReadCloser, error)) error {
	if err := empty(dir); err != nil {
		return err
	}
	r, err := again()
	if err != nil {
		return err
	}
	defer r.Close()
	o := res.opts
	o.Rootfs = dir
	fresh, err := layer(ctx, r, o, below)
	if err != nil {
		return err
	}
	if fresh.DiffID != res.DiffID {
		return corrupt("layer is %s now and was %s", fresh.DiffID, res.DiffID)
	}
	*res = *fresh
	return nil
}

func empty(dir string) error {
	c, err := openRoot(dir)
	if err != nil {
		return err
	}
	return emptyDir(c.root) // closes it
}

// apply makes the changes. Names in directories come first, because they touch
// the times that are set afterwards.
func (p *plan) apply(dir string, below *stack.Stack, res *Result) error {
	c, err := openRoot(dir)
	if err != nil {
		return err
	}
	defer c.close()
	for _, name := range p.uncover {
		if err := unwhite(c.root, name, res.Index); err != nil {
			return err
		}
	}
	if p.opaque {
		if err := opaqueRoot(c.root, below, res.Index); err != nil {
			return err
		}
	}
	for _, a := range p.adopt {
		if err := adoptDir(c.root, a, res.Index); err != nil {
			return err
		}
	}
	return nil
}

// unwhite removes a whiteout that hides nothing. In a directory that only one
// layer has, overlayfs lists the bare directory of that layer, and the
// whiteout would show up as a name that cannot be opened.
func unwhite(root int, name string, x *layers.Index) error {
	parent, base := path.Split(name)
	fd, err := openBeneath(root, path.Clean(parent), unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("open %q: %w", parent, err)
	}
	defer unix.Close(fd)
	if err := unix.Unlinkat(fd, base, 0); err != nil {
		return fmt.Errorf("remove whiteout %q: %w", name, err)
	}
	x.Entries = slices.DeleteFunc(x.Entries, func(e layers.Entry) bool { return e.Path == name })
	return restoreTimes(fd, path.Clean(parent), x)
}

func restoreTimes(fd int, name string, x *layers.Index) error {
	e := x.Find(name)
	if e == nil {
		return corrupt("index lacks the directory %q", name)
	}
	return setDirTimes(fd, timespec(e.MTime))
}

// opaqueRoot hides all below a layer. overlayfs takes no opaque mark on the
// root of a layer, so each name that is below is deleted, and each directory
// that is on both sides made opaque.
func opaqueRoot(root int, below *stack.Stack, x *layers.Index) error {
	top, err := below.Lookup(".")
	if err != nil {
		return err
	}
	names, err := below.Names(top)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch e := x.Find(name); {
		case e == nil:
			if err := stack.Whiteout(root, name); err != nil {
				return fmt.Errorf("delete %q: %w", name, err)
			}
			insert(x, layers.Entry{Path: name, Type: layers.Whiteout, MTime: time.Unix(0, 0)})
		case e.Type == layers.Directory:
			if err := makeOpaque(root, name); err != nil {
				return err
			}
			e.Opaque = true
		}
	}
	return restoreTimes(root, ".", x)
}

func makeOpaque(root int, name string) error {
	fd, err := openBeneath(root, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("open %q: %w", name, err)
	}
	defer unix.Close(fd)
	if err := stack.SetOpaque(fd); err != nil {
		return fmt.Errorf("make %q opaque: %w", name, err)
	}
	return nil
}

func insert(x *layers.Index, e layers.Entry) {
	at, _ := slices.BinarySearchFunc(x.Entries, e.Path, func(a layers.Entry, p string) int {
		return layers.Compare(a.Path, p)
	})
	x.Entries = slices.Insert(x.Entries, at, e)
}

// adoptDir gives an implied directory the attributes of the one below.
func adoptDir(root int, a adoption, x *layers.Index) error {
	fd, err := openBeneath(root, a.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("open %q: %w", a.path, err)
	}
	defer unix.Close(fd)
	if err := a.attr.Apply(fd); err != nil {
		return fmt.Errorf("complete %q: %w", a.path, err)
	}
	e := x.Find(a.path)
	if e == nil {
		return corrupt("index lacks the directory %q", a.path)
	}
	e.Mode, e.UID, e.GID = a.attr.Mode, a.attr.UID, a.attr.GID
	e.MTime = time.Unix(a.attr.MTime.Sec, a.attr.MTime.Nsec)
	return nil
}
