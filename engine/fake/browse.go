package fake

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

var (
	_ engine.Browsable = containers{}
	_ engine.Browsable = imageStore{}
	_ engine.Browsable = volumes{}
)

// SetVolumeFile puts a file into a volume, as if a container had written it; a
// target makes it a link.
func (e *Engine) SetVolumeFile(volume, name, target string, data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.findVolume(volume)
	if v == nil {
		return
	}
	f := file{hdr: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data)), ModTime: time.Now()}, data: data}
	if target != "" {
		f.hdr.Typeflag, f.hdr.Linkname = tar.TypeSymlink, target
	}
	v.put(path.Clean(name), f)
}

// put makes the directories of a file as well.
func (v *volume) put(name string, f file) {
	if v.files == nil {
		v.files = map[string]file{}
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if _, ok := v.files[dir]; !ok {
			v.files[dir] = file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: f.hdr.ModTime}}
		}
	}
	if name != "/" {
		v.files[name] = f
	}
}

// mounted is the volume that a path of the container lies in, and the path
// there.
func (c *container) mounted(name string) (*volume, string) {
	for _, m := range c.detail.Mounts {
		if rest, ok := strings.CutPrefix(name, m.Destination); ok && m.Type == "volume" && (rest == "" || rest[0] == '/') {
			return c.e.findVolume(m.Name), path.Join("/", rest)
		}
	}
	return nil, ""
}

func (f file) mode() fs.FileMode {
	mode := fs.FileMode(f.hdr.Mode)
	switch f.hdr.Typeflag {
	case tar.TypeDir:
		mode |= fs.ModeDir
	case tar.TypeSymlink:
		mode |= fs.ModeSymlink
	}
	return mode
}

// SetImageFile puts a file into an image; a target makes it a link.
func (e *Engine) SetImageFile(ref, name, target string, data []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	img, err := e.findImage("write to", ref)
	if err != nil {
		return err
	}
	v := volume{files: img.files}
	f := file{hdr: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data)), ModTime: img.created}, data: data}
	if target != "" {
		f.hdr.Typeflag, f.hdr.Linkname = tar.TypeSymlink, target
	}
	v.put(path.Clean(name), f)
	img.files = v.files
	return nil
}

// Files implements engine.Browsable.
func (cs containers) Files() engine.FileReader {
	return browser{
		kind: "container", ops: browseOps{OpReadDir, OpMeasure, OpFind, OpReadFile, OpCopyFrom},
		open: func(ctx context.Context, op Op, verb, ref string) (map[string]file, error) {
			c, err := cs.e.lookup(ctx, op, verb, ref)
			if err != nil {
				return nil, err
			}
			defer cs.e.mu.Unlock()
			return c.tree(), nil
		},
	}
}

// tree is all that a container sees. The caller holds mu.
func (c *container) tree() map[string]file {
	all := map[string]file{}
	if img, err := c.e.findImage("", string(c.detail.Image)); err == nil {
		maps.Copy(all, img.files)
	}
	for _, dir := range rootDirs {
		all[dir], _ = c.lookFile(dir)
	}
	maps.Copy(all, c.files)
	for _, m := range c.detail.Mounts {
		v := volume{}
		if found := c.e.findVolume(m.Name); found != nil {
			v = *found
		}
		for name, f := range v.files {
			all[path.Join(m.Destination, name)] = f
		}
		all[m.Destination] = file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: v.CreatedAt}, mount: true}
	}
	return all
}

// Files implements engine.Browsable.
func (s imageStore) Files() engine.FileReader {
	return browser{
		kind: "image", ops: browseOps{OpImageReadDir, OpImageMeasure, OpImageFind, OpImageRead, OpImageCopy},
		open: func(ctx context.Context, op Op, verb, ref string) (map[string]file, error) {
			if err := s.e.enter(ctx, op); err != nil {
				return nil, opError(verb, "image", ref, err, "")
			}
			s.e.mu.Lock()
			defer s.e.mu.Unlock()
			img, err := s.e.findImage(verb, ref)
			if err != nil {
				return nil, err
			}
			all := map[string]file{"/": {hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: img.created}}}
			maps.Copy(all, img.files)
			return all, nil
		},
	}
}

// Files implements engine.Browsable.
func (vs volumes) Files() engine.FileReader {
	return browser{
		kind: "volume", ops: browseOps{OpVolumeReadDir, OpVolumeMeasure, OpVolumeFind, OpVolumeRead, OpVolumeCopy},
		open: func(ctx context.Context, op Op, verb, ref string) (map[string]file, error) {
			v, err := vs.lookup(ctx, op, verb, ref)
			if err != nil {
				return nil, err
			}
			defer vs.e.mu.Unlock()
			all := maps.Clone(v.files)
			if all == nil {
				all = map[string]file{}
			}
			// What SetVolumeSize said beyond its files is the top's own.
			all["/"] = file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: v.CreatedAt, Size: v.size}}
			return all, nil
		},
	}
}

// browseOps name what a browser does, for Inject.
type browseOps struct{ list, measure, find, read, copy Op }

// browser implements engine.FileReader over the files that open returns by their
// paths.
type browser struct {
	kind string
	ops  browseOps
	open func(ctx context.Context, op Op, verb, ref string) (map[string]file, error)
}

// at is the tree with what a path of it names.
func (b browser) at(ctx context.Context, op Op, verb, ref, name string) (all map[string]file, f file, err error) {
	if all, err = b.open(ctx, op, verb, ref); err != nil {
		return nil, f, err
	}
	f, ok := all[path.Join("/", name)]
	if !ok {
		return nil, f, opError(verb, b.kind, ref, engine.ErrNotFound, "it has no "+name)
	}
	return all, f, nil
}

// folder is at for a directory.
func (b browser) folder(ctx context.Context, op Op, verb, ref, dir string) (map[string]file, file, error) {
	all, f, err := b.at(ctx, op, verb, ref, dir)
	if err == nil && f.hdr.Typeflag != tar.TypeDir {
		err = opError(verb, b.kind, ref, engine.ErrNotFound, dir+" is no directory")
	}
	return all, f, err
}

func (f file) entry(p string) engine.DirEntry {
	return engine.DirEntry{
		Name: path.Base(p), Size: int64(len(f.data)), Mode: f.mode(), Mtime: f.hdr.ModTime, LinkTarget: f.hdr.Linkname, Mount: f.mount,
	}
}

// within are the paths below a directory, in order.
func within(all map[string]file, dir string) []string {
	top := strings.TrimSuffix(path.Join("/", dir), "/") + "/"
	var out []string
	for p := range all {
		if p != top && strings.HasPrefix(p, top) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

func (b browser) ReadDir(ctx context.Context, ref, dir string) (engine.DirList, error) {
	all, _, err := b.folder(ctx, b.ops.list, "look into", ref, dir)
	var list engine.DirList
	for _, p := range within(all, dir) {
		if err == nil && path.Dir(p) == path.Join("/", dir) {
			list.Entries = append(list.Entries, all[p].entry(p))
		}
	}
	slices.SortFunc(list.Entries, func(a, b engine.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

func (b browser) Measure(ctx context.Context, ref, dir string) (engine.TreeSize, error) {
	all, top, err := b.folder(ctx, b.ops.measure, "measure", ref, dir)
	if err != nil {
		return engine.TreeSize{}, err
	}
	sum := engine.TreeSize{Bytes: top.hdr.Size}
	for _, p := range within(all, dir) {
		sum.Entries++
		sum.Bytes += int64(len(all[p].data))
	}
	return sum, nil
}

func (b browser) Find(ctx context.Context, ref, dir, pattern string) iter.Seq2[engine.Found, error] {
	return func(yield func(engine.Found, error) bool) {
		all, _, err := b.folder(ctx, b.ops.find, "search", ref, dir)
		if err != nil {
			yield(engine.Found{}, err)
			return
		}
		for i, p := range within(all, dir) {
			if engine.NameMatches(path.Base(p), pattern) && !yield(engine.Found{Path: p, Entry: all[p].entry(p), Looked: i + 1}, nil) {
				return
			}
		}
	}
}

func (b browser) ReadFile(ctx context.Context, ref, name string, limit int) ([]byte, error) {
	_, f, err := b.at(ctx, b.ops.read, "read from", ref, name)
	if err != nil {
		return nil, err
	}
	if f.hdr.Typeflag != tar.TypeReg {
		return nil, opError("read from", b.kind, ref, engine.ErrInvalid, name+" is no file with content")
	}
	return slices.Clone(f.data[:min(limit, len(f.data))]), nil
}

func (b browser) CopyFrom(ctx context.Context, ref, name string, w io.Writer) error {
	all, f, err := b.at(ctx, b.ops.copy, "copy from", ref, name)
	if err != nil {
		return err
	}
	top := path.Join("/", name)
	files := map[string]file{top: f}
	for _, p := range within(all, top) {
		files[p] = all[p]
	}
	base := path.Base(top)
	if base == "/" {
		base = "."
	}
	return writeFiles(w, files, func(p string) string {
		if p == top {
			return base
		}
		return base + "/" + strings.TrimPrefix(strings.TrimPrefix(p, top), "/")
	})
}
