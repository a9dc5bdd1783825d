package snapshot

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// probe tries in root what the drivers do and fills in f. It fails only where
// even a plain copy could not be made.
func probe(root string, f *facts) (err error) {
	dir, err := os.MkdirTemp(root, ".probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	oerr := probeOverlay(path.Join(dir, "append"), true)
	if oerr == nil {
		f.Kind, f.Append = Overlay, true
		return nil
	}
	f.Fallback = oerr.Error()
	if oerr = probeOverlay(path.Join(dir, "string"), false); oerr == nil {
		f.Kind = Overlay
		return nil
	}
	f.Reason = oerr.Error()
	if rerr := probeReflink(dir); rerr != nil {
		f.Kind = Copy
		return nil
	}
	f.Kind = Reflink
	return nil
}

// probeOverlay makes a small overlay of two layers and checks what containers
// and images rely on: layers' whiteouts and opaque directories hide, a removal
// leaves a whiteout in upper/, and a directory that is made anew is opaque.
func probeOverlay(dir string, appending bool) error {
	d, err := probeLayers(dir)
	if err != nil {
		return err
	}
	mnt, err := mountOverlay(d, appending, false)
	if err != nil {
		return err
	}
	defer mnt.Close()
	if err := probeHidden(mnt); err != nil {
		return err
	}
	return probeRemoval(mnt, d.upper)
}

// probeLayers makes
//
//	bottom/  gone  file  dir/lower  again/
//	top/     gone (whiteout)  dir/ (opaque)
func probeLayers(dir string) (overlayDirs, error) {
	bottom, top := path.Join(dir, "bottom"), path.Join(dir, "top")
	d := overlayDirs{
		lower: []string{bottom, top},
		upper: path.Join(dir, "upper"),
		work:  path.Join(dir, "work"),
	}
	for _, p := range []string{d.upper, d.work, path.Join(bottom, "dir"), path.Join(bottom, "again"), path.Join(top, "dir")} {
		if err := os.MkdirAll(p, 0o755); err != nil {
			return d, err
		}
	}
	for _, name := range []string{"gone", "file", "dir/lower"} {
		if err := os.WriteFile(path.Join(bottom, name), nil, 0o644); err != nil {
			return d, err
		}
	}
	f, err := os.Open(top)
	if err != nil {
		return d, err
	}
	defer f.Close()
	if err := stack.Whiteout(int(f.Fd()), "gone"); err != nil {
		return d, fmt.Errorf("make whiteout: %w", err)
	}
	sub, err := os.Open(path.Join(top, "dir"))
	if err != nil {
		return d, err
	}
	defer sub.Close()
	if err := stack.SetOpaque(int(sub.Fd())); err != nil {
		return d, fmt.Errorf("make directory opaque: %w", err)
	}
	return d, nil
}

func probeHidden(mnt *os.File) error {
	for name, want := range map[string]error{"file": nil, "gone": unix.ENOENT, "dir/lower": unix.ENOENT} {
		var st unix.Stat_t
		if err := unix.Fstatat(int(mnt.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); !errors.Is(err, want) {
			return fmt.Errorf("overlay does not hide as it should: %s: %v", name, err)
		}
	}
	return nil
}

func probeRemoval(mnt *os.File, upper string) error {
	fd := int(mnt.Fd())
	if err := unix.Unlinkat(fd, "file", 0); err != nil {
		return fmt.Errorf("remove in overlay: %w", err)
	}
	if err := unix.Unlinkat(fd, "again", unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("remove in overlay: %w", err)
	}
	if err := unix.Mkdirat(fd, "again", 0o755); err != nil {
		return fmt.Errorf("make directory in overlay: %w", err)
	}
	up, err := stack.Open([]string{upper})
	if err != nil {
		return err
	}
	defer up.Close()
	var st unix.Stat_t
	if err := unix.Lstat(path.Join(upper, "file"), &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != 0 {
		return fmt.Errorf("removal left no whiteout: %v", err)
	}
	n, err := up.Lookup("again")
	if err != nil || n == nil {
		return fmt.Errorf("look up directory in upper: %v", err)
	}
	f, err := n.Open(unix.O_RDONLY | unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer f.Close()
	if opaque, err := stack.Opaque(int(f.Fd())); err != nil || !opaque {
		return fmt.Errorf("directory over a removed one is not opaque: %v", err)
	}
	return nil
}

// probeReflink shares a block between two files.
func probeReflink(dir string) error {
	src, err := os.Create(path.Join(dir, "from"))
	if err != nil {
		return err
	}
	defer src.Close()
	if _, err := src.Write(make([]byte, 4096)); err != nil {
		return err
	}
	dst, err := os.Create(path.Join(dir, "to"))
	if err != nil {
		return err
	}
	defer dst.Close()
	return unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
}
