package stack

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Stack is a merged, read-only view of layers. It remembers which layers take
// part in a directory, so they must not change while it is open. It is not
// safe for concurrent use.
type Stack struct {
	layers []*os.File // top first
	dirs   map[string]*Node
}

// Node is one name of the merged tree.
type Node struct {
	Path string // clean, relative to the root, "." for the root itself
	Stat unix.Stat_t
	// parts are the layers whose directories are merged here, top first; for
	// anything but a directory it is the one layer that holds it.
	parts []*os.File
}

// Open opens the layers, given bottom first. None at all is a valid, empty
// stack.
func Open(dirs []string) (*Stack, error) {
	s := &Stack{dirs: map[string]*Node{}}
	for _, dir := range slices.Backward(dirs) {
		f, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("open layer: %w", err)
		}
		s.layers = append(s.layers, f)
	}
	if len(s.layers) == 0 {
		return s, nil
	}
	root := &Node{Path: ".", parts: s.layers}
	if err := unix.Fstat(int(s.layers[0].Fd()), &root.Stat); err != nil {
		s.Close()
		return nil, fmt.Errorf("read layer root: %w", err)
	}
	s.dirs["."] = root
	return s, nil
}

// Close closes the layers.
func (s *Stack) Close() error {
	var errs []error
	for _, f := range s.layers {
		errs = append(errs, f.Close())
	}
	s.layers = nil
	return errors.Join(errs...)
}

// Lookup finds a path without following symlinks, not even those on the way:
// it is nil where a component is absent or is not a directory.
func (s *Stack) Lookup(name string) (*Node, error) {
	name = path.Clean(name)
	if n, ok := s.dirs[name]; ok {
		return n, nil
	}
	if name == "." || strings.HasPrefix(name, "../") || name == ".." || path.IsAbs(name) {
		return nil, nil
	}
	parent, err := s.Lookup(path.Dir(name))
	if err != nil || parent == nil || !parent.IsDir() {
		return nil, err
	}
	n, err := parent.child(name)
	if err != nil {
		return nil, fmt.Errorf("look up %q in lower layers: %w", name, err)
	}
	if n == nil || n.IsDir() {
		s.dirs[name] = n // Absent names are asked for again and again, files are not.
	}
	return n, nil
}

// child merges name, whose directory n is, over the layers of n.
func (n *Node) child(name string) (*Node, error) {
	var found *Node
	for _, layer := range n.parts {
		var st unix.Stat_t
		err := unix.Fstatat(int(layer.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return nil, err
		}
		white, err := IsWhiteout(int(layer.Fd()), name, &st)
		if err != nil {
			return nil, err
		}
		dir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		if white || !dir && found != nil {
			break
		}
		if found == nil {
			found = &Node{Path: name, Stat: st}
		}
		found.parts = append(found.parts, layer)
		if !dir {
			break
		}
		opaque, err := opaqueAt(layer, name)
		if err != nil {
			return nil, err
		}
		if opaque {
			break
		}
	}
	return found, nil
}

func opaqueAt(layer *os.File, name string) (bool, error) {
	fd, err := openBeneath(int(layer.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return Opaque(fd)
}

// IsDir tells whether the node is a directory.
func (n *Node) IsDir() bool { return n.Stat.Mode&unix.S_IFMT == unix.S_IFDIR }

// Open opens the topmost layer's inode of the node.
func (n *Node) Open(flags int) (*os.File, error) {
	fd, err := openBeneath(int(n.parts[0].Fd()), n.Path, flags|unix.O_NOFOLLOW)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: n.Path, Err: err}
	}
	return os.NewFile(uintptr(fd), n.Path), nil
}

// Readlink returns the target of a symlink.
func (n *Node) Readlink() (string, error) {
	f, err := n.Open(unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readlink(int(f.Fd()))
}

// Names lists what the directory holds in the merged tree, sorted.
func (s *Stack) Names(n *Node) ([]string, error) {
	seen := map[string]bool{}
	for _, layer := range n.parts {
		names, err := listDir(layer, n.Path)
		if err != nil {
			return nil, fmt.Errorf("list %q in lower layers: %w", n.Path, err)
		}
		for _, name := range names {
			seen[name] = true
		}
	}
	var out []string
	for name := range seen {
		c, err := s.Lookup(path.Join(n.Path, name))
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func listDir(layer *os.File, name string) ([]string, error) {
	fd, err := openBeneath(int(layer.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return f.Readdirnames(-1)
}

// openBeneath opens a path that may neither leave dirfd nor pass a symlink.
func openBeneath(dirfd int, name string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(dirfd, name, &how)
		// openat2(2): EAGAIN when a rename elsewhere raced with the walk.
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
