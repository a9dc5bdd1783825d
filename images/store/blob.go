package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"gantry/images"
)

// DigestOf returns the digest of b.
func DigestOf(b []byte) images.Digest {
	sum := sha256.Sum256(b)
	return images.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

func digestOf(h hash.Hash) images.Digest {
	return images.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

// HasBlob tells whether a blob is complete. A protecting lease must have been
// taken before.
func (s *Store) HasBlob(d images.Digest) bool {
	fi, err := os.Stat(s.blobPath(d))
	return err == nil && fi.Mode().IsRegular()
}

// hasBlob also wants the size that the manifest gives: after a power loss a
// renamed blob may have lost its tail.
func (s *Store) hasBlob(d images.Digest, size int64) bool {
	fi, err := os.Stat(s.blobPath(d))
	return err == nil && fi.Mode().IsRegular() && fi.Size() == size
}

// OpenBlob opens a blob for reading and returns its size. The bytes are not
// verified: the reader compares the digest, or the diffID of what they hold.
func (s *Store) OpenBlob(d images.Digest) (*os.File, int64, error) {
	f, err := os.Open(s.blobPath(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, fmt.Errorf("open blob %s: %w", d, images.ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open blob: %w", err)
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("open blob: %w", err)
	}
	return f, fi.Size(), nil
}

// ReadBlob reads a blob of at most limit bytes and verifies it.
func (s *Store) ReadBlob(d images.Digest, limit int64) ([]byte, error) {
	f, size, err := s.OpenBlob(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > limit {
		return nil, fmt.Errorf("read blob %s: %w: it has %d bytes, more than %d", d.Short(), images.ErrHostile, size, limit)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("read blob %s: %w", f.Name(), err)
	}
	if DigestOf(b) != d {
		return nil, s.corruptBlob(d)
	}
	return b, nil
}

// corruptBlob says which file is damaged and how to replace it.
func (s *Store) corruptBlob(d images.Digest) error {
	path := s.blobPath(d)
	return fmt.Errorf("%w: %s does not match its digest; remove that file, then pull or load the image again", images.ErrCorrupt, path)
}

// VerifyBlob hashes a blob of any size.
func (s *Store) VerifyBlob(ctx context.Context, d images.Digest) error {
	f, _, err := s.OpenBlob(d)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, ctxReader{ctx, f}); err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	if digestOf(h) != d {
		return s.corruptBlob(d)
	}
	return nil
}

// PutBlob stores a small blob. A damaged one of the same name is replaced.
func (s *Store) PutBlob(l *Lease, b []byte) (images.Digest, error) {
	d := DigestOf(b)
	// Under the shared lock no collection runs, so that a put-* file found by
	// one belongs to a process that died.
	unlock, err := s.lockIndex(context.Background(), unix.LOCK_SH)
	if err != nil {
		return "", fmt.Errorf("store blob: %w", err)
	}
	defer unlock()
	if err := l.note("blob", string(d)); err != nil {
		return "", err
	}
	if s.hasBlob(d, int64(len(b))) {
		if old, err := os.ReadFile(s.blobPath(d)); err == nil && bytes.Equal(old, b) {
			return d, nil
		}
	}
	f, err := os.CreateTemp(s.inRoot("ingest"), "put-*")
	if err != nil {
		return "", fmt.Errorf("store blob: %w", err)
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), s.blobPath(d))
	}
	if err != nil {
		os.Remove(f.Name())
		return "", s.explainSpace(fmt.Errorf("store blob: %w", err))
	}
	l.made(d)
	s.noteBlob(d)
	return d, nil
}

// discardBlob removes a blob that turned out to be damaged, so that the next
// attempt fetches it. Who has it open keeps reading it.
func (s *Store) discardBlob(d images.Digest) error {
	err := os.Remove(s.blobPath(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// ctxReader makes a long copy stop when its context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
