package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// Ingest is a blob that is arriving. Its bytes gather in ROOT/ingest/<hex>,
// locked by their writer, and stay there when the writer stops or dies, so that
// the next one continues at Offset.
type Ingest struct {
	s      *Store
	l      *Lease
	digest images.Digest
	size   int64

	f    *os.File // locked; nil when the blob was there already
	hash hash.Hash
	full bool // the disk was: the partial blob is given up

	started int64 // bytes whose writing to the disk has been started

	mu      sync.Mutex
	changed *sync.Cond // offset or end changed
	offset  int64      // guarded by mu; bytes written and hashed
	end     error      // guarded by mu; why no more will come, io.EOF when all came
}

// Ingest opens the blob d of size bytes for writing. Another process that
// writes the same blob is waited for; when the blob is complete by then, the
// Ingest is complete as well: its Offset is size and Commit has nothing to do.
// The bytes of an earlier attempt are hashed again, as nobody knows who left
// them.
func (s *Store) Ingest(ctx context.Context, l *Lease, d images.Digest, size int64) (*Ingest, error) {
	if _, err := images.ParseDigest(string(d)); err != nil {
		return nil, fmt.Errorf("ingest blob: %w", err)
	}
	if size < 0 {
		return nil, fmt.Errorf("ingest blob %s: its size is unknown", d.Short())
	}
	if err := l.Blob(d); err != nil {
		return nil, err
	}
	in := &Ingest{s: s, l: l, digest: d, size: size, hash: sha256.New()}
	in.changed = sync.NewCond(&in.mu)
	if err := in.open(ctx); err != nil {
		return nil, s.explainSpace(fmt.Errorf("ingest blob %s: %w", d.Short(), err))
	}
	if in.f == nil {
		in.offset, in.end = size, io.EOF
		return in, nil
	}
	if err := in.rehash(ctx); err != nil {
		in.f.Close()
		return nil, fmt.Errorf("ingest blob %s: %w", d.Short(), err)
	}
	return in, nil
}

func (s *Store) partialPath(d images.Digest) string { return s.inRoot("ingest", d.Hex()) }

// open gets the lock on the partial blob, or finds the blob complete.
func (in *Ingest) open(ctx context.Context) error {
	path := in.s.partialPath(in.digest)
	for {
		if in.s.hasBlob(in.digest, in.size) {
			return nil
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if err := flock(ctx, f, unix.LOCK_EX); err != nil {
			f.Close()
			return err
		}
		// The holder that we waited for has renamed the file into blobs/ or
		// removed it, or nobody held it and it is ours.
		if named(f, path) {
			in.f = f
			return nil
		}
		f.Close()
	}
}

func (in *Ingest) rehash(ctx context.Context) error {
	fi, err := in.f.Stat()
	if err != nil {
		return err
	}
	if fi.Size() > in.size {
		return in.f.Truncate(0)
	}
	in.offset, err = io.Copy(in.hash, ctxReader{ctx, in.f})
	return err
}

// Offset is the number of bytes that are there: where to continue.
func (in *Ingest) Offset() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.offset
}

// Write appends to the blob.
func (in *Ingest) Write(p []byte) (int, error) {
	if in.f == nil {
		return 0, fmt.Errorf("write blob %s: it is complete", in.digest.Short())
	}
	at := in.Offset()
	if int64(len(p)) > in.size-at {
		return 0, fmt.Errorf("write blob %s: %w: more than the %d bytes that its manifest gives", in.digest.Short(), images.ErrCorrupt, in.size)
	}
	n, err := in.f.WriteAt(p, at)
	in.hash.Write(p[:n])
	in.mu.Lock()
	in.offset += int64(n)
	in.mu.Unlock()
	in.changed.Broadcast()
	in.startWriteback(at + int64(n))
	if err != nil {
		in.full = errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
		return n, in.s.explainSpace(fmt.Errorf("write blob: %w", err))
	}
	return n, nil
}

// writebackStep is how much may gather in memory before the disk is given work.
const writebackStep = 8 << 20

// startWriteback lets the disk work while the download goes on. Left to itself
// the kernel waits for gigabytes or half a minute, and all of it is then done
// while the image's sync is waited for. It only starts writing and promises
// nothing, so its error does not matter.
func (in *Ingest) startWriteback(at int64) {
	if at-in.started >= writebackStep {
		_ = unix.SyncFileRange(int(in.f.Fd()), in.started, at-in.started, unix.SYNC_FILE_RANGE_WRITE)
		in.started = at
	}
}

// Commit verifies the blob and gives it its name. A blob with wrong bytes is
// thrown away, as continuing it is no use. The bytes reach the disk with the
// image's one sync.
func (in *Ingest) Commit() error {
	if in.f == nil {
		return nil
	}
	err := in.commit()
	in.finish(err)
	if err == nil {
		in.l.made(in.digest)
		in.s.noteBlob(in.digest)
	}
	return err
}

func (in *Ingest) commit() error {
	if at := in.Offset(); at != in.size {
		return fmt.Errorf("store blob %s: %w: %d of %d bytes came", in.digest.Short(), io.ErrUnexpectedEOF, at, in.size)
	}
	if got := digestOf(in.hash); got != in.digest {
		os.Remove(in.f.Name())
		return fmt.Errorf("store blob: %w: the bytes sent for %s are %s", images.ErrCorrupt, in.digest, got)
	}
	if err := os.Rename(in.f.Name(), in.s.blobPath(in.digest)); err != nil {
		return in.s.explainSpace(fmt.Errorf("store blob: %w", err))
	}
	return nil
}

// Close stops writing and keeps what came for the next attempt, unless nothing
// came or the disk is full. After a Commit it does nothing.
func (in *Ingest) Close() error {
	if in.f == nil {
		return nil
	}
	if in.full || in.Offset() == 0 {
		os.Remove(in.f.Name())
	}
	in.finish(fmt.Errorf("blob %s: %w", in.digest.Short(), os.ErrClosed))
	return nil
}

// finish tells readers how it ended and lets the next writer in.
func (in *Ingest) finish(err error) {
	if err == nil {
		err = io.EOF
	}
	in.fail(err)
	in.f.Close()
	in.f = nil
}

// fail wakes the readers with err once they have read what there is.
func (in *Ingest) fail(err error) {
	in.mu.Lock()
	if in.end == nil {
		in.end = err
	}
	in.mu.Unlock()
	in.changed.Broadcast()
}

// Follow returns a reader of the blob from its first byte that waits for what
// has not arrived yet and ends with it. It reads the file behind the writer, so
// a slow reader never holds back the download and neither buffers anything. The
// bytes are not verified before Commit has succeeded.
func (in *Ingest) Follow() (io.ReadCloser, error) {
	path := in.s.blobPath(in.digest)
	if in.f != nil {
		path = in.f.Name()
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read arriving blob: %w", err)
	}
	return &follower{in: in, f: f}, nil
}

type follower struct {
	in *Ingest
	f  *os.File
	at int64
}

func (r *follower) Close() error { return r.f.Close() }

func (r *follower) Read(p []byte) (int, error) {
	in := r.in
	in.mu.Lock()
	for r.at == in.offset && in.end == nil && r.at < in.size {
		in.changed.Wait()
	}
	have, end := in.offset-r.at, in.end
	in.mu.Unlock()
	switch {
	case have == 0 && (end == nil || end == io.EOF):
		return 0, io.EOF
	case have == 0:
		return 0, end
	}
	n, err := r.f.ReadAt(p[:min(int64(len(p)), have)], r.at)
	r.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// Spool is a blob whose digest is known only once it has been written.
type Spool struct {
	s    *Store
	l    *Lease
	f    *os.File
	hash hash.Hash
	size int64
}

// Spool opens a blob of unknown digest for writing.
func (s *Store) Spool(ctx context.Context, l *Lease) (*Spool, error) {
	// Made and locked under the shared index lock for the same reason as a
	// lease: a collection must not take it for one left behind.
	unlock, err := s.lockIndex(ctx, unix.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("spool blob: %w", err)
	}
	defer unlock()
	f, err := os.CreateTemp(s.inRoot("ingest"), "put-*")
	if err != nil {
		return nil, s.explainSpace(fmt.Errorf("spool blob: %w", err))
	}
	if err := flock(ctx, f, unix.LOCK_EX); err != nil {
		os.Remove(f.Name())
		f.Close()
		return nil, fmt.Errorf("spool blob: %w", err)
	}
	return &Spool{s: s, l: l, f: f, hash: sha256.New()}, nil
}

// Write appends to the blob.
func (p *Spool) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.hash.Write(b[:n])
	p.size += int64(n)
	if err != nil {
		return n, p.s.explainSpace(fmt.Errorf("write blob: %w", err))
	}
	return n, nil
}

// Commit gives the blob the name that its bytes have.
func (p *Spool) Commit() (images.Digest, int64, error) {
	d := digestOf(p.hash)
	if err := p.l.Blob(d); err != nil {
		return "", 0, err
	}
	if !p.s.hasBlob(d, p.size) {
		if err := os.Rename(p.f.Name(), p.s.blobPath(d)); err != nil {
			return "", 0, p.s.explainSpace(fmt.Errorf("store blob: %w", err))
		}
		p.l.made(d)
		p.s.noteBlob(d)
		p.f.Close()
		p.f = nil
	}
	return d, p.size, nil
}

// Close removes what was not committed.
func (p *Spool) Close() error {
	if p.f == nil {
		return nil
	}
	os.Remove(p.f.Name())
	err := p.f.Close()
	p.f = nil
	return err
}

// sweepPartials removes what dead writers left: spools at once, partial blobs
// when nobody continued them for a while. The index lock is held exclusively.
func (s *Store) sweepPartials(c *collection) error {
	entries, err := os.ReadDir(s.inRoot("ingest"))
	if err != nil {
		return fmt.Errorf("collect partial blobs: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(s.inRoot("ingest"), e.Name())
		if err := c.partial(path); err != nil {
			return fmt.Errorf("collect partial blobs: %w", err)
		}
	}
	return nil
}
