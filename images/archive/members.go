package archive

import (
	"archive/tar"
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"gantry/images"
	"gantry/images/assemble"
	"gantry/images/store"
)

// Bounds of an archive. Real ones have some hundred members and some kilobytes
// of documents.
const (
	maxMembers   = 100_000
	maxName      = 4096
	maxDocuments = 64 << 20 // of all documents together
	maxLinks     = 16       // links to links
)

// errSparse: a sparse member of a few bytes may stand for exabytes of zeros, and
// no tool that saves images writes one.
var errSparse = fmt.Errorf("%w: it is a sparse file", images.ErrHostile)

// isSparse recognises sparse files in the PAX format; in the GNU format the
// type tells.
func isSparse(h *tar.Header) bool {
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// members is what an archive holds, by name.
type members struct {
	s      *store.Store
	lease  *store.Lease
	report func(images.Progress)

	small map[string][]byte           // documents, in memory
	blobs map[string]store.Descriptor // the rest, in the store
	links map[string]string           // name: name of what it stands for
	bytes int64                       // of the documents
}

// readMembers reads the tar to its end.
func readMembers(ctx context.Context, s *store.Store, l *store.Lease, r io.Reader, report func(images.Progress)) (*members, error) {
	m := &members{s: s, lease: l, report: report, small: map[string][]byte{}, blobs: map[string]store.Descriptor{}, links: map[string]string{}}
	t := tar.NewReader(reader{ctx, r})
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return m, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", readError(ctx, err))
		}
		if n >= maxMembers || len(h.Name) > maxName || len(h.Linkname) > maxName {
			return nil, fmt.Errorf("read archive: %w: more than %d members, or one with an endless name", images.ErrHostile, maxMembers)
		}
		if err := m.add(ctx, h, body{ctx, t}); err != nil {
			return nil, fmt.Errorf("read archive: member %q: %w", h.Name, err)
		}
	}
}

// body reads a member and tells a broken archive from what breaks while its
// bytes are stored.
type body struct {
	ctx context.Context
	r   io.Reader
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = readError(b.ctx, err)
	}
	return n, err
}

func readError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("%w: the archive breaks off or is no tar: %w", images.ErrCorrupt, err)
}

// key makes the names of members comparable. They are only ever compared.
func key(name string) string { return path.Clean("/" + name)[1:] }

func (m *members) add(ctx context.Context, h *tar.Header, r io.Reader) error {
	name := key(h.Name)
	switch h.Typeflag {
	case tar.TypeReg:
		if isSparse(h) {
			return errSparse
		}
	case tar.TypeSymlink:
		m.links[name] = key(path.Join(path.Dir(name), h.Linkname))
		return nil
	case tar.TypeLink:
		m.links[name] = key(h.Linkname)
		return nil
	case tar.TypeGNUSparse:
		return errSparse
	default:
		return nil // folders, and what has no place in an image archive
	}
	if hex, ok := strings.CutPrefix(name, "blobs/sha256/"); ok {
		d, err := images.ParseDigest("sha256:" + hex)
		if err != nil {
			return err
		}
		return m.blob(ctx, name, d, h.Size, r)
	}
	return m.other(ctx, name, h.Size, r)
}

// blob stores a member whose name tells its digest.
func (m *members) blob(ctx context.Context, name string, d images.Digest, size int64, r io.Reader) error {
	in, err := m.s.Ingest(ctx, m.lease, d, size)
	if err != nil {
		return err
	}
	defer in.Close()
	// The archive repeats what an earlier, broken load has left.
	if _, err := io.CopyN(io.Discard, r, in.Offset()); err != nil {
		return err
	}
	if in.Offset() < size {
		if err := m.copy(in, r, d.Short(), in.Offset(), size); err != nil {
			return err
		}
	}
	if err := in.Commit(); err != nil {
		return err
	}
	m.blobs[name] = store.Descriptor{Digest: d, Size: size}
	m.tell(images.Progress{ID: d.Short(), Done: size, Total: size, State: images.Waiting})
	return nil
}

// other stores a member of an older archive: a document that is kept in memory,
// or a layer.
func (m *members) other(ctx context.Context, name string, size int64, r io.Reader) error {
	br := bufio.NewReaderSize(r, 64<<10)
	if first, err := br.Peek(1); size <= store.MaxManifest && (err == io.EOF || isDocument(name, first)) {
		if m.bytes += size; m.bytes > maxDocuments {
			return fmt.Errorf("%w: its documents have more than %d bytes together", images.ErrHostile, maxDocuments)
		}
		b, err := io.ReadAll(br)
		if err != nil {
			return err
		}
		m.small[name] = b
		return nil
	}
	d, err := assemble.Store(ctx, m.s, m.lease, br, func(w io.Writer, r io.Reader) error {
		return m.copy(w, r, path.Base(path.Dir("/"+name)), 0, size)
	})
	if err != nil {
		return err
	}
	m.blobs[name] = d
	return nil
}

// isDocument tells documents from layers. No tar begins with a brace: it begins
// with the name of its first entry, and none is called so.
func isDocument(name string, first []byte) bool {
	switch {
	case strings.HasSuffix(name, ".tar"), len(first) == 0:
		return false
	case path.Base(name) == "VERSION", strings.HasSuffix(name, ".json"):
		return true
	}
	return first[0] == '{' || first[0] == '['
}

// copy reports what it copies, now and then.
func (m *members) copy(w io.Writer, r io.Reader, id string, at, size int64) error {
	_, err := io.Copy(&counter{w: w, tell: func(n int64) {
		m.tell(images.Progress{ID: id, Done: at + n, Total: size, State: images.Downloading, Text: "reading"})
	}}, r)
	return err
}

func (m *members) tell(p images.Progress) {
	if m.report != nil {
		m.report(p)
	}
}

// counter tells after each step of so many bytes.
type counter struct {
	w       io.Writer
	n, told int64
	tell    func(int64)
}

const countStep = 4 << 20

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	if c.n-c.told >= countStep {
		c.told = c.n
		c.tell(c.n)
	}
	return n, err
}

// resolve follows links to the name of a member.
func (m *members) resolve(name string) string {
	name = key(name)
	for range maxLinks {
		to, ok := m.links[name]
		if !ok {
			break
		}
		name = to
	}
	return name
}

// document returns a small member, wherever it was put.
func (m *members) document(name string) ([]byte, error) {
	name = m.resolve(name)
	if b, ok := m.small[name]; ok {
		return b, nil
	}
	if d, ok := m.blobs[name]; ok {
		return m.s.ReadBlob(d.Digest, store.MaxManifest)
	}
	return nil, fmt.Errorf("the archive has no %q: %w", name, images.ErrNotFound)
}

// layer returns a member as a blob in the store.
func (m *members) layer(ctx context.Context, name string) (store.Descriptor, error) {
	name = m.resolve(name)
	if d, ok := m.blobs[name]; ok {
		return d, nil
	}
	b, ok := m.small[name]
	if !ok {
		return store.Descriptor{}, fmt.Errorf("the archive has no layer %q: %w", name, images.ErrCorrupt)
	}
	// Tiny, and taken for a document.
	return assemble.Store(ctx, m.s, m.lease, bufio.NewReader(strings.NewReader(string(b))), plainCopy)
}

func plainCopy(w io.Writer, r io.Reader) error {
	_, err := io.Copy(w, r)
	return err
}
