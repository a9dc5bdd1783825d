package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/layers"
	"gantry/images/snapshot/stack"
)

// Options of Layer.
type Options struct {
	Rootfs   string // an empty directory that is the layer's root afterwards
	Limits   Limits
	Digests  bool              // also index the digest of each file's content
	Progress func(total int64) // called with the bytes of tar read so far, from another goroutine; may be nil
}

// Result is what one pass over a layer found out. It may be stored as JSON; the
// index has its own encoding.
type Result struct {
	DiffID  images.Digest `json:"diffID"`
	Stream  int64         `json:"stream"`  // bytes of the uncompressed tar
	Size    int64         `json:"size"`    // bytes that the layer's files hold
	Entries int           `json:"entries"` // entries of the archive
	Fixups  Fixups        `json:"fixups"`
	// Dropped names extended attributes that were left out, because gantry
	// takes none of their kind or the file system has none: "name: count".
	Dropped map[string]int `json:"dropped,omitempty"`
	// Index is nil, and Size 0, until Fix has run when Fixups.Replay is set.
	Index *layers.Index `json:"-"`

	opts Options
}

// Layer unpacks an uncompressed tar stream into the empty directory o.Rootfs.
// The stream is read to its end, also beyond the end of the archive, because
// all of it belongs to the DiffID; comparing that is the caller's part, and
// until it matches nothing of the result may be used.
//
// After an error the directory holds whatever was unpacked until then; removing
// it is the caller's part, too.
//
// Layer returns only after its last read of the stream has returned. A stream
// that can block must therefore end when ctx does.
func Layer(ctx context.Context, stream io.Reader, o Options) (*Result, error) {
	return layer(ctx, stream, o, nil)
}

// layer unpacks over lower, the layers below, where they are known.
func layer(ctx context.Context, r io.Reader, o Options, lower *stack.Stack) (*Result, error) {
	o.Limits = o.Limits.withDefaults()
	u, err := newUnpacker(o, lower)
	if err != nil {
		return nil, err
	}
	defer u.dirs.close()
	if undo := spread(u.dirs.root); undo != nil {
		u.spread = true
		defer undo() // before the descriptor is closed
	}
	s := newStream(ctx, r, o.Limits.Stream, o.Progress)
	err = u.archive(ctx, s)
	if err == nil {
		err = s.drain()
	}
	s.Close()
	if s.err != nil {
		// What the tar reader made of a broken source is of no interest.
		return nil, s.err
	}
	if err != nil {
		return nil, err
	}
	res := &Result{DiffID: s.digest(), Stream: s.total, Entries: u.entries, Dropped: u.dropped, opts: o}
	if u.fix.Replay == "" {
		if err := u.finish(); err != nil {
			return nil, err
		}
		res.Index, res.Size = u.index, u.index.Size()
	}
	res.Fixups = u.fix
	return res, nil
}

// unpacker holds one pass over an archive.
type unpacker struct {
	opts  Options
	root  *node
	dirs  *dirCache
	lower *stack.Stack // nil while the layers below are not known

	fix     Fixups
	index   *layers.Index
	dropped map[string]int

	entries int
	bytes   int64
	now     unix.Timespec // time of the entry in work, for what it implies
	started bool          // a first entry was seen
	chown   bool          // new files are not root's by themselves
	spread  bool          // directories in the root get block groups of their own
	buf     []byte

	lastDir  string // the last parent directory that was resolved
	lastNode *node  // nil after anything was removed
}

func newUnpacker(o Options, lower *stack.Stack) (*unpacker, error) {
	dirs, err := openRoot(o.Rootfs)
	if err != nil {
		return nil, fmt.Errorf("open layer root: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(dirs.root, &st); err != nil {
		dirs.close()
		return nil, fmt.Errorf("read layer root: %w", err)
	}
	return &unpacker{
		opts: o, dirs: dirs, lower: lower,
		root: &node{ino: impliedInode(unix.Timespec{}), implied: true},
		// A set-group-id root would hand its group to everything in it.
		chown: unix.Geteuid() != 0 || unix.Getegid() != 0 || st.Gid != 0 && st.Mode&unix.S_ISGID != 0,
		buf:   make([]byte, chunkSize),
	}, nil
}

// archive applies all entries, or those before one that cannot be settled
// without the layers below.
func (u *unpacker) archive(ctx context.Context, s *stream) error {
	tr := tar.NewReader(s)
	for u.fix.Replay == "" {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return corrupt("read archive after entry %d: %v", u.entries, err)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		err = u.entry(hdr, tr)
		if u.presumed(err) {
			u.fix.Replay = hdr.Name
			return nil
		}
		if err != nil {
			return inEntry(hdr.Name, err)
		}
	}
	return nil
}

// presumed tells whether an entry may make no sense only because a path before
// it was wrongly taken for a directory.
func (u *unpacker) presumed(err error) bool {
	return u.lower == nil && len(u.fix.Through) > 0 && errors.Is(err, images.ErrCorrupt)
}

// entry applies one entry.
func (u *unpacker) entry(hdr *tar.Header, r io.Reader) error {
	if u.entries++; u.entries > u.opts.Limits.Entries {
		return hostile("more than %d entries", u.opts.Limits.Entries)
	}
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := cleanName(hdr.Name)
	if err != nil {
		return err
	}
	u.now = timespec(hdr.ModTime)
	if !u.started {
		// An archive without an entry for its root says nothing of its age;
		// the first entry's makes unpacking repeatable.
		u.started, u.root.ino.attr.MTime = true, u.now
	}
	if name == "." {
		return u.rootEntry(hdr)
	}
	act, dir, base, err := split(name)
	if err != nil || act == skip {
		return err
	}
	parent, err := u.directory(dir)
	if act == hide && errors.Is(err, errNotDir) {
		return nil // A file below, say, that the layer replaces by a directory.
	}
	if err != nil {
		return err
	}
	switch act {
	case hide:
		return u.hide(parent)
	case delete_:
		return u.delete(parent, base)
	}
	return u.place(parent, base, hdr, r)
}

// rootEntry takes the attributes of the root. Its name, owner and mode reach
// every container, so it is never implied by what is in it.
func (u *unpacker) rootEntry(hdr *tar.Header) error {
	if hdr.Typeflag != tar.TypeDir {
		return hostile("the root is not a directory")
	}
	ino, err := u.inode(hdr)
	if err != nil {
		return err
	}
	u.root.ino, u.root.implied = ino, false
	return nil
}
