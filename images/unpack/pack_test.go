package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images/snapshot"
	"gantry/images/unpack"
)

func pack(tb testing.TB, dir string, o unpack.PackOptions) []byte {
	tb.Helper()
	var buf bytes.Buffer
	if err := unpack.Pack(context.Background(), dir, &buf, o); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// TestPackRoundTrip packs a layer with everything in it and unpacks that again
// over the same parent.
func TestPackRoundTrip(t *testing.T) {
	needRoot(t)
	t.Parallel()
	lower := archive(t, hdr{Name: "gone"}, hdr{Name: "op/old"}, hdr{Name: "keep"})
	long := strings.Repeat("ü", 100) + "/" + strings.Repeat("x", 150)
	first := newLayered(t, lower, archive(t,
		hdr{Name: "./", Mode: 0o711},
		hdr{Name: ".wh.gone"}, hdr{Name: "op/"}, hdr{Name: "op/.wh..wh..opq"}, hdr{Name: "op/new", Size: 12345},
		hdr{Name: "a/f", Size: 7, Mode: 0o4711, Uid: 1 << 30, PAXRecords: map[string]string{"SCHILY.xattr.user.k": "v=\x01"}},
		hdr{Name: "a/g", Typeflag: tar.TypeLink, Linkname: "a/f", Mode: 0o4711, Uid: 1 << 30},
		hdr{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../" + long}, hdr{Name: long},
		hdr{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, hdr{Name: "p", Typeflag: tar.TypeFifo}))
	packed := pack(t, first.dirs[1], unpack.PackOptions{})
	if again := pack(t, first.dirs[1], unpack.PackOptions{}); !bytes.Equal(packed, again) {
		t.Error("packing twice gave different bytes")
	}
	second := newLayered(t, lower, packed)
	if d := cmp.Diff(mustMerge(t, first), mustMerge(t, second)); d != "" {
		t.Errorf("after packing and unpacking (-before +after):\n%s", d)
	}
	if second.deps[1] {
		t.Error("a packed layer describes all its directories, and yet depends on its parents")
	}
}

// TestPackUpper packs what a container has done to its root.
func TestPackUpper(t *testing.T) {
	needRoot(t)
	l := newLayered(t, archive(t, hdr{Name: "rm"}, hdr{Name: "rmdir/f"}, hdr{Name: "anew/f"}, hdr{Name: "mod/a"}, hdr{Name: "mod/b"}))
	d, err := snapshot.Open(l.root)
	if err != nil || d.Kind() != snapshot.Overlay {
		t.Skipf("no overlay on the temporary directory: %v", err)
	}
	dir := t.TempDir()
	if err := d.Create(dir, l.dirs); err != nil {
		t.Fatal(err)
	}
	mnt, err := d.Mount(dir, l.dirs, snapshot.MountOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer mnt.Close()
	root, err := os.OpenRoot(procFD(mnt))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, err := range []error{
		root.Remove("rm"), root.RemoveAll("rmdir"), root.RemoveAll("anew"), root.Mkdir("anew", 0o755),
		root.WriteFile("anew/g", nil, 0o644), root.Remove("mod/a"), root.WriteFile("mod/c", []byte("c"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := readTree(procFD(mnt))
	if err != nil {
		t.Fatal(err)
	}
	packed := pack(t, filepath.Join(dir, "upper"), unpack.PackOptions{})
	names := []string{"anew/", "anew/.wh..wh..opq", "anew/g", "mod/", "mod/.wh.a", "mod/c", ".wh.rm", ".wh.rmdir"}
	if d := cmp.Diff(names, tarNames(t, packed)); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
	if err := l.add(packed); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, mustMerge(t, l)); d != "" {
		t.Errorf("as a layer (-container +layer):\n%s", d)
	}
}

func procFD(f *os.File) string {
	return filepath.Join("/proc/self/fd", strconv.Itoa(int(f.Fd())))
}

func tarNames(tb testing.TB, tarball []byte) []string {
	tb.Helper()
	var names []string
	for tr := tar.NewReader(bytes.NewReader(tarball)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			tb.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

func TestPackTimes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/f", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(bytes.NewReader(pack(t, dir, unpack.PackOptions{Newest: day})))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil || !h.ModTime.Equal(day) {
			t.Errorf("%s is of %v, want %v; %v", h.Name, h.ModTime, day, err)
		}
	}
}

func TestPackRefusesWhiteoutNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/.wh.f", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unpack.Pack(context.Background(), dir, io.Discard, unpack.PackOptions{}); err == nil {
		t.Error("a file was packed that would delete another")
	}
}
