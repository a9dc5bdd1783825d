package cli

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The rules of docker cp: whether a path ends in "/" or "/." and what is there
// already decide what a copy is called and where it goes.

// copyEnd is the source or the target of a copy.
type copyEnd struct {
	path        string // clean, but for an ending of "/" or "/."
	exists, dir bool
	rename      string // what the source is called instead of its last element
}

func endsInSlash(path string) bool { return strings.HasSuffix(path, "/") }

// saysDir tells that a path can only be that of a directory.
func saysDir(path string) bool { return endsInSlash(path) || inDirEnding(path) }

// inDirEnding tells that a path names what is in a directory.
func inDirEnding(path string) bool {
	return path == "." || strings.HasSuffix(path, "/.")
}

// keepEnding gives a cleaned path the ending that it had.
func keepEnding(clean, original string) string {
	if !inDirEnding(clean) && inDirEnding(original) {
		if !endsInSlash(clean) {
			clean += "/"
		}
		clean += "."
	}
	if !endsInSlash(clean) && endsInSlash(original) {
		clean += "/"
	}
	return clean
}

// absolute is a path in a container, which begins at its root.
func absolute(path string) string { return keepEnding(filepath.Join("/", path), path) }

// splitEntry divides a path into a directory and the entry in it; "dir/." is the
// entry "." in dir.
func splitEntry(path string) (dir, base string) {
	clean := filepath.Clean(path)
	if inDirEnding(path) {
		return clean, "."
	}
	return filepath.Dir(clean), filepath.Base(clean)
}

// followedName is the target of a link that was asked for by another name, which
// the copy keeps.
func followedName(path, target string) (resolved, rename string) {
	resolved = keepEnding(target, path)
	if _, base := splitEntry(path); base != filepath.Base(resolved) && !inDirEnding(path) {
		rename = base
	}
	return resolved, rename
}

// localSource looks at a path of the host.
func localSource(path string, follow bool) (copyEnd, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return copyEnd{}, err
	}
	end := copyEnd{path: keepEnding(abs, path), exists: true}
	fi, err := os.Lstat(end.path)
	if err != nil {
		return end, err
	}
	link, err := os.Lstat(abs)
	if err != nil {
		return end, err
	}
	if link.Mode()&fs.ModeSymlink != 0 && (follow || saysDir(path)) {
		target, err := filepath.EvalSymlinks(abs)
		if err != nil {
			return end, err
		}
		end.path, end.rename = followedName(end.path, target)
		if fi, err = os.Lstat(target); err != nil {
			return end, err
		}
	}
	end.dir = fi.IsDir()
	if saysDir(path) && !end.dir {
		return end, fmt.Errorf("%s: not a directory", path)
	}
	return end, nil
}

// localTarget looks at a path of the host, which need not be there. A link is
// followed.
func localTarget(path string) (copyEnd, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return copyEnd{}, err
	}
	clean := abs
	for range 40 {
		fi, err := os.Lstat(clean)
		if errors.Is(err, fs.ErrNotExist) {
			if !isDir(filepath.Dir(clean)) {
				return copyEnd{}, fmt.Errorf("%s: not a directory", filepath.Dir(clean))
			}
			return copyEnd{path: keepEnding(clean, path)}, nil
		}
		if err != nil {
			return copyEnd{}, err
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			return copyEnd{path: keepEnding(clean, path), exists: true, dir: fi.IsDir()}, nil
		}
		target, err := os.Readlink(clean)
		if err != nil {
			return copyEnd{}, err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(clean), target)
		}
		clean = filepath.Clean(target)
	}
	return copyEnd{}, fmt.Errorf("%s: too many links", path)
}

// copyPlan is where an archive goes, and what its top is called there.
type copyPlan struct {
	dir      string
	from, to string // names in the archive begin with from, and are to with to
}

// planCopy is docker's table.
func planCopy(src, dst copyEnd) (copyPlan, error) {
	dir, name := splitEntry(dst.path)
	_, base := splitEntry(src.path)
	plan := copyPlan{dir: dir, from: base, to: name}
	switch {
	case dst.exists && dst.dir:
		plan.dir, plan.to = dst.path, base
		if src.rename != "" {
			plan.to = src.rename
		}
	case dst.exists && src.dir:
		return plan, errors.New("cannot copy directory")
	case !dst.exists && !src.dir && saysDir(dst.path):
		return plan, errors.New("no such directory")
	}
	if plan.from == "/" { // a root is what is in it
		plan.from = "."
	}
	if plan.to == "/" {
		plan.to = "."
	}
	return plan, nil
}

// renamed is the archive with its top called as planned.
func (p copyPlan) renamed(r io.Reader) io.Reader {
	if p.from == p.to {
		return r
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(p.rewrite(r, pw)) }()
	return pr
}

func (p copyPlan) rewrite(r io.Reader, w io.Writer) error {
	tr, tw := tar.NewReader(r), tar.NewWriter(w)
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return tw.Close()
		}
		if err != nil {
			return err
		}
		hdr.Name = p.name(hdr.Name)
		if hdr.Typeflag == tar.TypeLink {
			hdr.Linkname = p.name(hdr.Linkname)
		}
		hdr.Format = tar.FormatPAX
		if err := tw.WriteHeader(hdr); err != nil {
			return err
		}
		if _, err := io.Copy(tw, tr); err != nil {
			return err
		}
	}
}

// name replaces the first element.
func (p copyPlan) name(name string) string {
	top, rest, deeper := strings.Cut(strings.TrimPrefix(name, "./"), "/")
	if p.from == "." {
		return p.to + "/" + strings.TrimPrefix(name, "./")
	}
	if top != p.from {
		return name
	}
	if deeper {
		return p.to + "/" + rest
	}
	return p.to
}
