package content

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"gantry/images"
	"gantry/images/snapshot/stack"
)

// sum is what an inode holds besides what its status says: the bytes of a
// regular file and the extended attributes of anything.
type sum struct {
	digest [sha256.Size]byte
	// young is set when the file may change once more without its times showing
	// it, because it was written a moment before it was read.
	young bool
}

// ident tells whether an inode is the same and unchanged. Whatever changes bytes
// or attributes sets ctime, which no program can set at will.
type ident struct {
	dev, ino, mode uint64
	size           int64
	mtime, ctime   unix.Timespec
}

func identify(st *unix.Stat_t) ident {
	id := ident{dev: st.Dev, ino: st.Ino, mode: uint64(st.Mode), size: st.Size, mtime: st.Mtim, ctime: st.Ctim}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		id.size = 0 // the file system's own affair
	}
	return id
}

// Digest is that of all that the selection holds, by content: the same names,
// modes, owners and bytes have the same digest, on every machine.
func (s *Selection) Digest(ctx context.Context) (images.Digest, error) {
	if err := s.read(ctx); err != nil {
		return "", err
	}
	h := sha256.New()
	w := folder{h: h}
	w.text("gantry content 1")
	for i := range s.Groups {
		w.group(&s.Groups[i], s.mount)
	}
	return images.Digest(fmt.Sprintf("sha256:%x", h.Sum(nil))), nil
}

// folder writes entries in a form in which no two selections are the same bytes.
type folder struct {
	h   hash.Hash
	buf []byte
}

func (w *folder) text(s string) {
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(len(s)))
	w.buf = append(w.buf, s...)
	w.h.Write(w.buf)
}

func (w *folder) group(g *Group, mount bool) {
	w.text(g.Name)
	w.h.Write(binary.AppendUvarint(w.buf[:0], uint64(len(g.Entries))))
	for i := range g.Entries {
		e := &g.Entries[i]
		// What is copied of a directory is what is in it; the destination has
		// attributes of its own.
		w.entry(e, mount || i > 0 || !e.node.isDir())
	}
}

func (w *folder) entry(e *Entry, attributes bool) {
	w.text(e.Path)
	b := append(w.buf[:0], byte(e.Type()>>12))
	if attributes {
		uid, gid := e.Owner()
		b = binary.AppendUvarint(b, uint64(e.Mode()))
		b = binary.AppendUvarint(b, uint64(uid))
		b = binary.AppendUvarint(b, uint64(gid))
		b = append(b, e.node.sum.Load().digest[:]...)
	}
	w.h.Write(b)
	switch e.Type() {
	case unix.S_IFLNK:
		w.text(e.Link())
	case unix.S_IFCHR, unix.S_IFBLK:
		w.h.Write(binary.AppendUvarint(w.buf[:0], e.Device()))
	}
	w.buf = b
}

// read makes the sums of all entries known, from the stat cache where it has
// them.
func (s *Selection) read(ctx context.Context) error {
	todo, err := s.unread()
	if err != nil || len(todo) == 0 {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	const batch = 64
	for len(todo) > 0 {
		part := todo[:min(batch, len(todo))]
		todo = todo[len(part):]
		g.Go(func() error { return s.tree.readSums(ctx, part) })
	}
	return g.Wait()
}

// unread are the nodes whose sums nobody knows.
func (s *Selection) unread() ([]*node, error) {
	if s.tree.cache != nil {
		s.tree.cache.load()
	}
	var todo []*node
	for _, g := range s.Groups {
		for i := range g.Entries {
			n := g.Entries[i].node
			if n.sum.Load() != nil {
				continue
			}
			if k := n.kind(); k != unix.S_IFREG && k != unix.S_IFDIR {
				n.sum.Store(&sum{}) // its status says all that an image can keep
				continue
			}
			if d, ok := s.tree.cache.lookup(n); ok {
				n.sum.Store(&sum{digest: d})
				continue
			}
			todo = append(todo, n)
		}
	}
	return todo, nil
}

func (t *Tree) readSums(ctx context.Context, nodes []*node) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for _, n := range nodes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := t.readSum(n, *buf)
		if err != nil {
			return inPath("read", n.path(), err)
		}
		n.sum.Store(got)
		if !got.young {
			t.cache.learn(n, got.digest)
		}
	}
	return nil
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

func (t *Tree) readSum(n *node, buf []byte) (*sum, error) {
	start := time.Now()
	fd, err := t.openFD(n.path(), unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readSum(fd, &n.st, start, buf)
}

// readSum reads an open file or directory that is expected to be as st says.
func readSum(fd int, st *unix.Stat_t, start time.Time, buf []byte) (*sum, error) {
	h := sha256.New()
	if st.Mode&unix.S_IFMT == unix.S_IFREG {
		if err := readBytes(h, fd, st.Size, buf); err != nil {
			return nil, err
		}
	}
	xattrs, err := imageXattrs(fd)
	if err != nil {
		return nil, err
	}
	var now unix.Stat_t
	if err := unix.Fstat(fd, &now); err != nil {
		return nil, err
	}
	if identify(&now) != identify(st) {
		return nil, ErrChanged
	}
	return &sum{digest: withXattrs(h, xattrs), young: young(&now, start)}, nil
}

// readBytes reads exactly what the status promises. A file that shrinks or grows
// is found out by its times, too, but not before all of it was read.
func readBytes(h hash.Hash, fd int, size int64, buf []byte) error {
	var total int64
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		h.Write(buf[:n])
		if total += int64(n); total > size {
			return ErrChanged
		}
	}
	if total != size {
		return ErrChanged
	}
	return nil
}

// withXattrs is h's sum, and with extended attributes that of both.
func withXattrs(h hash.Hash, xattrs []stack.Xattr) (d [sha256.Size]byte) {
	h.Sum(d[:0])
	if len(xattrs) == 0 {
		return d
	}
	h.Reset()
	h.Write(d[:])
	w := folder{h: h}
	for _, x := range xattrs {
		w.text(x.Name)
		w.text(string(x.Value))
	}
	h.Sum(d[:0])
	return d
}

// young tells whether a file that is read at start could change afterwards and
// look the same. The kernel's clock for times of files moves in ticks of up to
// 10 ms; file systems without nanoseconds count in up to two seconds. A time in
// the future is nobody's proof of anything.
func young(st *unix.Stat_t, start time.Time) bool {
	slack := 50 * time.Millisecond
	if st.Ctim.Nsec == 0 {
		slack = 2 * time.Second
	}
	return start.Sub(time.Unix(st.Ctim.Unix())) < slack
}

// Verify reads an entry that was written a moment before it was hashed once
// more, from f, which Open returned for it: its times do not tell whether it has
// changed since. For any other, and for one that was never hashed, it does
// nothing.
func (s *Selection) Verify(e *Entry, f *os.File) error {
	known := e.node.sum.Load()
	if known == nil || !known.young || e.Type() != unix.S_IFREG {
		return nil
	}
	if _, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_SET); err != nil {
		return inPath("read", e.node.path(), err)
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	got, err := readSum(int(f.Fd()), &e.node.st, time.Now(), *buf)
	if err != nil {
		return inPath("read", e.node.path(), err)
	}
	if got.digest != known.digest {
		return changed(e.node.path())
	}
	return nil
}
