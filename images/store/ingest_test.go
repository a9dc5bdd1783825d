package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gantry/images"
	"gantry/images/store"
)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

func lease(t testing.TB, s *store.Store) *store.Lease {
	t.Helper()
	l, err := s.Lease(t.Context())
	must(t, err)
	t.Cleanup(l.Release)
	return l
}

func TestIngestContinuesWhereTheLastOneStopped(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	b := random(300_000)
	d := store.DigestOf(b)
	in, err := s.Ingest(t.Context(), lease(t, s), d, int64(len(b)))
	must(t, err)
	_, err = in.Write(b[:100_000])
	must(t, err)
	must(t, in.Close())
	if s.HasBlob(d) {
		t.Fatal("a part counts as the blob")
	}

	in, err = s.Ingest(t.Context(), lease(t, s), d, int64(len(b)))
	must(t, err)
	if in.Offset() != 100_000 {
		t.Fatalf("continues at %d", in.Offset())
	}
	if err := in.Commit(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("commit of a part: %v", err)
	}
	in, err = s.Ingest(t.Context(), lease(t, s), d, int64(len(b)))
	must(t, err)
	_, err = in.Write(b[in.Offset():])
	must(t, err)
	must(t, in.Commit())
	must(t, in.Close())
	got, err := s.ReadBlob(d, 1<<20)
	must(t, err)
	if !bytes.Equal(got, b) {
		t.Error("the blob differs")
	}
	if left := list(t, filepath.Join(o.Root, "ingest")); len(left) != 0 {
		t.Errorf("left in ingest: %v", left)
	}
	in, err = s.Ingest(t.Context(), lease(t, s), d, int64(len(b)))
	must(t, err)
	if in.Offset() != int64(len(b)) || in.Commit() != nil {
		t.Errorf("an existing blob: offset %d", in.Offset())
	}
}

func TestIngestRefusesWrongBytes(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	b := random(1000)
	d := store.DigestOf(b)
	b[500] ^= 1
	in, err := s.Ingest(t.Context(), lease(t, s), d, 1000)
	must(t, err)
	_, err = in.Write(b)
	must(t, err)
	if err := in.Commit(); !errors.Is(err, images.ErrCorrupt) {
		t.Errorf("commit: %v", err)
	}
	if left := list(t, filepath.Join(o.Root, "ingest")); len(left) != 0 || s.HasBlob(d) {
		t.Errorf("left: %v", left)
	}
	in, err = s.Ingest(t.Context(), lease(t, s), d, 1000)
	must(t, err)
	defer in.Close()
	if _, err := in.Write(append(b, 0)); !errors.Is(err, images.ErrCorrupt) {
		t.Errorf("write beyond the end: %v", err)
	}
}

func TestIngestForgetsAPartThatIsTooLong(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	b := random(1000)
	d := store.DigestOf(b)
	must(t, os.WriteFile(filepath.Join(o.Root, "ingest", d.Hex()), random(2000), 0o600))
	in, err := s.Ingest(t.Context(), lease(t, s), d, 1000)
	must(t, err)
	if in.Offset() != 0 {
		t.Fatalf("continues at %d", in.Offset())
	}
	_, err = in.Write(b)
	must(t, err)
	must(t, in.Commit())
}

func TestSecondIngestWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	b := random(1000)
	d := store.DigestOf(b)
	first, err := s.Ingest(t.Context(), lease(t, s), d, 1000)
	must(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Ingest(ctx, lease(t, s), d, 1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("second ingest: %v", err)
	}
	l := lease(t, s)
	second := make(chan int64)
	go func() {
		in, err := s.Ingest(t.Context(), l, d, 1000)
		if err != nil {
			t.Error(err)
			close(second)
			return
		}
		second <- in.Offset()
	}()
	_, err = first.Write(b)
	must(t, err)
	must(t, first.Commit())
	if at := <-second; at != 1000 {
		t.Errorf("second ingest is at %d of 1000", at)
	}
}

func TestFollowerReadsBehindTheWriter(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	b := random(100_000)
	d := store.DigestOf(b)
	in, err := s.Ingest(t.Context(), lease(t, s), d, int64(len(b)))
	must(t, err)
	follow, err := in.Follow()
	must(t, err)
	defer follow.Close()
	read := make(chan []byte)
	go func() {
		got, err := io.ReadAll(follow)
		if err != nil {
			t.Error(err)
		}
		read <- got
	}()
	for at := 0; at < len(b); at += 10_000 {
		_, err := in.Write(b[at : at+10_000])
		must(t, err)
	}
	must(t, in.Commit())
	if got := <-read; !bytes.Equal(got, b) {
		t.Errorf("read %d other bytes", len(got))
	}
}

func TestFollowerEndsWithItsWriter(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	b := random(1000)
	in, err := s.Ingest(t.Context(), lease(t, s), store.DigestOf(b), 1000)
	must(t, err)
	follow, err := in.Follow()
	must(t, err)
	defer follow.Close()
	_, err = in.Write(b[:400])
	must(t, err)
	must(t, in.Close())
	if got, err := io.ReadAll(follow); len(got) != 400 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestSpool(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	for range 2 {
		p, err := s.Spool(t.Context(), lease(t, s))
		must(t, err)
		_, err = io.WriteString(p, "hello")
		must(t, err)
		d, size, err := p.Commit()
		must(t, err)
		must(t, p.Close())
		if d != store.DigestOf([]byte("hello")) || size != 5 || !s.HasBlob(d) {
			t.Errorf("%s, %d bytes", d, size)
		}
	}
	if left := list(t, filepath.Join(o.Root, "ingest")); len(left) != 0 {
		t.Errorf("left in ingest: %v", left)
	}
}

func TestPutBlobReplacesADamagedOne(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	d, err := s.PutBlob(lease(t, s), []byte("hello"))
	must(t, err)
	path := filepath.Join(o.Root, "blobs/sha256", d.Hex())
	must(t, os.WriteFile(path, []byte("jello"), 0o600))
	_, err = s.ReadBlob(d, 10)
	if !errors.Is(err, images.ErrCorrupt) || !bytes.Contains([]byte(err.Error()), []byte(path)) {
		t.Errorf("read damaged blob: %v", err)
	}
	_, err = s.PutBlob(lease(t, s), []byte("hello"))
	must(t, err)
	_, err = s.ReadBlob(d, 10)
	must(t, err)
	if _, err := s.ReadBlob(d, 4); !errors.Is(err, images.ErrHostile) {
		t.Errorf("read beyond the limit: %v", err)
	}
	if _, err := s.ReadBlob(store.DigestOf([]byte("other")), 4); !errors.Is(err, images.ErrNotFound) {
		t.Errorf("read missing: %v", err)
	}
}
