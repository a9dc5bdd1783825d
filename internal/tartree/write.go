package tartree

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// paxXattr begins the records of extended attributes (star, GNU tar, docker).
const paxXattr = "SCHILY.xattr."

// Writer writes entries to a tar stream: sockets are left out, further names of
// a file are hard links, and a directory's entries come in order of their names.
type Writer struct {
	// Skip, when set, tells which entries are left out, by their names in the
	// archive.
	Skip func(name string, f *os.File, st *unix.Stat_t) (bool, error)

	ctx   context.Context
	tw    *tar.Writer
	links map[inode]string
	size  int64
}

type inode struct{ dev, ino uint64 }

// NewWriter writes to w.
func NewWriter(ctx context.Context, w io.Writer) *Writer {
	return &Writer{ctx: ctx, tw: tar.NewWriter(w), links: map[inode]string{}}
}

// Close ends the archive; it does not close what it is written to.
func (w *Writer) Close() error { return w.tw.Close() }

// Size is the bytes of content so far.
func (w *Writer) Size() int64 { return w.size }

// OpenEntry opens an entry of a directory as it is, whatever it is.
func OpenEntry(dir *os.File, base string) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: base, Err: err}
	}
	return os.NewFile(uintptr(fd), base), nil
}

// Tree writes what f is, an O_PATH descriptor, and all below it as name.
func (w *Writer) Tree(f *os.File, name string) error { return w.write(f, name, true) }

// Entry writes what f is as name, without what is in it.
func (w *Writer) Entry(f *os.File, name string) error { return w.write(f, name, false) }

// Contents writes what the directory f holds, below name.
func (w *Writer) Contents(f *os.File, name string) error {
	dir, err := os.Open(procPath(f))
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, base := range names {
		if err := w.ctx.Err(); err != nil {
			return context.Cause(w.ctx)
		}
		child, err := OpenEntry(dir, base)
		if errors.Is(err, unix.ENOENT) {
			continue // a container that runs has removed it
		}
		if err != nil {
			return err
		}
		err = w.write(child, under(name, base), true)
		child.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// under names an entry; what is in "." keeps the dot, as in docker's archives.
func under(name, base string) string {
	if name == "" {
		return base
	}
	return name + "/" + base
}

// Whiteout writes the mark of a deleted entry.
func (w *Writer) Whiteout(name string) error {
	dir, base := path.Split(name)
	return w.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: dir + ".wh." + base, ModTime: time.Unix(0, 0), Format: tar.FormatPAX})
}

func (w *Writer) write(f *os.File, name string, deep bool) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return &os.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT == unix.S_IFSOCK {
		return nil
	}
	if w.Skip != nil {
		if skip, err := w.Skip(name, f, &st); skip || err != nil {
			return err
		}
	}
	hdr, err := header(f, name, &st)
	if err != nil {
		return fmt.Errorf("archive %s: %w", name, err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		if err := w.tw.WriteHeader(hdr); err != nil || !deep {
			return err
		}
		return w.Contents(f, name)
	case unix.S_IFREG:
		return w.file(f, hdr, &st)
	}
	return w.tw.WriteHeader(hdr)
}

func (w *Writer) file(f *os.File, hdr *tar.Header, st *unix.Stat_t) error {
	if st.Nlink > 1 {
		id := inode{st.Dev, st.Ino}
		if first, ok := w.links[id]; ok {
			hdr.Typeflag, hdr.Linkname, hdr.Size = tar.TypeLink, first, 0
			return w.tw.WriteHeader(hdr)
		}
		w.links[id] = hdr.Name
	}
	src, err := os.Open(procPath(f))
	if err != nil {
		return fmt.Errorf("archive %s: %w", hdr.Name, err)
	}
	defer src.Close()
	if err := w.tw.WriteHeader(hdr); err != nil {
		return err
	}
	n, err := io.CopyN(w.tw, src, hdr.Size)
	w.size += n
	if errors.Is(err, io.EOF) {
		// It has shrunk since: its size is written, so the rest is zeros.
		_, err = io.CopyN(w.tw, zeros{}, hdr.Size-n)
	}
	if err != nil {
		return fmt.Errorf("archive %s: %w", hdr.Name, err)
	}
	return nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func header(f *os.File, name string, st *unix.Stat_t) (*tar.Header, error) {
	attr, err := stack.ReadAttr(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	hdr := &tar.Header{
		Name: name, Mode: int64(attr.Mode), Uid: int(attr.UID), Gid: int(attr.GID), ModTime: time.Unix(attr.MTime.Sec, 0), Format: tar.FormatPAX,
	}
	for _, x := range attr.Xattrs {
		if !takesXattr(x.Name) {
			continue
		}
		if hdr.PAXRecords == nil {
			hdr.PAXRecords = map[string]string{}
		}
		hdr.PAXRecords[paxXattr+x.Name] = string(x.Value)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		hdr.Typeflag = tar.TypeDir
		if !strings.HasSuffix(name, "/") {
			hdr.Name += "/"
		}
	case unix.S_IFREG:
		hdr.Typeflag, hdr.Size = tar.TypeReg, st.Size
	case unix.S_IFLNK:
		hdr.Typeflag = tar.TypeSymlink
		hdr.Linkname, err = readlink(f)
	case unix.S_IFIFO:
		hdr.Typeflag = tar.TypeFifo
	case unix.S_IFCHR, unix.S_IFBLK:
		hdr.Typeflag = tar.TypeChar
		if st.Mode&unix.S_IFMT == unix.S_IFBLK {
			hdr.Typeflag = tar.TypeBlock
		}
		hdr.Devmajor, hdr.Devminor = int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	}
	return hdr, err
}

func readlink(f *os.File) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(f.Fd()), "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// takesXattr: what belongs to a file and not to the host. Labels of SELinux,
// IMA and EVM are the host's policy, and trusted attributes its secrets.
func takesXattr(name string) bool {
	switch name {
	case "security.capability", "system.posix_acl_access", "system.posix_acl_default":
		return true
	}
	return strings.HasPrefix(name, "user.")
}

// procPath opens what an O_PATH descriptor is: it cannot be swapped meanwhile,
// and a FIFO or a device in the place of a file would have been seen.
func procPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// OpenBeneath opens a directory whose path passes no link.
func OpenBeneath(root *os.File, name string) (*os.File, error) {
	how := &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(int(root.Fd()), name, how)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), name), nil
	}
}
