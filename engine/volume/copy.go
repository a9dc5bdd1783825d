package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// copier copies a tree. Both sides are open directories; below them every step
// goes by the descriptor of a directory and a name that is not followed.
type copier struct {
	ctx   context.Context
	root  *os.File         // of the copy
	names []string         // where we are below root
	links map[inode]string // the first name, below root, of files that have several
}

type inode struct{ dev, ino uint64 }

func newCopier(ctx context.Context, root *os.File) *copier {
	return &copier{ctx: ctx, root: root, links: map[inode]string{}}
}

// copyTree fills dst, an empty directory, with what src holds and gives it its
// attributes.
func copyTree(ctx context.Context, dst, src *os.File) error {
	return newCopier(ctx, dst).dir(src, dst)
}

// dir copies content first and attributes last, because making entries changes
// a directory's times.
func (c *copier) dir(src, dst *os.File) error {
	names, err := src.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.ctx.Err(); err != nil {
			return context.Cause(c.ctx)
		}
		c.names = append(c.names, name)
		if err := c.entry(src, dst, name, name); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
		c.names = c.names[:len(c.names)-1]
	}
	attr, err := stack.ReadAttr(int(src.Fd()))
	if err != nil {
		return err
	}
	return attr.Apply(int(dst.Fd()))
}

// entry copies the entry name of src to the entry as of dst.
func (c *copier) entry(src, dst *os.File, name, as string) error {
	f, err := openEntry(src, name, unix.O_PATH)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	switch kind := st.Mode & unix.S_IFMT; kind {
	case unix.S_IFSOCK:
		return nil // of a process that is not there
	case unix.S_IFDIR:
		return c.subdir(f, dst, as)
	default:
		if st.Nlink > 1 {
			id := inode{st.Dev, st.Ino}
			if first, ok := c.links[id]; ok {
				return unix.Linkat(int(c.root.Fd()), first, int(dst.Fd()), as, 0)
			}
			c.links[id] = path.Join(c.names...)
		}
		if err := makeLeaf(f, dst, as, &st); err != nil {
			return err
		}
	}
	return c.attributes(f, dst, as)
}

func (c *copier) attributes(f, dst *os.File, as string) error {
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return err
	}
	made, err := openEntry(dst, as, unix.O_PATH)
	if err != nil {
		return err
	}
	defer made.Close()
	return attr.Apply(int(made.Fd()))
}

func (c *copier) subdir(f, dst *os.File, as string) error {
	if err := unix.Mkdirat(int(dst.Fd()), as, 0o700); err != nil {
		return err
	}
	from, err := os.Open(procPath(f))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := openEntry(dst, as, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer to.Close()
	return c.dir(from, to)
}

// makeLeaf makes anything but a directory.
func makeLeaf(f, dst *os.File, as string, st *unix.Stat_t) (err error) {
	switch kind := st.Mode & unix.S_IFMT; kind {
	case unix.S_IFREG:
		src, err := os.Open(procPath(f))
		if err != nil {
			return err
		}
		defer src.Close()
		fd, err := unix.Openat(int(dst.Fd()), as, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		out := os.NewFile(uintptr(fd), as)
		return errors.Join(stack.CopyContent(out, src), out.Close())
	case unix.S_IFLNK:
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(int(f.Fd()), "", buf)
		if err != nil {
			return err
		}
		return unix.Symlinkat(string(buf[:n]), int(dst.Fd()), as)
	default:
		return unix.Mknodat(int(dst.Fd()), as, kind|0o600, int(st.Rdev))
	}
}

// procPath opens the inode of an O_PATH descriptor anew: what is opened is what
// was looked at.
func procPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

func openEntry(dir *os.File, name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}
