package store_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"gantry/images"
	"gantry/images/store"
)

// file is one entry of a test layer; a name that ends in a slash is a
// directory.
type file struct{ name, body string }

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.body)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Mode, h.Typeflag = 0o755, tar.TypeDir
		}
		must(t, w.WriteHeader(h))
		_, err := io.WriteString(w, f.body)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func gzipOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

// fixture is an image that is not in a store yet.
type fixture struct {
	chain    []store.LayerDesc
	blobs    map[images.Digest][]byte // layers
	config   []byte
	manifest []byte
}

// build makes an image of tar streams, bottom first.
func build(t testing.TB, label string, layers ...[]byte) *fixture {
	t.Helper()
	f := &fixture{blobs: map[images.Digest][]byte{}}
	c := images.ConfigFile{Architecture: "amd64", OS: "linux", RootFS: images.RootFS{Type: "layers"}}
	c.Config.Labels = map[string]string{"label": label}
	m := store.Manifest{SchemaVersion: 2, MediaType: store.MediaTypeManifest}
	for _, l := range layers {
		z := gzipOf(t, l)
		d := store.LayerDesc{DiffID: store.DigestOf(l), Blob: store.DigestOf(z), MediaType: store.MediaTypeLayerGzip, Size: int64(len(z))}
		f.chain = append(f.chain, d)
		f.blobs[d.Blob] = z
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, d.DiffID)
		m.Layers = append(m.Layers, store.Descriptor{MediaType: d.MediaType, Digest: d.Blob, Size: d.Size})
	}
	var err error
	f.config, err = json.Marshal(c)
	must(t, err)
	m.Config = store.Descriptor{MediaType: store.MediaTypeConfig, Digest: store.DigestOf(f.config), Size: int64(len(f.config))}
	f.manifest, err = json.Marshal(m)
	must(t, err)
	return f
}

func (f *fixture) id() images.Digest { return store.DigestOf(f.config) }

func (f *fixture) open(_ context.Context, i int, offset int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(f.blobs[f.chain[i].Blob][offset:])), nil
}

// add brings the image into the store as a pull does.
func (f *fixture) add(ctx context.Context, s *store.Store, name string) (images.Image, error) {
	l, err := s.Lease(ctx)
	if err != nil {
		return images.Image{}, err
	}
	defer l.Release()
	if _, err := s.PutBlob(l, f.config); err != nil {
		return images.Image{}, err
	}
	manifest, err := s.PutBlob(l, f.manifest)
	if err != nil {
		return images.Image{}, err
	}
	if err := s.Fetch(ctx, l, f.chain, f.open, nil); err != nil {
		return images.Image{}, err
	}
	r := store.ImageRecord{Manifest: manifest, Target: manifest}
	if name != "" {
		ref, err := images.ParseRef(name)
		if err != nil {
			return images.Image{}, err
		}
		r.Ref = &ref
	}
	return s.Add(ctx, r)
}

func (f *fixture) mustAdd(t testing.TB, s *store.Store, name string) images.Image {
	t.Helper()
	img, err := f.add(t.Context(), s, name)
	must(t, err)
	return img
}

func openStore(t testing.TB) (*store.Store, store.Options) {
	t.Helper()
	needRoot(t)
	o := store.Options{Root: filepath.Join(t.TempDir(), "root"), Run: filepath.Join(t.TempDir(), "run")}
	s, err := store.Open(o)
	must(t, err)
	return s, o
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("unpacking layers sets owners: needs root")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustRef(t testing.TB, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	must(t, err)
	return r
}

func list(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func base(t testing.TB) []byte {
	return tarOf(t, file{"bin/", ""}, file{"bin/sh", "#!shell"}, file{"etc/", ""}, file{"etc/os-release", "ID=test\n"})
}

func app(t testing.TB, n int) []byte {
	return tarOf(t, file{fmt.Sprintf("app-%d", n), strings.Repeat(fmt.Sprint(n), 1000)})
}
