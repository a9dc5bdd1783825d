package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gantry/images"
	"gantry/images/archive"
	"gantry/images/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB) *store.Store {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("unpacking layers sets owners: needs root")
	}
	s, err := store.Open(store.Options{Root: filepath.Join(t.TempDir(), "root"), Run: filepath.Join(t.TempDir(), "run")})
	must(t, err)
	return s
}

func tarOf(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		must(t, w.WriteHeader(&tar.Header{Name: pairs[i], Mode: 0o644, Size: int64(len(pairs[i+1])), Typeflag: tar.TypeReg}))
		_, err := io.WriteString(w, pairs[i+1])
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// imported makes a store with one image that has a configuration.
func imported(t testing.TB, name string) (*store.Store, images.Image) {
	t.Helper()
	s := openStore(t)
	ref, err := images.ParseRef(name)
	must(t, err)
	id, err := archive.Import(t.Context(), s, bytes.NewReader(tarOf(t, "bin/sh", "#!shell", "etc/passwd", "root:x:0:0\n")), archive.ImportOptions{
		Ref: &ref, Message: "made by a test",
		Changes: []string{`CMD ["/bin/sh","-l"]`, "ENV A=1 B=2", "EXPOSE 80", "LABEL x=y", "USER 1000", "WORKDIR /srv"},
	})
	must(t, err)
	img, err := s.Resolve(t.Context(), string(id))
	must(t, err)
	return s, img
}

func save(t testing.TB, s *store.Store, items ...archive.Item) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, archive.Save(t.Context(), s, items, &b, nil))
	return b.Bytes()
}

func TestImport(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "rootfs:1")
	if diff := cmp.Diff([]string{"rootfs:1"}, img.Tags); diff != "" {
		t.Error(diff)
	}
	c, _, err := s.Config(img.ID)
	must(t, err)
	want := images.Config{
		Cmd: []string{"/bin/sh", "-l"}, Env: []string{"A=1", "B=2"}, ExposedPorts: map[string]struct{}{"80/tcp": {}},
		Labels: map[string]string{"x": "y"}, User: "1000", WorkingDir: "/srv",
	}
	if diff := cmp.Diff(want, c.Config); diff != "" {
		t.Error(diff)
	}
	if len(c.History) != 1 || c.History[0].Comment != "made by a test" || img.Platform != images.HostPlatform().Normalize() {
		t.Errorf("history %+v, platform %v", c.History, img.Platform)
	}
	dirs, err := s.LayerDirs(img)
	must(t, err)
	if b, _ := os.ReadFile(filepath.Join(dirs[0], "bin/sh")); string(b) != "#!shell" {
		t.Errorf("bin/sh is %q", b)
	}
}

func TestImportOfCompressedTars(t *testing.T) {
	t.Parallel()
	plain := tarOf(t, "f", "content")
	var ids []images.Digest
	for name, b := range map[string][]byte{"plain": plain, "gzip": gz(t, plain), "zstd": zst(t, plain)} {
		s := openStore(t)
		id, err := archive.Import(t.Context(), s, bytes.NewReader(b), archive.ImportOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, err := s.Resolve(t.Context(), string(id))
		must(t, err)
		ids = append(ids, img.DiffIDs...)
	}
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("diffIDs %v", ids)
	}
	for name, b := range map[string][]byte{"empty": nil, "text": []byte(strings.Repeat("no tar at all ", 1000)), "torn": gz(t, plain)[:40]} {
		s := openStore(t)
		if _, err := archive.Import(t.Context(), s, bytes.NewReader(b), archive.ImportOptions{}); err == nil {
			t.Errorf("%s was imported", name)
		} else {
			t.Log(err)
		}
		nothingLeft(t, s)
	}
}

func nothingLeft(t testing.TB, s *store.Store) {
	t.Helper()
	all, err := s.List(t.Context())
	must(t, err)
	r, err := s.GC(t.Context(), store.GCOptions{Used: func() (store.Used, error) { return store.Used{}, nil }, DryRun: true})
	must(t, err)
	if len(all)+len(r.Blobs)+len(r.Layers)+len(r.Partials) != 0 {
		t.Errorf("left behind: images %v, %+v", all, r)
	}
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

func zst(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	must(t, err)
	return w.EncodeAll(b, nil)
}

func TestSavedImageLoadsAsTheSame(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "team/app:1")
	ref, _ := images.ParseRef("team/app:1")
	other, _ := images.ParseRef("registry.example:5000/x:2")
	b := save(t, s, archive.Item{Image: img, Refs: []images.Ref{ref, other}})
	if again := save(t, s, archive.Item{Image: img, Refs: []images.Ref{ref, other}}); !bytes.Equal(b, again) {
		t.Error("saving twice gives different bytes")
	}
	for name, b := range map[string][]byte{"plain": b, "gzip": gz(t, b), "zstd": zst(t, b), "backwards": reversed(t, b)} {
		to := openStore(t)
		got, err := archive.Load(t.Context(), to, bytes.NewReader(b), images.Platform{}, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := img
		want.Tags = []string{"team/app:1", "registry.example:5000/x:2"}
		if diff := cmp.Diff([]images.Image{want}, got); diff != "" {
			t.Errorf("%s (-saved +loaded):\n%s", name, diff)
		}
	}
}

// TestSaveTellsHowFarItIs: all layers with their sizes first, bytes that only
// grow, and the end of each; a layer that images share once.
func TestSaveTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "team/app:1")
	m, _, err := s.Manifest(img.Manifest)
	must(t, err)
	var got []images.Progress
	item := archive.Item{Image: img}
	must(t, archive.Save(t.Context(), s, []archive.Item{item, item}, io.Discard, func(p images.Progress) { got = append(got, p) }))
	layer := m.Layers[0]
	first := images.Progress{ID: layer.Digest.Short(), Total: layer.Size, State: images.Waiting}
	last := images.Progress{ID: layer.Digest.Short(), Done: layer.Size, Total: layer.Size, State: images.Done}
	if len(got) < 3 || got[0] != first || got[1] != first || got[len(got)-1] != last {
		t.Fatalf("it tells %+v", got)
	}
	for i, p := range got[2 : len(got)-1] {
		if p.State != images.Writing || p.Total != layer.Size || i > 0 && p.Done < got[i+1].Done {
			t.Errorf("then %+v after %+v", p, got[i+1])
		}
	}
}

// reversed puts the members in the opposite order: documents first.
func reversed(t testing.TB, b []byte) []byte {
	t.Helper()
	m := membersOf(t, b)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := len(m) - 1; i >= 0; i-- {
		must(t, w.WriteHeader(m[i].h))
		_, err := w.Write(m[i].b)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

type member struct {
	h *tar.Header
	b []byte
}

func membersOf(t testing.TB, b []byte) []member {
	t.Helper()
	var out []member
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		must(t, err)
		body, err := io.ReadAll(r)
		must(t, err)
		out = append(out, member{h, body})
	}
}

func TestImageWithoutNameLoadsWithoutName(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "app:1")
	got, err := archive.Load(t.Context(), openStore(t), bytes.NewReader(save(t, s, archive.Item{Image: img})), images.HostPlatform(), nil)
	must(t, err)
	if len(got) != 1 || got[0].ID != img.ID || len(got[0].Tags) != 0 {
		t.Errorf("loaded %+v", got)
	}
}

// skopeo checks and converts with an implementation that is not ours.
func skopeo(t testing.TB, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("skopeo"); err != nil {
		t.Skip("skopeo is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "skopeo", append([]string{"--insecure-policy", "--tmpdir", t.TempDir()}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("skopeo %v: %v\n%s", args, err, out)
	}
}

func TestSkopeoReadsWhatIsSaved(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "team/app:1")
	ref, _ := images.ParseRef("team/app:1")
	file := filepath.Join(t.TempDir(), "saved.tar")
	must(t, os.WriteFile(file, save(t, s, archive.Item{Image: img, Refs: []images.Ref{ref}}), 0o600))
	for _, from := range []string{"docker-archive:" + file + ":team/app:1", "oci-archive:" + file + ":1"} {
		dir := filepath.Join(t.TempDir(), "out")
		skopeo(t, "copy", from, "dir:"+dir)
		config, err := os.ReadFile(filepath.Join(dir, img.ID.Hex()))
		must(t, err)
		var c images.ConfigFile
		must(t, json.Unmarshal(config, &c))
		if c.Config.User != "1000" {
			t.Errorf("%s: configuration %+v", from, c)
		}
	}
}

func TestLoadOfSkopeosArchives(t *testing.T) {
	t.Parallel()
	s, img := imported(t, "team/app:1")
	ref, _ := images.ParseRef("team/app:1")
	dir := t.TempDir()
	saved := filepath.Join(dir, "saved.tar")
	must(t, os.WriteFile(saved, save(t, s, archive.Item{Image: img, Refs: []images.Ref{ref}}), 0o600))
	for _, test := range []struct {
		to, file string
		tags     []string
	}{
		{"docker-archive:" + dir + "/docker.tar:other/name:2", "docker.tar", []string{"other/name:2"}},
		{"docker-archive:" + dir + "/nameless.tar", "nameless.tar", nil},
		{"oci-archive:" + dir + "/oci.tar:registry.example/x:3", "oci.tar", []string{"registry.example/x:3"}},
		{"oci-archive:" + dir + "/tagonly.tar:latest", "tagonly.tar", nil},
		{"oci-archive:" + dir + "/anonymous.tar", "anonymous.tar", nil},
	} {
		skopeo(t, "copy", "docker-archive:"+saved, test.to)
		f, err := os.Open(filepath.Join(dir, test.file))
		must(t, err)
		to := openStore(t)
		got, err := archive.Load(t.Context(), to, f, images.Platform{}, nil)
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", test.to, err)
			continue
		}
		if len(got) != 1 || !cmp.Equal(got[0].DiffIDs, img.DiffIDs) || !cmp.Equal(got[0].Tags, test.tags) || got[0].Size != img.Size {
			t.Errorf("%s: loaded %+v", test.to, got)
		}
		r, err := to.GC(t.Context(), store.GCOptions{Used: func() (store.Used, error) { return store.Used{}, nil }, DryRun: true})
		must(t, err)
		if r.Bytes != 0 {
			t.Errorf("%s: blobs or layers that nothing needs: %+v", test.to, r)
		}
	}
}
