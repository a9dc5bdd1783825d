package content_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gantry/images/build/content"
)

// TestDigest: what changes a digest, and what does not.
func TestDigest(t *testing.T) {
	t.Parallel()
	all := content.Request{Sources: []string{"."}}
	for _, tt := range []struct {
		name   string
		change func(dir string) error
		same   bool
	}{
		{"touched", func(d string) error { return os.Chtimes(d+"/a", time.Now(), time.Unix(1, 0)) }, true},
		{"mode", func(d string) error { return os.Chmod(d+"/a", 0o755) }, false},
		{"bytes", func(d string) error { return os.WriteFile(d+"/a", []byte("b"), 0o644) }, false},
		{"name", func(d string) error { return os.Rename(d+"/a", d+"/b") }, false},
		{"link", func(d string) error { return errors.Join(os.Remove(d+"/l"), os.Symlink("x", d+"/l")) }, false},
		{"type", func(d string) error { return errors.Join(os.Remove(d+"/l"), os.WriteFile(d+"/l", []byte("a"), 0o777)) }, false},
		{"mode of the source directory", func(d string) error { return os.Chmod(d, 0o700) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, cache := t.TempDir(), t.TempDir()
			write(t, dir, "a=a", "l>a", "d/e=e")
			must(t, os.Chmod(dir, 0o755))
			first := open(t, dir, content.Options{Cache: cache})
			before := digest(t, first, all)
			must(t, first.Close())
			must(t, tt.change(dir))
			after := digest(t, open(t, dir, content.Options{Cache: cache}), all)
			if (before == after) != tt.same {
				t.Errorf("before %s, after %s", before, after)
			}
		})
	}
}

// TestChangedWhileRead: a file that changes after it was selected is an error
// that names it.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "src/a=a")
	s := sel(t, open(t, dir, content.Options{}), content.Request{Sources: []string{"src"}})
	must(t, os.WriteFile(filepath.Join(dir, "src/a"), []byte("longer"), 0o644))
	if _, err := s.Digest(context.Background()); !errors.Is(err, content.ErrChanged) {
		t.Errorf("got %v, want that it changed", err)
	}
}
