package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"gantry/images/unpack"
)

// hdr describes one entry of a test's archive.
type hdr = tar.Header

var day = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// body is the content that a test's file gets by its size: "0123456789…".
func body(n int64) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(i%10)
	}
	return b
}

// fataler is what both testing.TB and a drawn case are.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// archive writes entries; what is not said is 0644 or 0755, root's, and of one day.
func archive(tb fataler, entries ...hdr) []byte {
	tb.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, h := range entries {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			if h.Name != "" && h.Name[len(h.Name)-1] == '/' {
				h.Typeflag = tar.TypeDir
			}
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if h.Typeflag == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		if h.ModTime.IsZero() {
			h.ModTime = day
		}
		if err := tw.WriteHeader(&h); err != nil {
			tb.Fatalf("write %q: %v", h.Name, err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := tw.Write(body(h.Size)); err != nil {
				tb.Fatal(err)
			}
		}
	}
	if err := tw.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func needRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("owners, devices and overlay's marks need root")
	}
}

// layered is a stack of unpacked layers.
type layered struct {
	root string
	dirs []string // bottom first
	res  []*unpack.Result
	deps []bool
}

// add unpacks one more layer over those that are there. After an error the
// stack is what it was.
func (l *layered) add(tarball []byte) error {
	dir, err := os.MkdirTemp(l.root, "layer-")
	if err != nil {
		return err
	}
	res, dep, err := unpackOver(dir, l.dirs, tarball)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	l.dirs, l.res, l.deps = append(l.dirs, dir), append(l.res, res), append(l.deps, dep)
	return nil
}

func unpackOver(dir string, lowers []string, tarball []byte) (*unpack.Result, bool, error) {
	ctx := context.Background()
	res, err := unpack.Layer(ctx, bytes.NewReader(tarball), unpack.Options{Rootfs: dir})
	if err != nil {
		return nil, false, err
	}
	asked, err := res.Fixups.Depends(lowers)
	if err != nil {
		return nil, false, err
	}
	dep, err := unpack.Fix(ctx, dir, lowers, res, again(tarball))
	if err == nil && asked != dep {
		err = errors.New("Depends and Fix disagree")
	}
	return res, dep, err
}

// again opens the archive once more, for Fix.
func again(tarball []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tarball)), nil }
}

func newLayered(tb testing.TB, tarballs ...[]byte) *layered {
	tb.Helper()
	l := &layered{root: tb.TempDir()}
	for i, t := range tarballs {
		if err := l.add(t); err != nil {
			tb.Fatalf("layer %d: %v", i, err)
		}
	}
	return l
}
