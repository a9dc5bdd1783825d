package assemble_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gantry/images/assemble"
	"gantry/images/store"
)

// tarOf is a tar of one file that does not compress to nothing.
func tarOf(t *testing.T, size int) []byte {
	t.Helper()
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * i >> 7)
	}
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "file", Mode: 0o644, Size: int64(size)})
	if err == nil {
		_, err = tw.Write(body)
	}
	if err = errors.Join(err, tw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t *testing.T) (root string, s *store.Store, l *store.Lease) {
	t.Helper()
	root = t.TempDir()
	s, err := store.Open(store.Options{Root: root, Run: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if l, err = s.Lease(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Release)
	return root, s, l
}

// TestLayerIsReproducible writes the same tar in pieces of different sizes into
// two stores: the blobs are the same, and hold the tar.
func TestLayerIsReproducible(t *testing.T) {
	content := tarOf(t, 3<<20)
	var blobs []store.LayerDesc
	for _, piece := range []int{512, 1 << 20} {
		_, s, l := open(t)
		d, err := assemble.Layer(t.Context(), s, l, func(w io.Writer) error {
			for rest := content; len(rest) > 0; {
				n := min(piece, len(rest))
				if _, err := w.Write(rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := store.DigestOf(content); d.DiffID != want {
			t.Errorf("DiffID is %s, want %s", d.DiffID, want)
		}
		held, err := assemble.DiffID(t.Context(), s, assemble.Descriptor(d))
		if err != nil || held != d.DiffID {
			t.Errorf("the blob holds %s, %v; want %s", held, err, d.DiffID)
		}
		blobs = append(blobs, d)
	}
	if blobs[0] != blobs[1] {
		t.Errorf("the same tar gave %v and %v", blobs[0], blobs[1])
	}
}

// TestLayerFails leaves no blob behind when the tar ends in an error or its
// context does.
func TestLayerFails(t *testing.T) {
	root, s, l := open(t)
	broken := errors.New("broken")
	if _, err := assemble.Layer(t.Context(), s, l, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a tar that breaks off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := assemble.Layer(ctx, s, l, func(w io.Writer) error {
		_, err := w.Write(make([]byte, 1<<20))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled layer: %v", err)
	}
	for _, dir := range []string{"blobs/sha256", "ingest"} {
		left, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
}
