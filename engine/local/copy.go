package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/images/unpack"
	"gantry/internal/linkwalk"
	"gantry/internal/tartree"
)

// StatPath implements engine.ContainerFiles.
func (c *containers) StatPath(ctx context.Context, ref, name string) (engine.PathStat, error) {
	t, err := (*Engine)(c).openTree(ctx, ref, true)
	if err != nil {
		return engine.PathStat{}, opErr("look into", ref, err)
	}
	defer t.close()
	st, err := t.stat(name)
	return st, opErr("look into", ref, err)
}

// stat describes a path. The links of its directory are followed, its own is
// not, unless the path ends in "/" or "/.".
func (t *tree) stat(name string) (engine.PathStat, error) {
	f, err := t.entry(name)
	if err != nil {
		return engine.PathStat{}, missing(name, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return engine.PathStat{}, err
	}
	st := engine.PathStat{Name: path.Base(path.Join("/", name)), Size: fi.Size(), Mode: fi.Mode(), Mtime: fi.ModTime()}
	if fi.Mode()&fs.ModeSymlink != 0 {
		st.LinkTarget = t.resolve(path.Join("/", name))
	}
	return st, nil
}

func missing(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return fmt.Errorf("%w: no such file or directory in the container: %s", engine.ErrNotFound, name)
	}
	return err
}

// followed tells that a path names what a link leads to.
func followed(name string) bool {
	return strings.HasSuffix(name, "/") || strings.HasSuffix(name, "/.") || name == "." || name == ""
}

// entry opens what a path names, by O_PATH.
func (t *tree) entry(name string) (*os.File, error) {
	full := path.Join("/", name)
	if full == "/" {
		return tartree.OpenIn(t.root, "/", unix.O_PATH|unix.O_DIRECTORY)
	}
	if followed(name) {
		return tartree.OpenIn(t.root, full, unix.O_PATH|unix.O_DIRECTORY)
	}
	dir, err := tartree.OpenIn(t.root, path.Dir(full), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return tartree.OpenEntry(dir, path.Base(full))
}

// resolve follows a link to the end, as a path in the container; what is not
// there is taken as it is. The answer is for messages and names only: whatever
// opens it resolves it again, confined.
func (t *tree) resolve(name string) string {
	real, _ := linkwalk.Resolve(name, func(entry string, _ bool) (string, error) {
		f, err := t.entry(entry)
		if err != nil {
			return "", nil
		}
		defer f.Close()
		link, _ := readLink(f)
		return link, nil
	})
	return real
}

// readLink is empty for anything but a link.
func readLink(f *os.File) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(f.Fd()), "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// CopyFrom implements engine.ContainerFiles.
func (c *containers) CopyFrom(ctx context.Context, ref, name string, w io.Writer) error {
	return opErr("copy from", ref, (*Engine)(c).copyFrom(ctx, ref, name, w))
}

func (e *Engine) copyFrom(ctx context.Context, ref, name string, w io.Writer) error {
	t, err := e.openTree(ctx, ref, true)
	if err != nil {
		return err
	}
	defer t.close()
	f, err := t.entry(name)
	if err != nil {
		return missing(name, err)
	}
	defer f.Close()
	tw := tartree.NewWriter(ctx, w)
	if err := tw.Tree(f, archiveName(name)); err != nil {
		return err
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return e.containerEvent(t.v.rec, engine.ActionCopy, map[string]string{"path": name})
}

// archiveName is how names in the archive of a path begin: "dir/." is what is
// in the directory.
func archiveName(name string) string {
	if strings.HasSuffix(name, "/.") || name == "." {
		return "."
	}
	base := path.Base(path.Join("/", name))
	if base == "/" {
		return "."
	}
	return base
}

// CopyTo implements engine.ContainerFiles.
func (c *containers) CopyTo(ctx context.Context, ref, dir string, r io.Reader, opts engine.CopyToOptions) error {
	return opErr("copy to", ref, (*Engine)(c).copyTo(ctx, ref, dir, r, opts))
}

func (e *Engine) copyTo(ctx context.Context, ref, dir string, r io.Reader, opts engine.CopyToOptions) error {
	// Decompressed here, with the host's code: nothing of the container's runs
	// (CVE-2026-41567).
	plain, err := unpack.Decompress(r, "")
	if err != nil {
		return err
	}
	defer plain.Close()
	t, err := e.openTree(ctx, ref, true)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.checkTarget(dir); err != nil {
		return err
	}
	o := tartree.ExtractOptions{KeepTypes: opts.KeepTypes}
	if opts.Owners {
		uid, gid, err := ociruntime.LookupUser(t.root, t.v.rec.Config.User)
		if err != nil {
			return err
		}
		o.Owner = &tartree.Owner{UID: int(uid), GID: int(gid)}
	}
	if _, err := tartree.Extract(ctx, t.root, path.Join("/", dir), plain, o); err != nil {
		return err
	}
	return e.containerEvent(t.v.rec, engine.ActionCopy, map[string]string{"path": dir})
}

// checkTarget wants a directory that can be written to. The root of a container
// that does not run is writable whatever the container was made with.
func (t *tree) checkTarget(dir string) error {
	f, err := tartree.OpenIn(t.root, path.Join("/", dir), unix.O_PATH)
	if err != nil {
		return missing(dir, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return fmt.Errorf("%w: extraction point is not a directory: %s", engine.ErrInvalid, dir)
	}
	if !t.v.rec.Host.ReadonlyRootfs || t.v.state.Live() {
		return nil // the kernel tells
	}
	var root, at unix.Statx_t
	if err := errors.Join(unix.Statx(int(t.root.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &root), unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &at)); err != nil {
		return err
	}
	if root.Mnt_id == at.Mnt_id {
		return fmt.Errorf("%w: container rootfs is marked read-only", engine.ErrConflict)
	}
	return nil
}
