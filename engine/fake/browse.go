package fake

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

var _ engine.FileReader = volumes{}

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

func (v *volume) look(name string) (file, bool) {
	if name == "/" {
		return file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: v.CreatedAt}}, true
	}
	f, ok := v.files[name]
	return f, ok
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

// path is lookup for a path in a volume.
func (vs volumes) path(ctx context.Context, op Op, verb, name, at string) (*volume, file, error) {
	v, err := vs.lookup(ctx, op, verb, name)
	if err != nil {
		return nil, file{}, err
	}
	f, ok := v.look(path.Join("/", at))
	if !ok {
		vs.e.mu.Unlock()
		return nil, file{}, opError(verb, "volume", name, engine.ErrNotFound, "it has no "+at)
	}
	return v, f, nil
}

func (vs volumes) ReadDir(ctx context.Context, name, dir string) (engine.DirList, error) {
	v, f, err := vs.path(ctx, OpVolumeReadDir, "look into", name, dir)
	if err != nil {
		return engine.DirList{}, err
	}
	defer vs.e.mu.Unlock()
	if f.hdr.Typeflag != tar.TypeDir {
		return engine.DirList{}, opError("look into", "volume", name, engine.ErrNotFound, dir+" is no directory")
	}
	var list engine.DirList
	for p, f := range v.files {
		if path.Dir(p) == path.Join("/", dir) {
			list.Entries = append(list.Entries, engine.DirEntry{
				Name: path.Base(p), Size: int64(len(f.data)), Mode: f.mode(), Mtime: f.hdr.ModTime, LinkTarget: f.hdr.Linkname,
			})
		}
	}
	slices.SortFunc(list.Entries, func(a, b engine.DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (vs volumes) Measure(ctx context.Context, name, dir string) (engine.TreeSize, error) {
	v, _, err := vs.path(ctx, OpVolumeMeasure, "measure", name, dir)
	if err != nil {
		return engine.TreeSize{}, err
	}
	defer vs.e.mu.Unlock()
	var sum engine.TreeSize
	top := path.Join("/", dir)
	if top == "/" {
		sum.Bytes = v.size
	}
	for p, f := range v.files {
		if top == "/" || strings.HasPrefix(p, top+"/") {
			sum.Entries++
			sum.Bytes += int64(len(f.data))
		}
	}
	return sum, nil
}

func (vs volumes) ReadFile(ctx context.Context, name, at string, limit int) ([]byte, error) {
	_, f, err := vs.path(ctx, OpVolumeRead, "read from", name, at)
	if err != nil {
		return nil, err
	}
	defer vs.e.mu.Unlock()
	if f.hdr.Typeflag != tar.TypeReg {
		return nil, opError("read from", "volume", name, engine.ErrInvalid, at+" is no file with content")
	}
	return slices.Clone(f.data[:min(limit, len(f.data))]), nil
}

func (vs volumes) CopyFrom(ctx context.Context, name, at string, w io.Writer) error {
	v, f, err := vs.path(ctx, OpVolumeCopy, "copy from", name, at)
	if err != nil {
		return err
	}
	top := path.Join("/", at)
	files := map[string]file{top: f}
	for p, f := range v.files {
		if top == "/" || strings.HasPrefix(p, top+"/") {
			files[p] = f
		}
	}
	vs.e.mu.Unlock()
	base := path.Base(top)
	if base == "/" {
		base = "."
	}
	return writeFiles(w, files, func(p string) string {
		return base + strings.TrimSuffix(strings.TrimPrefix(p, strings.TrimSuffix(top, "/")), "/")
	})
}
