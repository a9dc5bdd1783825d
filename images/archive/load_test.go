package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/archive"
	"gantry/images/store"
)

func header(name, link string, typ byte, size int) *tar.Header {
	return &tar.Header{Name: name, Linkname: link, Typeflag: typ, Mode: 0o644, Size: int64(size)}
}

func regular(name string, b []byte) member {
	return member{header(name, "", tar.TypeReg, len(b)), b}
}

func pack(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		must(t, w.WriteHeader(m.h))
		_, err := w.Write(m.b)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return b
}

func configOf(t testing.TB, arch string, layers ...[]byte) []byte {
	c := images.ConfigFile{Architecture: arch, OS: "linux", RootFS: images.RootFS{Type: "layers"}}
	for _, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, store.DigestOf(l))
	}
	return marshal(t, c)
}

func load(t testing.TB, b []byte, p images.Platform) (*store.Store, []images.Image, error) {
	t.Helper()
	s := openStore(t)
	got, err := archive.Load(t.Context(), s, bytes.NewReader(b), p, nil)
	return s, got, err
}

// oldStyle is what docker before 25 writes: a folder per layer, links where two
// layers are the same.
func oldStyle(t testing.TB, tags ...string) []byte {
	t.Helper()
	one, two := tarOf(t, "one", strings.Repeat("1", 3000)), tarOf(t, "two", "2")
	config := configOf(t, "amd64", one, two, one)
	name := store.DigestOf(config).Hex() + ".json"
	return pack(t,
		member{header("aaa/", "", tar.TypeDir, 0), nil},
		regular("aaa/VERSION", []byte("1.0")),
		regular("aaa/json", []byte(`{"id":"aaa"}`)),
		regular("aaa/layer.tar", one),
		regular("bbb/layer.tar", two),
		member{header("ccc/layer.tar", "../aaa/layer.tar", tar.TypeSymlink, 0), nil},
		regular(name, config),
		regular("manifest.json", marshal(t, []map[string]any{{
			"Config": name, "RepoTags": tags, "Layers": []string{"aaa/layer.tar", "bbb/layer.tar", "ccc/layer.tar"},
		}})),
		regular("repositories", []byte(`{"old":{"1":"ccc"}}`)),
	)
}

func TestLoadOfOldDockerArchives(t *testing.T) {
	t.Parallel()
	b := oldStyle(t, "old:1", "docker.io/library/old:2")
	s, got, err := load(t, b, images.Platform{})
	must(t, err)
	if len(got) != 1 || !cmp.Equal(got[0].Tags, []string{"old:1", "old:2"}) || len(got[0].DiffIDs) != 3 {
		t.Fatalf("loaded %+v", got)
	}
	dirs, err := s.LayerDirs(got[0])
	must(t, err)
	if f, _ := os.ReadFile(filepath.Join(dirs[0], "two")); string(f) != "2" {
		t.Errorf("stack %v", dirs)
	}
	// What came uncompressed is compressed in the store.
	if got[0].Download > 1500 {
		t.Errorf("its blobs have %d bytes", got[0].Download)
	}
	if _, err := archive.Load(t.Context(), s, bytes.NewReader(b), images.Platform{}, nil); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestLoadOfCranesArchives(t *testing.T) {
	t.Parallel()
	layer := tarOf(t, "f", "x")
	config := configOf(t, "amd64", layer)
	name := string(store.DigestOf(config))
	_, got, err := load(t, pack(t,
		regular(name, config),
		regular("abc.tar.gz", gz(t, layer)),
		regular("manifest.json", marshal(t, []map[string]any{{"Config": name, "RepoTags": []string{"x:1"}, "Layers": []string{"abc.tar.gz"}}})),
	), images.Platform{})
	if err != nil || len(got) != 1 || got[0].Tags[0] != "x:1" {
		t.Errorf("loaded %+v, %v", got, err)
	}
}

// layout makes OCI layouts.
type layout struct {
	t       testing.TB
	members []member
}

func (l *layout) blob(b []byte, mediaType string) store.Descriptor {
	d := store.DigestOf(b)
	l.members = append(l.members, regular("blobs/sha256/"+d.Hex(), b))
	return store.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(b))}
}

func (l *layout) image(arch string) store.Descriptor {
	layer := tarOf(l.t, "arch", arch)
	m := store.Manifest{SchemaVersion: 2, MediaType: store.MediaTypeManifest,
		Config: l.blob(configOf(l.t, arch, layer), store.MediaTypeConfig),
		Layers: []store.Descriptor{l.blob(zst(l.t, layer), store.MediaTypeLayerZstd)}}
	d := l.blob(marshal(l.t, m), store.MediaTypeManifest)
	d.Platform = &images.Platform{OS: "linux", Architecture: arch}
	return d
}

func (l *layout) index(ds ...store.Descriptor) []byte {
	return marshal(l.t, store.Index{SchemaVersion: 2, MediaType: store.MediaTypeIndex, Manifests: ds})
}

func (l *layout) bytes(ds ...store.Descriptor) []byte {
	return pack(l.t, append([]member{regular("index.json", l.index(ds...)), regular("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))}, l.members...)...)
}

func TestLoadChoosesThePlatform(t *testing.T) {
	t.Parallel()
	l := &layout{t: t}
	attestation := l.image("x")
	attestation.Platform = &images.Platform{OS: "unknown", Architecture: "unknown"}
	absent := store.Descriptor{MediaType: store.MediaTypeManifest, Digest: store.DigestOf([]byte("s390x")), Size: 5, Platform: &images.Platform{OS: "linux", Architecture: "s390x"}}
	index := l.blob(l.index(attestation, l.image("arm64"), l.image("amd64"), absent), store.MediaTypeIndex)
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": "multi:1"}
	b := l.bytes(index)
	for _, arch := range []string{"arm64", "amd64"} {
		s, got, err := load(t, b, images.Platform{OS: "linux", Architecture: arch})
		if err != nil || len(got) != 1 || got[0].Platform.Architecture != arch || got[0].Target != index.Digest ||
			!cmp.Equal(got[0].Tags, []string{"multi:1"}) || !cmp.Equal(got[0].RepoDigests, []string{"multi@" + string(index.Digest)}) {
			t.Errorf("%s: loaded %+v, %v", arch, got, err)
		}
		// The other platforms' blobs are gone; the index that names them stays,
		// it is what the tag meant.
		r, err := s.GC(t.Context(), store.GCOptions{Used: func() (store.Used, error) { return store.Used{}, nil }, DryRun: true})
		must(t, err)
		if r.Bytes != 0 {
			t.Errorf("%s: left %+v", arch, r)
		}
	}
	for _, arch := range []string{"s390x", "riscv64"} {
		s, _, err := load(t, b, images.Platform{OS: "linux", Architecture: arch})
		if !errors.Is(err, images.ErrPlatform) || !strings.Contains(err.Error(), "linux/arm64, linux/amd64") {
			t.Errorf("%s: %v", arch, err)
		}
		nothingLeft(t, s)
	}
}

func TestLoadOfASingleForeignImage(t *testing.T) {
	t.Parallel()
	l := &layout{t: t}
	_, got, err := load(t, l.bytes(l.image("s390x")), images.HostPlatform())
	if err != nil || len(got) != 1 || got[0].Platform.Architecture != "s390x" {
		t.Errorf("loaded %+v, %v", got, err)
	}
	l = &layout{t: t}
	index := l.blob(l.index(l.image("s390x")), store.MediaTypeIndex)
	if _, got, err := load(t, l.bytes(index), images.Platform{}); err != nil || len(got) != 1 {
		t.Errorf("in an index: loaded %+v, %v", got, err)
	}
	if _, _, err := load(t, l.bytes(index), images.Platform{OS: "linux", Architecture: "amd64"}); !errors.Is(err, images.ErrPlatform) {
		t.Errorf("another platform was asked for: %v", err)
	}
}

func TestLoadRefusesBadArchives(t *testing.T) {
	t.Parallel()
	layer := tarOf(t, "f", "x")
	config := configOf(t, "amd64", layer)
	manifest := func(config, layer string, tags ...string) member {
		return regular("manifest.json", marshal(t, []map[string]any{{"Config": config, "RepoTags": tags, "Layers": []string{layer}}}))
	}
	whole := []member{regular("c.json", config), regular("l/layer.tar", layer)}
	with := func(more ...member) []byte { return pack(t, append(whole[:len(whole):len(whole)], more...)...) }
	l := &layout{t: t}
	nested := l.blob([]byte("x"), "text/plain")
	for range 8 {
		nested = l.blob(l.index(nested), store.MediaTypeIndex)
	}
	wrong := l.image("amd64")
	wrongBytes := pack(t, regular("index.json", l.index(wrong)), regular("blobs/sha256/"+wrong.Digest.Hex(), []byte("other")))
	confused := l.blob([]byte(`{"schemaVersion":2,"manifests":[],"layers":[],"config":{}}`), store.MediaTypeManifest)
	endless := pack(t, regular("index.json", l.index(wrong)), regular(strings.Repeat("a/", 4000)+"f", nil))
	for name, test := range map[string]struct {
		b   []byte
		err error // nil for any
	}{
		"empty":                        {nil, nil},
		"text":                         {[]byte(strings.Repeat("no archive ", 200)), images.ErrCorrupt},
		"root file system":             {layer, nil},
		"cut in a layer":               {oldStyle(t, "x:1")[:4000], images.ErrCorrupt},
		"no layer":                     {pack(t, regular("c.json", config), manifest("c.json", "l/layer.tar")), images.ErrCorrupt},
		"no configuration":             {with(manifest("d.json", "l/layer.tar")), images.ErrNotFound},
		"layer outside":                {with(manifest("c.json", "../../etc/passwd")), images.ErrCorrupt},
		"configuration outside":        {with(manifest("/etc/passwd", "l/layer.tar")), images.ErrNotFound},
		"link outside":                 {with(member{header("s.tar", "/etc/passwd", tar.TypeSymlink, 0), nil}, manifest("c.json", "s.tar")), images.ErrCorrupt},
		"link to itself":               {with(member{header("s.tar", "s.tar", tar.TypeSymlink, 0), nil}, manifest("c.json", "s.tar")), images.ErrCorrupt},
		"bad tag":                      {with(manifest("c.json", "l/layer.tar", "UPPER:1")), nil},
		"layer that is a document":     {with(manifest("c.json", "c.json")), nil},
		"other layer than configured":  {with(regular("x.tar", tarOf(t, "g", "y")), manifest("c.json", "x.tar")), images.ErrCorrupt},
		"blob of other bytes":          {wrongBytes, images.ErrCorrupt},
		"blob that is no digest":       {pack(t, regular("blobs/sha256/zz", []byte("x"))), nil},
		"endless indexes":              {l.bytes(nested), images.ErrHostile},
		"manifest and index":           {l.bytes(confused), images.ErrHostile},
		"manifest that is not there":   {pack(t, regular("index.json", l.index(wrong))), images.ErrCorrupt},
		"endless name":                 {endless, images.ErrHostile},
		"index.json without images":    {l.bytes(), nil},
		"documents that are too large": {pack(t, regular("index.json", append([]byte("{"), make([]byte, 5<<20)...))), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, got, err := load(t, test.b, images.HostPlatform())
			if err == nil || test.err != nil && !errors.Is(err, test.err) {
				t.Errorf("loaded %+v, %v", got, err)
			}
			t.Log(err)
			nothingLeft(t, s)
		})
	}
}

// TestLoadRefusesSparseMembers: a terabyte of zeros in some hundred bytes.
func TestLoadRefusesSparseMembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "layer.tar"))
	must(t, err)
	must(t, errors.Join(f.Truncate(1<<40), f.Close()))
	for _, format := range []string{"gnu", "pax"} {
		b, err := exec.CommandContext(t.Context(), "tar", "-C", dir, "-S", "--format="+format, "-cf", "-", "layer.tar").Output()
		if err != nil {
			t.Skipf("GNU tar is not there: %v", err)
		}
		s, _, err := load(t, b, images.Platform{})
		if !errors.Is(err, images.ErrHostile) {
			t.Errorf("%s (%d bytes): %v", format, len(b), err)
		}
		nothingLeft(t, s)
	}
}

func TestCancelledLoadLeavesNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("changed my mind")
	b := oldStyle(t, "x:1")
	r := io.MultiReader(bytes.NewReader(b[:5000]), readFunc(func(p []byte) (int, error) {
		cancel(why)
		return copy(p, b[5000:]), nil
	}))
	if _, err := archive.Load(ctx, s, r, images.Platform{}, nil); !errors.Is(err, why) {
		t.Errorf("load: %v", err)
	}
	nothingLeft(t, s)
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestSaveFindsDamage(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "app:1")
	m, _, err := s.Manifest(img.Manifest)
	must(t, err)
	f, size, err := s.OpenBlob(m.Layers[0].Digest)
	must(t, err)
	f.Close()
	b, err := os.ReadFile(f.Name())
	must(t, err)
	for name, bad := range map[string][]byte{"changed": append(b[:size-1:size-1], b[size-1]^1), "cut": b[:size/2]} {
		must(t, os.WriteFile(f.Name(), bad, 0o600))
		if err := archive.Save(t.Context(), s, []archive.Item{{Image: img}}, io.Discard, nil); !errors.Is(err, images.ErrCorrupt) || !strings.Contains(err.Error(), f.Name()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPodmanAndBack carries an image through podman's store.
func TestPodmanAndBack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("podman is not installed")
	}
	s, img := imported(t, "team/app:1")
	ref, _ := images.ParseRef("team/app:1")
	dir := t.TempDir()
	saved := filepath.Join(dir, "saved.tar")
	must(t, os.WriteFile(saved, save(t, s, archive.Item{Image: img, Refs: []images.Ref{ref}}), 0o600))
	podman := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "podman", append([]string{"--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp", "--storage-driver", "vfs"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("podman does not run here: %v\n%s", err, out)
		}
	}
	podman("load", "-i", saved)
	for _, format := range []string{"docker-archive", "oci-archive"} {
		file := filepath.Join(dir, format+".tar")
		podman("save", "--format", format, "-o", file, "docker.io/team/app:1")
		b, err := os.ReadFile(file)
		must(t, err)
		_, got, err := load(t, b, images.Platform{})
		if err != nil || len(got) != 1 || !cmp.Equal(got[0].DiffIDs, img.DiffIDs) || !cmp.Equal(got[0].Tags, []string{"team/app:1"}) {
			t.Errorf("%s: loaded %+v, %v", format, got, err)
		}
	}
}
