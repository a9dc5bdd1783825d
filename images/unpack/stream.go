package unpack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"gantry/images"
)

// A layer passes through three goroutines, so that decompressing, hashing and
// writing overlap on the machine's processors:
//
//	source ──► chunks ──► tar reader (the caller of Layer)
//	(gunzip)      └─────► sha256
//
// A chunk is shared by both readers and goes back to the pool when the second
// has let go of it. The channels are short: a layer in work holds about 3 MiB.
const (
	chunkSize  = 256 << 10
	chunkQueue = 5
)

var chunkPool = sync.Pool{New: func() any { return &chunk{buf: make([]byte, chunkSize)} }}

type chunk struct {
	buf  []byte
	n    int
	refs atomic.Int32
}

func (c *chunk) release() {
	if c.refs.Add(-1) == 0 {
		chunkPool.Put(c)
	}
}

// stream is the tar reader's end. Close must be called, and waits for the
// other two; the source is in the hands of whoever made it, so a source that
// blocks must be one that the caller can end.
type stream struct {
	toTar, toHash chan *chunk
	stop          chan struct{}
	done          sync.WaitGroup

	cur *chunk
	off int

	// Written by the source before it closes the channels.
	total int64
	err   error // why the source ended, nil at its end
	// Written by the hasher, read after done.
	sum [sha256.Size]byte
}

func newStream(ctx context.Context, r io.Reader, limit int64, report func(int64)) *stream {
	s := &stream{
		toTar:  make(chan *chunk, chunkQueue),
		toHash: make(chan *chunk, chunkQueue),
		stop:   make(chan struct{}),
	}
	s.done.Go(func() { s.source(ctx, r, limit, report) })
	s.done.Go(s.hash)
	return s
}

func (s *stream) source(ctx context.Context, r io.Reader, limit int64, report func(int64)) {
	defer close(s.toTar)
	defer close(s.toHash)
	for {
		c := chunkPool.Get().(*chunk)
		n, err := readFull(r, c.buf)
		s.total += int64(n)
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case s.total > limit:
			err = hostile("more than %d bytes of archive", limit)
		}
		if n > 0 && (err == nil || err == io.EOF) {
			c.n = n
			c.refs.Store(2)
			if !s.send(c) {
				return
			}
			if report != nil {
				report(s.total)
			}
		} else {
			chunkPool.Put(c)
		}
		if err != nil {
			if err != io.EOF {
				s.err = fmt.Errorf("read layer: %w", err)
			}
			return
		}
	}
}

// send hands the chunk to both readers; false when the tar reader has given up.
func (s *stream) send(c *chunk) bool {
	s.toHash <- c // The hasher never stops early.
	select {
	case s.toTar <- c:
		return true
	case <-s.stop:
		c.release()
		return false
	}
}

func (s *stream) hash() {
	h := sha256.New()
	for c := range s.toHash {
		h.Write(c.buf[:c.n])
		c.release()
	}
	h.Sum(s.sum[:0])
}

// Read implements io.Reader for the tar reader.
func (s *stream) Read(p []byte) (int, error) {
	if s.cur == nil && !s.next() {
		if s.err != nil {
			return 0, s.err
		}
		return 0, io.EOF
	}
	n := copy(p, s.cur.buf[s.off:s.cur.n])
	if s.off += n; s.off == s.cur.n {
		s.cur.release()
		s.cur = nil
	}
	return n, nil
}

func (s *stream) next() bool {
	c, ok := <-s.toTar
	s.cur, s.off = c, 0
	return ok
}

// drain reads what stands behind the end of the archive: it belongs to the
// DiffID. It returns the error by which the source ended.
func (s *stream) drain() error {
	for s.cur != nil || s.next() {
		s.cur.release()
		s.cur = nil
	}
	return s.err
}

// Close ends the goroutines and waits for them.
func (s *stream) Close() {
	close(s.stop)
	_ = s.drain()
	s.done.Wait()
}

// digest is valid after drain and Close.
func (s *stream) digest() images.Digest {
	return images.Digest("sha256:" + hex.EncodeToString(s.sum[:]))
}

// readFull fills p as far as r goes. Unlike io.ReadFull it passes r's error on
// as it is, so that a regular end and a torn source stay apart.
func readFull(r io.Reader, p []byte) (int, error) {
	n := 0
	for idle := 0; n < len(p); {
		m, err := r.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
		if m > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, nil
}
