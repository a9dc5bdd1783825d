package store_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/store"
)

// damaged opens a store with two images and lets the test break it before a
// fresh process looks.
func damaged(t *testing.T, damage func(root string, one *fixture)) *store.Store {
	t.Helper()
	s, o := openStore(t)
	one := build(t, "one", base(t), app(t, 1))
	one.mustAdd(t, s, "one:1")
	build(t, "two", base(t), app(t, 2)).mustAdd(t, s, "two:1")
	damage(o.Root, one)
	s, err := store.Open(o)
	must(t, err)
	return s
}

func TestDamagedImageHidesNoOther(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]func(f *fixture) string{
		"manifest":      func(f *fixture) string { return "blobs/sha256/" + store.DigestOf(f.manifest).Hex() },
		"configuration": func(f *fixture) string { return "blobs/sha256/" + f.id().Hex() },
	} {
		for kind, damage := range map[string]func(path string) error{
			"changed": func(p string) error { return os.WriteFile(p, []byte(`{"schemaVersion":2}`), 0o600) },
			"missing": os.Remove,
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				var one *fixture
				s := damaged(t, func(root string, f *fixture) {
					one = f
					must(t, damage(filepath.Join(root, path(f))))
				})
				all, err := s.List(t.Context())
				must(t, err)
				if len(all) != 2 || all[1].Problem != "" || all[0].Tags[0] != "one:1" || all[0].ID != one.id() {
					t.Fatalf("list %+v", all)
				}
				if !strings.Contains(all[0].Problem, one.id().Hex()) && !strings.Contains(all[0].Problem, store.DigestOf(one.manifest).Hex()) {
					t.Errorf("problem %q names no file", all[0].Problem)
				}
				if _, err := s.GC(t.Context(), store.GCOptions{Used: noContainers}); !errors.Is(err, images.ErrCorrupt) || !strings.Contains(err.Error(), "one:1") {
					t.Errorf("gc: %v", err)
				}
				// Pulling it again repairs it.
				if img := one.mustAdd(t, s, "one:1"); img.Problem != "" {
					t.Errorf("after a new pull: %s", img.Problem)
				}
				gc(t, s, store.GCOptions{})
			})
		}
	}
}

func TestDamagedImageCanBeRemoved(t *testing.T) {
	t.Parallel()
	s := damaged(t, func(root string, f *fixture) {
		must(t, os.Remove(filepath.Join(root, "blobs/sha256", store.DigestOf(f.manifest).Hex())))
		must(t, os.Remove(filepath.Join(root, "blobs/sha256", f.id().Hex())))
	})
	_, err := s.Remove(t.Context(), "one:1", store.RemoveOptions{})
	must(t, err)
	if diff := cmp.Diff(map[string][]string{"two": {"two:1"}}, names(t, s)); diff != "" {
		t.Error(diff)
	}
	if r := gc(t, s, store.GCOptions{}); len(r.Layers) != 1 {
		t.Errorf("collected %+v", r)
	}
}

func TestDamagedLayerMeta(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"no JSON": "{", "other layer": `{"v":1,"diffID":"sha256:00"}`, "newer": `{"v":9}`, "empty": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var path string
			var one *fixture
			s := damaged(t, func(root string, f *fixture) {
				one = f
				path = filepath.Join(root, "layers", f.chain[1].DiffID.Hex(), "meta.json")
				must(t, os.WriteFile(path, []byte(content), 0o600))
			})
			img, err := s.Resolve(t.Context(), "one:1")
			must(t, err)
			_, err = s.LayerDirs(img)
			if !errors.Is(err, images.ErrCorrupt) || !strings.Contains(err.Error(), path) || !strings.Contains(img.Problem, path) {
				t.Errorf("layers: %v; problem %q", err, img.Problem)
			}
			two, err := s.Resolve(t.Context(), "two:1")
			must(t, err)
			if _, err := s.LayerDirs(two); err != nil {
				t.Error(err)
			}
			if _, err := one.add(t.Context(), s, "one:1"); !errors.Is(err, images.ErrCorrupt) {
				t.Errorf("pull over it: %v", err)
			}
			// What the message says works.
			must(t, os.RemoveAll(filepath.Dir(path)))
			img = one.mustAdd(t, s, "one:1")
			if _, err := s.LayerDirs(img); err != nil || img.Problem != "" {
				t.Errorf("after a new pull: %v, %s", err, img.Problem)
			}
		})
	}
}

func TestDamagedIndexEntryHidesNoOther(t *testing.T) {
	t.Parallel()
	var path string
	s := damaged(t, func(root string, _ *fixture) {
		path = filepath.Join(root, "index.json")
		b := []byte(read(t, path))
		b = []byte(strings.Replace(string(b), `"manifests":[`, `"manifests":[{"digest":7},{"mediaType":"text/plain","digest":"sha256:0"},`, 1))
		must(t, os.WriteFile(path, b, 0o600))
	})
	want := map[string][]string{"one": {"one:1"}, "two": {"two:1"}}
	if diff := cmp.Diff(want, names(t, s)); diff != "" {
		t.Error(diff)
	}
	must(t, s.Tag(t.Context(), "one:1", mustRef(t, "b:1")))
	if got := read(t, path); !strings.Contains(got, `{"digest":7}`) {
		t.Errorf("the entry was lost: %s", got)
	}
	if _, err := s.GC(t.Context(), store.GCOptions{Used: noContainers}); !errors.Is(err, images.ErrCorrupt) || !strings.Contains(err.Error(), "entry 1") {
		t.Errorf("gc: %v", err)
	}
}

func TestDamagedIndex(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"cut": `{"schemaVersion":2,"manif`, "empty": "", "other": `[]`, "null": "null", "huge": strings.Repeat(" ", 17<<20), "list": `{"manifests":{}}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var path string
			s := damaged(t, func(root string, _ *fixture) {
				path = filepath.Join(root, "index.json")
				must(t, os.WriteFile(path, []byte(content), 0o600))
			})
			_, lerr := s.List(t.Context())
			_, rerr := s.Resolve(t.Context(), "one:1")
			_, gerr := s.GC(t.Context(), store.GCOptions{Used: noContainers})
			terr := s.Tag(t.Context(), "one:1", mustRef(t, "x"))
			for _, err := range []error{lerr, rerr, gerr, terr} {
				if !errors.Is(err, images.ErrCorrupt) || !strings.Contains(err.Error(), path) {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}

func TestForeignAnnotationsSurvive(t *testing.T) {
	t.Parallel()
	var path string
	s := damaged(t, func(root string, _ *fixture) {
		path = filepath.Join(root, "index.json")
		b := strings.Replace(read(t, path), `{`, `{"annotations":{"who":"else"},`, 1)
		must(t, os.WriteFile(path, []byte(b), 0o600))
	})
	must(t, s.Tag(t.Context(), "one:1", mustRef(t, "b:1")))
	var doc struct{ Annotations map[string]string }
	must(t, json.Unmarshal([]byte(read(t, path)), &doc))
	if doc.Annotations["who"] != "else" {
		t.Errorf("annotations %v", doc.Annotations)
	}
}

func TestParseManifestRefusesConfusion(t *testing.T) {
	t.Parallel()
	d := `"sha256:` + strings.Repeat("a", 64) + `"`
	desc := `{"mediaType":"x","digest":` + d + `,"size":1}`
	for name, test := range map[string]struct{ doc, contentType string }{
		"both":           {`{"schemaVersion":2,"config":` + desc + `,"layers":[],"manifests":[]}`, ""},
		"index":          {`{"schemaVersion":2,"manifests":[]}`, ""},
		"neither":        {`{"schemaVersion":2}`, ""},
		"schema 1":       {`{"schemaVersion":1,"fsLayers":[]}`, ""},
		"other type":     {`{"schemaVersion":2,"mediaType":"` + store.MediaTypeIndex + `","config":` + desc + `,"layers":[]}`, ""},
		"contradiction":  {`{"schemaVersion":2,"mediaType":"` + store.MediaTypeManifest + `","config":` + desc + `,"layers":[]}`, store.MediaTypeDockerImage},
		"bad digest":     {`{"schemaVersion":2,"config":` + desc + `,"layers":[{"digest":"sha256:../../x"}]}`, ""},
		"negative size":  {`{"schemaVersion":2,"config":` + desc + `,"layers":[{"digest":` + d + `,"size":-1}]}`, ""},
		"no JSON":        {`{`, ""},
		"another digest": {`{"schemaVersion":2,"config":{"digest":"md5:00"},"layers":[]}`, ""},
		"null":           {`null`, ""},
	} {
		if _, err := store.ParseManifest([]byte(test.doc), test.contentType); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := store.ParseManifest([]byte(`{"schemaVersion":2,"config":`+desc+`,"layers":[`+desc+`]}`), store.MediaTypeManifest); err != nil {
		t.Error(err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{},"layers":[]}`))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, merr := store.ParseManifest(b, "")
		_, ierr := store.ParseIndex(b, "")
		if merr == nil && ierr == nil {
			t.Error("one document is both a manifest and an index")
		}
		_, _ = store.ParseConfig(b)
	})
}
