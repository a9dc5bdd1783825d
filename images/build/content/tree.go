package content

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/build/ignore"
)

// Options of Open.
type Options struct {
	// Name is what errors call the tree: "the build context", "stage builder".
	Name string
	// Ignore leaves files out; nil leaves out none. IgnoreFile is where its
	// patterns are from, for errors.
	Ignore     *ignore.Matcher
	IgnoreFile string
	// AsRoot has everything belong to root, whoever owns it on the host. That is
	// docker's rule for build contexts.
	AsRoot bool
	// Cache is the directory of stat caches; without one every file is read.
	Cache string
}

// Tree is a directory as a source of files. What was read of it once is not
// read again. It may be used by several goroutines.
type Tree struct {
	opts  Options
	root  *os.File
	top   *node
	cache *statCache
}

// node is one name in the tree.
type node struct {
	name   string
	parent *node // nil for the root
	st     unix.Stat_t
	link   string       // target of a symbolic link
	state  ignore.State // of a directory

	sum atomic.Pointer[sum]

	mu   sync.Mutex // guards what follows
	read bool
	kids []*node // sorted by name; only what is not ignored
}

// Open takes the directory root for a tree. It stays the caller's, who closes
// it after the tree.
func Open(root *os.File, o Options) (*Tree, error) {
	t := &Tree{opts: o, root: root, top: &node{}}
	if err := unix.Fstat(int(root.Fd()), &t.top.st); err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Name, err)
	}
	if !t.top.isDir() {
		return nil, fmt.Errorf("open %s: %w", o.Name, unix.ENOTDIR)
	}
	if o.Cache != "" {
		t.cache = newStatCache(o.Cache, &t.top.st)
	}
	return t, nil
}

// Close writes what was learned into the stat cache. The tree stays usable.
func (t *Tree) Close() error {
	if t.cache == nil {
		return nil
	}
	return t.cache.save()
}

func (n *node) kind() uint32 { return n.st.Mode & unix.S_IFMT }
func (n *node) isDir() bool  { return n.kind() == unix.S_IFDIR }

// path is relative to the root, "" for the root itself.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	return under(n.parent.path(), n.name)
}

func under(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// kidsOf lists a directory.
func (t *Tree) kidsOf(n *node) ([]*node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.read {
		return n.kids, nil
	}
	kids, err := t.list(n)
	if err != nil {
		return nil, err
	}
	n.kids, n.read = kids, true
	return kids, nil
}

func (t *Tree) list(n *node) ([]*node, error) {
	dir := n.path()
	f, err := t.open(dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, inPath("read", dir, err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, inPath("read", dir, err)
	}
	if st.Dev != n.st.Dev || st.Ino != n.st.Ino {
		return nil, changed(dir)
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, inPath("read", dir, err)
	}
	slices.Sort(names)
	kids := make([]*node, 0, len(names))
	for _, name := range names {
		kid, err := t.kid(n, int(f.Fd()), name)
		if err != nil {
			return nil, inPath("read", under(dir, name), err)
		}
		if kid != nil {
			kids = append(kids, kid)
		}
	}
	return kids, nil
}

// kid looks at one entry; nil is one that the tree does not have: it is ignored,
// a socket, or gone since.
func (t *Tree) kid(n *node, dirfd int, name string) (*node, error) {
	k := &node{name: name, parent: n}
	err := unix.Fstatat(dirfd, name, &k.st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	visible, err := t.visible(k)
	if err != nil || !visible {
		return nil, err
	}
	switch k.kind() {
	case unix.S_IFSOCK:
		return nil, nil
	case unix.S_IFLNK:
		if k.link, err = readlinkat(dirfd, name); err != nil {
			return nil, err
		}
	case unix.S_IFCHR:
		if k.st.Rdev == 0 {
			return nil, fmt.Errorf("character device 0:0 is a whiteout of overlayfs: %w", images.ErrHostile)
		}
	}
	return k, nil
}

// visible applies the ignore file. A directory that it names is still there when
// an exception brings back something in it.
func (t *Tree) visible(k *node) (bool, error) {
	if t.opts.Ignore.Empty() {
		return true, nil
	}
	name := k.path()
	ignored, state, err := t.opts.Ignore.Match(name, k.parent.state)
	if err != nil {
		return false, err
	}
	k.state = state
	if !ignored {
		return true, nil
	}
	if !k.isDir() || !t.opts.Ignore.Reaches(name) {
		return false, nil
	}
	kids, err := t.kidsOf(k)
	return len(kids) > 0, err
}

// lookup finds a path that holds no links; nil means that it is not there.
func (t *Tree) lookup(name string) (*node, error) {
	n := t.top
	for part := range strings.SplitSeq(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if part == "" {
			continue
		}
		if !n.isDir() {
			return nil, nil
		}
		kids, err := t.kidsOf(n)
		if err != nil {
			return nil, err
		}
		i, found := slices.BinarySearchFunc(kids, part, func(k *node, name string) int { return cmp.Compare(k.name, name) })
		if !found {
			return nil, nil
		}
		n = kids[i]
	}
	return n, nil
}

// readAll lists all directories below n, several at a time.
func (t *Tree) readAll(ctx context.Context, n *node) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var visit func(*node) error
	visit = func(n *node) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		kids, err := t.kidsOf(n)
		if err != nil {
			return err
		}
		for _, k := range kids {
			if !k.isDir() || g.TryGo(func() error { return visit(k) }) {
				continue
			}
			if err := visit(k); err != nil {
				return err
			}
		}
		return nil
	}
	return cmp.Or(visit(n), g.Wait())
}

// open opens a path of the tree that holds no links.
func (t *Tree) open(name string, flags int) (*os.File, error) {
	fd, err := t.openFD(name, flags)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (t *Tree) openFD(name string, flags int) (int, error) {
	if name == "" {
		name = "."
	}
	how := unix.OpenHow{
		// A name that has become a FIFO or a terminal meanwhile must not hold us.
		Flags:   uint64(flags | unix.O_NOFOLLOW | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	if flags&unix.O_PATH == 0 {
		how.Flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(int(t.root.Fd()), name, &how)
		switch {
		case err == nil:
			return fd, nil
		case (err == unix.EAGAIN || err == unix.EINTR) && tries < 1000:
			continue // a rename elsewhere raced with the walk (openat2(2))
		case err == unix.ELOOP, err == unix.ENOTDIR, err == unix.ENOENT, err == unix.EXDEV:
			return -1, fmt.Errorf("%w (%w)", ErrChanged, err)
		}
		return -1, err
	}
}

func readlinkat(dirfd int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dirfd, name, buf)
	if errors.Is(err, unix.EINVAL) {
		return "", ErrChanged
	}
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}
