package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/store"
)

func TestAddedImageIsListedAndResolved(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	f := build(t, "one", base(t), app(t, 1))
	added := f.mustAdd(t, s, "team/app:1")
	got, err := s.List(t.Context())
	must(t, err)
	want := images.Image{
		ID: f.id(), Manifest: store.DigestOf(f.manifest), Target: store.DigestOf(f.manifest),
		Tags:        []string{"team/app:1"},
		RepoDigests: []string{"team/app@" + string(store.DigestOf(f.manifest))},
		Platform:    images.Platform{OS: "linux", Architecture: "amd64"},
		Labels:      map[string]string{"label": "one"},
		Size:        1000 + 7 + 8,
		Download:    f.chain[0].Size + f.chain[1].Size,
		DiffIDs:     []images.Digest{f.chain[0].DiffID, f.chain[1].DiffID},
	}
	if diff := cmp.Diff([]images.Image{want}, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, added); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}
	// A second process sees the same.
	other, err := store.Open(o)
	must(t, err)
	for _, ref := range []string{
		"team/app:1", "docker.io/team/app:1", string(f.id()), f.id().Hex(), f.id().Short(), "sha256:" + f.id().Hex()[:7],
		"team/app@" + string(want.Manifest), "team/app:other@" + string(want.Manifest), string(want.Manifest),
	} {
		img, err := other.Resolve(t.Context(), ref)
		if err != nil || img.ID != f.id() {
			t.Errorf("resolve %q = %v, %v", ref, img.ID, err)
		}
	}
	for _, ref := range []string{"team/app", "app:1", "other@" + string(want.Manifest), "ffff", "sha256:" + f.id().Hex()[1:] + "0"} {
		if _, err := other.Resolve(t.Context(), ref); !errors.Is(err, images.ErrNotFound) {
			t.Errorf("resolve %q = %v, want not found", ref, err)
		}
	}
	dirs, err := other.LayerDirs(want)
	must(t, err)
	if len(dirs) != 2 || read(t, filepath.Join(dirs[0], "bin/sh")) != "#!shell" || len(read(t, filepath.Join(dirs[1], "app-1"))) != 1000 {
		t.Errorf("layer dirs %v", dirs)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}
