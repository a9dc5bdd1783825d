package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// PackOptions of Pack.
type PackOptions struct {
	// Newest bounds all times, as SOURCE_DATE_EPOCH asks for; zero is no bound.
	Newest time.Time
}

// Pack writes what the directory dir holds as a layer: the upper directory of
// an overlay with its whiteouts in OCI's form, or any plain directory. The
// bytes depend on nothing but what is in the directory: names are sorted, times
// are whole seconds, owners have no names.
//
// The root's own entry is written only when it says more than an implied
// directory would. Sockets are left out; a name that would read as a whiteout
// is an error.
func Pack(ctx context.Context, dir string, w io.Writer, o PackOptions) error {
	root, err := os.OpenFile(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("pack layer: %w", err)
	}
	p := &packer{ctx: ctx, tw: tar.NewWriter(w), o: o, links: map[devIno]string{}}
	err = p.root(root)
	err = errors.Join(err, root.Close())
	if err == nil {
		err = p.tw.Close()
	}
	if err != nil {
		return fmt.Errorf("pack layer: %w", err)
	}
	return nil
}

type packer struct {
	ctx   context.Context
	tw    *tar.Writer
	o     PackOptions
	links map[devIno]string // first name of files with several
}

type devIno struct{ dev, ino uint64 }

func (p *packer) root(f *os.File) error {
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return err
	}
	if !attr.Plain() {
		hdr := p.header("./", attr)
		hdr.Typeflag = tar.TypeDir
		if err := p.tw.WriteHeader(hdr); err != nil {
			return err
		}
	}
	return p.dir(f, "")
}

// dir writes what an open directory holds.
func (p *packer) dir(f *os.File, name string) error {
	opaque, err := stack.Opaque(int(f.Fd()))
	if err != nil {
		return inPath(name, err)
	}
	if opaque {
		if err := p.marker(path.Join(name, opaqueName)); err != nil {
			return err
		}
	}
	names, err := f.Readdirnames(-1)
	if err != nil {
		return inPath(name, err)
	}
	slices.Sort(names)
	for _, base := range names {
		if err := p.ctx.Err(); err != nil {
			return context.Cause(p.ctx)
		}
		if err := p.entry(int(f.Fd()), base, path.Join(name, base)); err != nil {
			return err
		}
	}
	return nil
}

// entry writes base, found in the directory dirfd, as name.
func (p *packer) entry(dirfd int, base, name string) error {
	if strings.HasPrefix(base, whiteoutPrefix) {
		return fmt.Errorf("%q cannot be in a layer: it would read as a whiteout", name)
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dirfd, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return inPath(name, err)
	}
	white, err := stack.IsWhiteout(dirfd, base, &st)
	if err != nil {
		return inPath(name, err)
	}
	if white {
		return p.marker(path.Join(path.Dir(name), whiteoutPrefix+base))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		return nil
	case unix.S_IFDIR:
		return p.subdir(dirfd, base, name)
	}
	return p.leaf(dirfd, base, name, &st)
}

// marker writes an empty file that stands for a whiteout.
func (p *packer) marker(name string) error {
	return p.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, ModTime: time.Unix(0, 0)})
}

func (p *packer) subdir(dirfd int, base, name string) error {
	f, err := openAt(dirfd, base, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return inPath(name, err)
	}
	defer f.Close()
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return inPath(name, err)
	}
	hdr := p.header(name+"/", attr)
	hdr.Typeflag = tar.TypeDir
	if err := p.tw.WriteHeader(hdr); err != nil {
		return inPath(name, err)
	}
	return p.dir(f, name)
}

// leaf writes anything but a directory.
func (p *packer) leaf(dirfd int, base, name string, st *unix.Stat_t) error {
	f, err := openAt(dirfd, base, unix.O_PATH)
	if err != nil {
		return inPath(name, err)
	}
	defer f.Close()
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return inPath(name, err)
	}
	hdr := p.header(name, attr)
	id := devIno{st.Dev, st.Ino}
	if first, ok := p.links[id]; ok {
		hdr.Typeflag, hdr.Linkname = tar.TypeLink, first
		return p.tw.WriteHeader(hdr)
	}
	if st.Nlink > 1 {
		p.links[id] = name
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return p.file(dirfd, base, hdr, st.Size)
	case unix.S_IFLNK:
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(int(f.Fd()), "", buf)
		if err != nil {
			return inPath(name, err)
		}
		hdr.Typeflag, hdr.Linkname = tar.TypeSymlink, string(buf[:n])
	case unix.S_IFCHR, unix.S_IFBLK:
		hdr.Typeflag = tar.TypeChar
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			hdr.Typeflag = tar.TypeBlock
		}
		hdr.Devmajor, hdr.Devminor = int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	case unix.S_IFIFO:
		hdr.Typeflag = tar.TypeFifo
	}
	return p.tw.WriteHeader(hdr)
}

// file writes exactly as many bytes as the header says: a file that shrinks
// meanwhile is an error, one that grows is cut.
func (p *packer) file(dirfd int, base string, hdr *tar.Header, size int64) error {
	f, err := openAt(dirfd, base, unix.O_RDONLY)
	if err != nil {
		return inPath(hdr.Name, err)
	}
	defer f.Close()
	hdr.Typeflag, hdr.Size = tar.TypeReg, size
	if err := p.tw.WriteHeader(hdr); err != nil {
		return inPath(hdr.Name, err)
	}
	if _, err := io.CopyN(p.tw, f, size); err != nil {
		return inPath(hdr.Name, err)
	}
	return nil
}

func (p *packer) header(name string, a stack.Attr) *tar.Header {
	t := time.Unix(a.MTime.Sec, 0)
	if !p.o.Newest.IsZero() && t.After(p.o.Newest) {
		t = p.o.Newest.Truncate(time.Second)
	}
	hdr := &tar.Header{Name: name, Mode: int64(a.Mode), Uid: int(a.UID), Gid: int(a.GID), ModTime: t}
	for _, x := range a.Xattrs {
		if !takesXattr(x.Name) {
			continue
		}
		if hdr.PAXRecords == nil {
			hdr.PAXRecords = map[string]string{}
		}
		hdr.PAXRecords[paxXattr+x.Name] = string(x.Value)
	}
	return hdr
}

func openAt(dirfd int, base string, flags int) (*os.File, error) {
	fd, err := openBeneath(dirfd, base, flags)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), base), nil
}

func inPath(name string, err error) error { return fmt.Errorf("%q: %w", name, err) }
