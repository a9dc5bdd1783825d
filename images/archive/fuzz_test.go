package archive_test

import (
	"bytes"
	"testing"

	"gantry/images"
	"gantry/images/archive"
	"gantry/images/store"
)

// FuzzLoad: an archive is loaded whole or leaves nothing.
func FuzzLoad(f *testing.F) {
	f.Add(oldStyle(f, "old:1"))
	l := &layout{t: f}
	f.Add(l.bytes(l.blob(l.index(l.image("amd64"), l.image("arm64")), "application/vnd.oci.image.index.v1+json")))
	f.Add(gz(f, oldStyle(f)))
	s := openStore(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := archive.Load(t.Context(), s, bytes.NewReader(b), images.Platform{}, nil)
		for _, img := range got {
			if _, err := s.LayerDirs(img); err != nil || img.Problem != "" {
				t.Errorf("loaded %+v, %v", img, err)
			}
			must(t, s.RemoveImage(t.Context(), img.ID))
		}
		if len(got) > 0 {
			_, err := s.GC(t.Context(), store.GCOptions{Used: func() (store.Used, error) { return store.Used{}, nil }})
			must(t, err)
		}
		if err != nil || len(got) > 0 {
			nothingLeft(t, s)
		}
	})
}
