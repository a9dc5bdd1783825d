package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/images/snapshot/stack"
	"gantry/internal/linkwalk"
	"gantry/internal/tartree"
)

// differ compares what a container wrote with the layers below.
type differ struct {
	lower *stack.Stack
	// whole says that the container's directory holds the complete tree, as with
	// the copying drivers, and not only what was written.
	whole bool
	made  mountPoints
}

// outcome is what was found in one directory.
type outcome struct {
	changes []engine.Change
	hidden  bool // something there is not the container's doing
}

// compare lists the changes in root, the container's own directory.
func (d *differ) compare(root *os.File) ([]engine.Change, error) {
	lower, err := d.lower.Lookup(".")
	if err != nil {
		return nil, err
	}
	out, err := d.dir(root, lower, "/")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out.changes, func(a, b engine.Change) int { return strings.Compare(order(a.Path), order(b.Path)) })
	return out.changes, nil
}

// order sorts what is in a directory after it, before its longer neighbours.
func order(p string) string { return strings.ReplaceAll(p, "/", "\x00") }

// dir compares a directory of the container with the one below, nil when there
// is none.
func (d *differ) dir(cur *os.File, lower *stack.Node, name string) (outcome, error) {
	var out outcome
	f, err := os.Open(fdPath(cur))
	if err != nil {
		return out, err
	}
	defer f.Close()
	opaque, err := stack.Opaque(int(f.Fd()))
	if err != nil {
		return out, err
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		return out, err
	}
	seen := make(map[string]bool, len(names))
	for _, base := range names {
		seen[base] = true
		found, err := d.entry(f, base, lower, path.Join(name, base))
		if errors.Is(err, unix.ENOENT) {
			continue // removed meanwhile
		}
		if err != nil {
			return out, err
		}
		out.changes = append(out.changes, found.changes...)
		out.hidden = out.hidden || found.hidden
	}
	if (d.whole || opaque) && lower != nil && lower.IsDir() {
		below, err := d.lower.Names(lower)
		if err != nil {
			return out, err
		}
		for _, base := range below {
			if !seen[base] {
				out.changes = append(out.changes, engine.Change{Kind: engine.Deleted, Path: path.Join(name, base)})
			}
		}
	}
	return out, nil
}

func (d *differ) entry(dir *os.File, base string, above *stack.Node, name string) (outcome, error) {
	f, err := tartree.OpenEntry(dir, base)
	if err != nil {
		return outcome{}, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return outcome{}, err
	}
	var lower *stack.Node
	if above != nil && above.IsDir() {
		if lower, err = d.lower.Lookup(strings.TrimPrefix(name, "/")); err != nil {
			return outcome{}, err
		}
	}
	white, err := stack.IsWhiteout(int(dir.Fd()), base, &st)
	if err != nil {
		return outcome{}, err
	}
	if white {
		if lower == nil {
			return outcome{}, nil
		}
		return outcome{changes: []engine.Change{{Kind: engine.Deleted, Path: name}}}, nil
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return d.subdir(f, &st, lower, name)
	}
	return d.leaf(f, &st, lower, name)
}

func (d *differ) leaf(f *os.File, st *unix.Stat_t, lower *stack.Node, name string) (outcome, error) {
	if d.made.leaf(name, st, lower) {
		return outcome{hidden: true}, nil
	}
	if lower == nil {
		return outcome{changes: []engine.Change{{Kind: engine.Added, Path: name}}}, nil
	}
	if d.whole {
		if same, err := sameLeaf(f, st, lower); same || err != nil {
			return outcome{}, err
		}
	}
	return outcome{changes: []engine.Change{{Kind: engine.Modified, Path: name}}}, nil
}

// subdir compares a directory. That something was added in it, or removed,
// changes it as well, unless that was the engine.
func (d *differ) subdir(f *os.File, st *unix.Stat_t, lower *stack.Node, name string) (outcome, error) {
	in, err := d.dir(f, lower, name)
	if err != nil {
		return in, err
	}
	self := engine.Change{Kind: engine.Modified, Path: name}
	switch {
	case lower == nil:
		if len(in.changes) == 0 && d.made.paths[name] {
			return outcome{hidden: true}, nil
		}
		self.Kind = engine.Added
	case !lower.IsDir():
	default:
		changed, err := d.dirChanged(f, st, lower, name, in)
		if err != nil || !changed {
			return in, err
		}
	}
	in.changes = append(in.changes, self)
	return in, nil
}

func (d *differ) dirChanged(f *os.File, st *unix.Stat_t, lower *stack.Node, name string, in outcome) (bool, error) {
	for _, c := range in.changes {
		if path.Dir(c.Path) == name && c.Kind != engine.Modified {
			return true, nil
		}
	}
	if !in.hidden && st.Mtim != lower.Stat.Mtim {
		return true, nil
	}
	return attributesDiffer(f, lower)
}

// attributesDiffer compares owner, mode and extended attributes.
func attributesDiffer(f *os.File, lower *stack.Node) (bool, error) {
	now, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return false, err
	}
	below, err := lower.Open(unix.O_PATH)
	if err != nil {
		return false, err
	}
	defer below.Close()
	was, err := stack.ReadAttr(int(below.Fd()))
	if err != nil {
		return false, err
	}
	sameX := slices.EqualFunc(now.Xattrs, was.Xattrs, func(a, b stack.Xattr) bool { return a.Name == b.Name && bytes.Equal(a.Value, b.Value) })
	return now.Mode != was.Mode || now.UID != was.UID || now.GID != was.GID || !sameX, nil
}

// sameLeaf tells that a file of a complete copy was not touched: as in docker
// the size and the time of its content decide.
func sameLeaf(f *os.File, st *unix.Stat_t, lower *stack.Node) (bool, error) {
	was := &lower.Stat
	if st.Mode != was.Mode || st.Uid != was.Uid || st.Gid != was.Gid || st.Rdev != was.Rdev || st.Size != was.Size || st.Mtim != was.Mtim {
		return false, nil
	}
	differ, err := attributesDiffer(f, lower)
	return !differ, err
}

// mountPoints are the paths that the engine makes in a container's root to
// mount something there, in so far as the image does not have them.
type mountPoints struct {
	paths map[string]bool
	own   map[string]bool // files that replace the image's, whatever that is
}

// newMountPoints resolves the destinations of mounts in the image's layers.
func newMountPoints(lower *stack.Stack, destinations []string) (mountPoints, error) {
	m := mountPoints{paths: map[string]bool{}, own: map[string]bool{}}
	for _, d := range destinations {
		real, err := resolveIn(lower, d)
		if err != nil {
			return m, err
		}
		for _, own := range []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
			if path.Clean(d) == own {
				if real, err = resolveIn(lower, path.Dir(own)); err != nil {
					return m, err
				}
				real = path.Join(real, path.Base(own))
				m.own[real] = true
			}
		}
		for p := real; p != "/"; p = path.Dir(p) {
			n, err := lower.Lookup(strings.TrimPrefix(p, "/"))
			if err != nil {
				return m, err
			}
			if n != nil {
				break
			}
			m.paths[p] = true
		}
	}
	return m, nil
}

// leaf tells whether a file is an empty one that something is mounted on.
func (m mountPoints) leaf(name string, st *unix.Stat_t, lower *stack.Node) bool {
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size != 0 {
		return false
	}
	if m.own[name] { // in the place of a link, say
		return lower == nil || lower.Stat.Mode&unix.S_IFMT != unix.S_IFREG
	}
	return m.paths[name]
}

// resolveIn follows the links of the layers; what is not there is taken as it
// is.
func resolveIn(lower *stack.Stack, name string) (string, error) {
	real, err := linkwalk.Resolve(name, func(entry string, _ bool) (string, error) {
		n, err := lower.Lookup(strings.TrimPrefix(entry, "/"))
		if err != nil || n == nil || n.Stat.Mode&unix.S_IFMT != unix.S_IFLNK {
			return "", err
		}
		return n.Readlink()
	})
	if errors.Is(err, unix.ELOOP) {
		return "", fmt.Errorf("%w image: too many links at %s", engine.ErrInvalid, real)
	}
	return real, err
}
