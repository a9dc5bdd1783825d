package fake

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
)

// file is one that was copied into a container; Engine.mu guards every field.
type file struct {
	hdr   tar.Header
	data  []byte
	mount bool // something is mounted there
}

// SetFile puts a file into a container, as if its program had written it.
func (e *Engine) SetFile(ref, name string, data []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find("write to", ref)
	if err != nil {
		return err
	}
	c.put(path.Clean(name), file{hdr: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data)), ModTime: time.Now()}, data: data})
	return nil
}

// put makes the directories of a file as well. Those that every image has are
// not told as changes.
func (c *container) put(name string, f file) {
	if c.files == nil {
		c.files = map[string]file{}
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if _, ok := c.files[dir]; !ok && !slices.Contains(rootDirs, dir) {
			c.files[dir] = file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: f.hdr.ModTime}}
		}
	}
	c.files[name] = f
}

// rootDirs are in every image.
var rootDirs = []string{"/", "/bin", "/etc", "/root", "/tmp"}

func (c *container) lookFile(name string) (file, bool) {
	if slices.Contains(rootDirs, name) {
		return file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755, ModTime: c.detail.Created}}, true
	}
	f, ok := c.files[name]
	return f, ok
}

func (cs containers) Changes(ctx context.Context, ref string) ([]engine.Change, error) {
	c, err := cs.e.lookup(ctx, OpChanges, "compare", ref)
	if err != nil {
		return nil, err
	}
	defer cs.e.mu.Unlock()
	var out []engine.Change
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if dir := path.Dir(name); dir != "/" && slices.Contains(rootDirs, dir) && !slices.Contains(out, engine.Change{Path: dir}) {
			out = append(out, engine.Change{Kind: engine.Modified, Path: dir})
		}
		out = append(out, engine.Change{Kind: engine.Added, Path: name})
	}
	return out, nil
}

func (cs containers) Export(ctx context.Context, ref string, w io.Writer) error {
	c, err := cs.e.lookup(ctx, OpExport, "export", ref)
	if err != nil {
		return err
	}
	files := maps.Clone(c.files)
	cs.e.event(c, engine.ActionExport)
	cs.e.mu.Unlock()
	for _, dir := range rootDirs[1:] {
		if files == nil {
			files = map[string]file{}
		}
		files[dir] = file{hdr: tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}}
	}
	return writeFiles(w, files, func(name string) string { return strings.TrimPrefix(name, "/") })
}

// writeFiles writes a tar; rename gives the names in it, "" leaves one out.
func writeFiles(w io.Writer, files map[string]file, rename func(string) string) error {
	tw := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		if f.hdr.Name = rename(name); f.hdr.Name == "" {
			continue
		}
		if f.hdr.Typeflag == tar.TypeDir {
			f.hdr.Name += "/"
		}
		if err := tw.WriteHeader(&f.hdr); err != nil {
			return err
		}
		if _, err := tw.Write(f.data); err != nil {
			return err
		}
	}
	return tw.Close()
}

func (cs containers) StatPath(ctx context.Context, ref, name string) (engine.PathStat, error) {
	c, err := cs.e.lookup(ctx, OpStatPath, "look into", ref)
	if err != nil {
		return engine.PathStat{}, err
	}
	defer cs.e.mu.Unlock()
	f, ok := c.lookFile(path.Join("/", name))
	if !ok {
		return engine.PathStat{}, opError("look into", "container", ref, engine.ErrNotFound, "it has no "+name)
	}
	st := engine.PathStat{Name: path.Base(path.Join("/", name)), Size: int64(len(f.data)), Mode: fs.FileMode(f.hdr.Mode), Mtime: f.hdr.ModTime}
	if f.hdr.Typeflag == tar.TypeDir {
		st.Mode |= fs.ModeDir
	}
	return st, nil
}

func (cs containers) CopyFrom(ctx context.Context, ref, name string, w io.Writer) error {
	c, err := cs.e.lookup(ctx, OpCopyFrom, "copy from", ref)
	if err != nil {
		return err
	}
	top := path.Join("/", name)
	f, ok := c.lookFile(top)
	files := maps.Clone(c.files)
	cs.e.mu.Unlock()
	if !ok {
		return opError("copy from", "container", ref, engine.ErrNotFound, "it has no "+name)
	}
	if files == nil {
		files = map[string]file{}
	}
	files[top] = f
	base := path.Base(top)
	if strings.HasSuffix(name, "/.") || base == "/" {
		base = "."
	}
	return writeFiles(w, files, func(p string) string {
		rest, ok := strings.CutPrefix(p, strings.TrimSuffix(top, "/"))
		if !ok || rest != "" && rest[0] != '/' {
			return ""
		}
		return base + strings.TrimSuffix(rest, "/")
	})
}

func (cs containers) CopyTo(ctx context.Context, ref, dir string, r io.Reader, _ engine.CopyToOptions) error {
	c, err := cs.e.lookup(ctx, OpCopyTo, "copy to", ref)
	if err != nil {
		return err
	}
	f, ok := c.lookFile(path.Join("/", dir))
	if v, _ := c.mounted(path.Join("/", dir)); v != nil {
		f, ok = file{hdr: tar.Header{Typeflag: tar.TypeDir}}, true
	}
	cs.e.mu.Unlock()
	switch {
	case !ok:
		return opError("copy to", "container", ref, engine.ErrNotFound, "it has no "+dir)
	case f.hdr.Typeflag != tar.TypeDir:
		return opError("copy to", "container", ref, engine.ErrInvalid, dir+" is no directory")
	}
	tr := tar.NewReader(r)
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return opError("copy to", "container", ref, err, "")
		}
		var data bytes.Buffer
		if _, err := data.ReadFrom(tr); err != nil {
			return opError("copy to", "container", ref, err, "")
		}
		name := path.Join("/", dir, hdr.Name)
		f := file{hdr: tar.Header{Typeflag: hdr.Typeflag, Mode: hdr.Mode, Size: hdr.Size, ModTime: hdr.ModTime, Linkname: hdr.Linkname}, data: data.Bytes()}
		cs.e.mu.Lock()
		if v, rest := c.mounted(name); v != nil {
			v.put(rest, f)
		} else if !slices.Contains(rootDirs, name) {
			c.put(name, f)
		}
		cs.e.mu.Unlock()
	}
}

func (cs containers) Commit(ctx context.Context, ref string, opts engine.CommitOptions) (images.Digest, error) {
	c, err := cs.e.lookup(ctx, OpCommit, "commit", ref)
	if err != nil {
		return "", err
	}
	defer cs.e.mu.Unlock()
	base, err := cs.e.findImage("commit", string(c.detail.Image))
	if err != nil {
		return "", err
	}
	config := c.detail.Config
	script := Image{
		Platform: base.platform, Size: base.size + c.sizeRw, Layers: append(slices.Clone(base.layers), cs.e.drawDigest()),
		Config: images.Config{Env: config.Env, Cmd: config.Cmd, Entrypoint: config.Entrypoint, User: config.User, WorkingDir: config.WorkingDir, Labels: config.Labels, Volumes: config.Volumes},
		History: append([]engine.HistoryEntry{{Created: time.Now().UTC(), CreatedBy: strings.Join(append([]string{c.detail.Path}, c.detail.Args...), " "), Comment: opts.Message, Size: c.sizeRw}},
			base.history...),
	}
	if opts.Ref != "" {
		parsed, err := images.ParseRef(opts.Ref)
		if err != nil {
			return "", opError("commit", "container", ref, errors.Join(engine.ErrInvalid, err), "")
		}
		script.Refs = []string{parsed.Familiar()}
	}
	id := cs.e.addImage(script).id
	cs.e.event(c, engine.ActionCommit, "comment", opts.Message)
	return id, nil
}

// system implements engine.System.
type system struct{ e *Engine }

// System returns the role of the same name.
func (e *Engine) System() engine.System { return system{e} }

func (s system) DiskUsage(ctx context.Context) (engine.DiskUsage, error) {
	var u engine.DiskUsage
	if err := s.e.enter(ctx, OpDiskUsage); err != nil {
		return u, opError("measure", "disk usage", "", err, "")
	}
	list, err := s.e.Containers().List(ctx, engine.ListOptions{All: true, Size: true})
	if err != nil {
		return u, err
	}
	vols, err := s.e.Volumes().List(ctx, engine.VolumeListOptions{Size: true})
	if err != nil {
		return u, err
	}
	imgs, err := s.e.Images().List(ctx, engine.ImageListOptions{All: true})
	if err != nil {
		return u, err
	}
	u.Containers, u.Volumes = list.Items, vols.Items
	for _, img := range imgs.Items {
		u.Images = append(u.Images, engine.ImageUsage{ImageSummary: img, Unique: img.Size})
		u.Layers += img.Size
		if len(img.Containers) > 0 {
			u.LayersInUse += img.Size
		}
	}
	return u, nil
}
