package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// createCopy merges the layers into rootfs/. Whiteouts are applied on the way,
// nothing hidden is copied. Blocks are shared where the file system can.
func createCopy(dir string, layers []string) error {
	below, err := stack.Open(layers)
	if err != nil {
		return err
	}
	defer below.Close()
	rootfs := path.Join(dir, rootfsDir)
	if err := os.Mkdir(rootfs, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(rootfs, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := below.Lookup(".")
	if err != nil {
		return err
	}
	if root == nil {
		return stack.Attr{Mode: 0o755}.Apply(int(f.Fd()))
	}
	m := &merger{below: below, root: f, links: map[inode]string{}}
	return m.dir(root, f)
}

// merger copies a merged tree.
type merger struct {
	below *stack.Stack
	root  *os.File
	links map[inode]string // first copy of each file with several names
}

type inode struct{ dev, ino uint64 }

// dir fills the open directory to with what the merged directory n holds. The
// attributes come last: what is created in a directory changes its times.
func (m *merger) dir(n *stack.Node, to *os.File) error {
	names, err := m.below.Names(n)
	if err != nil {
		return err
	}
	for _, name := range names {
		kid, err := m.below.Lookup(path.Join(n.Path, name))
		if err != nil {
			return err
		}
		if err := m.entry(kid, to, name); err != nil {
			return err
		}
	}
	from, err := n.Open(unix.O_PATH | unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer from.Close()
	attr, err := stack.ReadAttr(int(from.Fd()))
	if err != nil {
		return fmt.Errorf("copy %q: %w", n.Path, err)
	}
	return attr.Apply(int(to.Fd()))
}

func (m *merger) entry(n *stack.Node, to *os.File, name string) error {
	if n.IsDir() {
		return m.subdir(n, to, name)
	}
	id := inode{n.Stat.Dev, n.Stat.Ino}
	if n.Stat.Nlink > 1 {
		if first, ok := m.links[id]; ok {
			return unix.Linkat(int(m.root.Fd()), first, int(to.Fd()), name, 0)
		}
		m.links[id] = n.Path
	}
	return n.Copy(int(to.Fd()), name)
}

func (m *merger) subdir(n *stack.Node, to *os.File, name string) error {
	if err := unix.Mkdirat(int(to.Fd()), name, 0o700); err != nil {
		return fmt.Errorf("copy %q: %w", n.Path, err)
	}
	fd, err := unix.Openat(int(to.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("copy %q: %w", n.Path, err)
	}
	sub := os.NewFile(uintptr(fd), n.Path)
	return errors.Join(m.dir(n, sub), sub.Close())
}

// DiskUsage sums the blocks of dir and what is below it. A container may be writing meanwhile,
// so names that vanish are no error. Nor are those beyond the longest path,
// which it may have made to spoil the sum for others: they are not counted.
func DiskUsage(dir string) (int64, error) {
	var total int64
	seen := map[inode]bool{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return ignoreGone(err)
		}
		info, err := e.Info()
		if err != nil {
			return ignoreGone(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		if id := (inode{st.Dev, st.Ino}); st.Nlink > 1 && !info.IsDir() {
			if seen[id] {
				return nil
			}
			seen[id] = true
		}
		const blockUnit = 512 // stat(2), st_blocks
		total += st.Blocks * blockUnit
		return nil
	})
	return total, err
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENAMETOOLONG) {
		return nil
	}
	return err
}
