package tartree

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/images/trash"
)

// Owner is a user and a group.
type Owner struct{ UID, GID int }

// ExtractOptions of Extract.
type ExtractOptions struct {
	// KeepTypes refuses a directory where something else is, and the other way
	// round; otherwise what is there is replaced.
	KeepTypes bool
	// NoOwners leaves everything to whoever extracts.
	NoOwners bool
	// Owner, when set, is given everything.
	Owner *Owner
}

// OpenIn opens name as a process whose root is the directory root would.
func OpenIn(root *os.File, name string, flags int) (*os.File, error) {
	how := &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if name == "" {
		name = "."
	}
	// EAGAIN: a rename elsewhere raced with the lookup of a "..". A container
	// that renames all the time must not hold us for ever.
	err := error(unix.EAGAIN)
	for range 1000 {
		var fd int
		if fd, err = unix.Openat2(int(root.Fd()), name, how); err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	return nil, &os.PathError{Op: "open", Path: name, Err: err}
}

// Extract takes in a tar stream at the directory dir of root, and returns the
// bytes of content.
func Extract(ctx context.Context, root *os.File, dir string, r io.Reader, o ExtractOptions) (int64, error) {
	x := &extractor{ctx: ctx, root: root, dir: dir, o: o}
	tr := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return x.size, context.Cause(ctx)
		}
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return x.size, x.finish()
		}
		if err != nil {
			return x.size, fmt.Errorf("read archive: %w", err)
		}
		if err := x.entry(hdr, tr); err != nil {
			return x.size, fmt.Errorf("extract %s: %w", hdr.Name, err)
		}
	}
}

type extractor struct {
	ctx  context.Context
	root *os.File
	dir  string
	o    ExtractOptions
	size int64
	dirs []*tar.Header // whose times are set last: what is made in them changes them
}

// maxDirs bounds how many directories get their times back.
const maxDirs = 1 << 20

func (x *extractor) entry(hdr *tar.Header, r io.Reader) error {
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := path.Clean("/" + hdr.Name)
	if name == "/" {
		if hdr.Typeflag != tar.TypeDir {
			return errors.New("the archive's root is not a directory")
		}
		return nil // the directory that is there keeps its attributes, as in docker
	}
	parent, err := x.parent(path.Dir(name))
	if err != nil {
		return err
	}
	defer parent.Close()
	base := path.Base(name)
	kept, err := x.clear(parent, base, hdr)
	if err != nil {
		return err
	}
	if err := x.make(parent, base, hdr, r, kept); err != nil {
		return err
	}
	if hdr.Typeflag == tar.TypeLink {
		return nil
	}
	f, err := OpenEntry(parent, base)
	if err != nil {
		return err
	}
	defer f.Close()
	if hdr.Typeflag == tar.TypeDir && len(x.dirs) < maxDirs {
		x.dirs = append(x.dirs, hdr)
	}
	return x.attributes(f, hdr)
}

// parent opens the directory of an entry and makes it when it is not there. Its
// path may lead through links, which end at the root.
func (x *extractor) parent(dir string) (*os.File, error) {
	full := path.Join(x.dir, dir)
	f, err := OpenIn(x.root, full, unix.O_RDONLY|unix.O_DIRECTORY)
	if !errors.Is(err, unix.ENOENT) || dir == "/" {
		return f, err
	}
	above, err := x.parent(path.Dir(dir))
	if err != nil {
		return nil, err
	}
	defer above.Close()
	if err := unix.Mkdirat(int(above.Fd()), path.Base(dir), 0o755); err != nil && err != unix.EEXIST {
		return nil, &os.PathError{Op: "mkdir", Path: full, Err: err}
	}
	return OpenIn(x.root, full, unix.O_RDONLY|unix.O_DIRECTORY)
}

// clear makes room for an entry. kept tells that what is there stays: a
// directory, or a file that something is mounted on.
func (x *extractor) clear(parent *os.File, base string, hdr *tar.Header) (kept bool, err error) {
	var st unix.Stat_t
	err = unix.Fstatat(int(parent.Fd()), base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	there, comes := st.Mode&unix.S_IFMT == unix.S_IFDIR, hdr.Typeflag == tar.TypeDir
	switch {
	case there && comes:
		return true, nil
	case there && x.o.KeepTypes:
		return false, fmt.Errorf("cannot overwrite directory %q with non-directory %q", base, base)
	case comes && x.o.KeepTypes:
		return false, fmt.Errorf("cannot overwrite non-directory %q with directory %q", base, base)
	}
	err = trash.Delete(procPath(parent) + "/" + base)
	if errors.Is(err, unix.EBUSY) && hdr.Typeflag == tar.TypeReg && st.Mode&unix.S_IFMT == unix.S_IFREG {
		return true, nil
	}
	return false, err
}

func (x *extractor) make(parent *os.File, base string, hdr *tar.Header, r io.Reader, kept bool) error {
	fd := int(parent.Fd())
	switch hdr.Typeflag {
	case tar.TypeDir:
		if kept {
			return nil
		}
		return unix.Mkdirat(fd, base, 0o700)
	case tar.TypeReg, tar.TypeGNUSparse:
		return x.file(fd, base, r, kept)
	case tar.TypeSymlink:
		return unix.Symlinkat(hdr.Linkname, fd, base)
	case tar.TypeLink:
		return x.link(fd, base, hdr.Linkname)
	case tar.TypeFifo:
		return unix.Mknodat(fd, base, unix.S_IFIFO|0o600, 0)
	case tar.TypeChar, tar.TypeBlock:
		kind := uint32(unix.S_IFCHR)
		if hdr.Typeflag == tar.TypeBlock {
			kind = unix.S_IFBLK
		}
		return unix.Mknodat(fd, base, kind|0o600, int(unix.Mkdev(uint32(hdr.Devmajor), uint32(hdr.Devminor))))
	}
	return fmt.Errorf("entries of type %q are not known", hdr.Typeflag)
}

// link resolves the other name as the entry's directory was.
func (x *extractor) link(fd int, base, target string) error {
	name := path.Clean("/" + target)
	other, err := OpenIn(x.root, path.Join(x.dir, path.Dir(name)), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer other.Close()
	return unix.Linkat(int(other.Fd()), path.Base(name), fd, base, 0)
}

func (x *extractor) file(dir int, base string, r io.Reader, kept bool) (err error) {
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL
	if kept {
		flags = unix.O_WRONLY | unix.O_TRUNC | unix.O_NONBLOCK
	}
	fd, err := unix.Openat(dir, base, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), base)
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := io.Copy(&holes{f: f}, r)
	x.size += n
	if err != nil {
		return err
	}
	return f.Truncate(n)
}

// holes leaves out what is all zeros, so that a sparse file stays one.
type holes struct {
	f  *os.File
	at int64
}

var zeroBlock [4 << 10]byte

func (h *holes) Write(b []byte) (int, error) {
	for done := 0; done < len(b); {
		piece := b[done:min(len(b), done+len(zeroBlock))]
		if !bytes.Equal(piece, zeroBlock[:len(piece)]) {
			if _, err := h.f.WriteAt(piece, h.at); err != nil {
				return done, err
			}
		}
		h.at += int64(len(piece))
		done += len(piece)
	}
	return len(b), nil
}

// attributes come in the kernel's order: chown(2) clears set-id bits and
// capabilities.
func (x *extractor) attributes(f *os.File, hdr *tar.Header) error {
	owner := Owner{hdr.Uid, hdr.Gid}
	if x.o.Owner != nil {
		owner = *x.o.Owner
	}
	if !x.o.NoOwners {
		if err := unix.Fchownat(int(f.Fd()), "", owner.UID, owner.GID, unix.AT_EMPTY_PATH); err != nil {
			return os.NewSyscallError("chown", err)
		}
	}
	link := hdr.Typeflag == tar.TypeSymlink
	if !link {
		if err := unix.Chmod(procPath(f), uint32(hdr.Mode)&0o7777); err != nil {
			return os.NewSyscallError("chmod", err)
		}
	}
	for key, value := range hdr.PAXRecords {
		name, ok := strings.CutPrefix(key, paxXattr)
		if !ok || !takesXattr(name) {
			continue
		}
		err := unix.Setxattr(procPath(f), name, []byte(value), 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return setTime(f, hdr.ModTime)
}

func setTime(f *os.File, t time.Time) error {
	ts, err := unix.TimeToTimespec(t)
	if err != nil {
		return nil // beyond what the kernel keeps
	}
	return os.NewSyscallError("utimensat", unix.UtimesNanoAt(unix.AT_FDCWD, procPath(f), []unix.Timespec{ts, ts}, 0))
}

// finish gives directories their times.
func (x *extractor) finish() error {
	for i := len(x.dirs) - 1; i >= 0; i-- {
		hdr := x.dirs[i]
		name := path.Clean("/" + hdr.Name)
		parent, err := x.parent(path.Dir(name))
		if err != nil {
			continue // a container that runs has moved it
		}
		if f, err := OpenEntry(parent, path.Base(name)); err == nil {
			err = setTime(f, hdr.ModTime)
			f.Close()
			if err != nil && !errors.Is(err, unix.EROFS) {
				parent.Close()
				return err
			}
		}
		parent.Close()
	}
	return nil
}
