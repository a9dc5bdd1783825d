package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/images/store"
)

// smallDisk opens a store on a file system of its own.
func smallDisk(t *testing.T, size string) (*store.Store, store.Options) {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	o := store.Options{Root: filepath.Join(dir, "root"), Run: filepath.Join(t.TempDir(), "run")}
	s, err := store.Open(o)
	must(t, err)
	return s, o
}

func TestFullDiskLeavesTheStoreAsItWas(t *testing.T) {
	t.Parallel()
	zeros := file{"zeros", strings.Repeat("\x00", 16<<20)}
	for name, layer := range map[string][]byte{
		"while it downloads": tarOf(t, file{"noise", string(random(16 << 20))}),
		"while it unpacks":   tarOf(t, zeros, file{"other", strings.Repeat("x", 16<<20)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := smallDisk(t, "8m")
			before := build(t, "before", base(t), app(t, 1)).mustAdd(t, s, "before:1")
			l := lease(t, s)
			f := build(t, "big", base(t), layer)
			err := s.Fetch(t.Context(), l, f.chain, f.open, nil)
			if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "gantry prune") {
				t.Errorf("fetch: %v", err)
			}
			must(t, l.Discard(t.Context()))
			must(t, whole(t.Context(), s, before))
			if r := gc(t, s, store.GCOptions{DryRun: true}); r.Bytes != 0 {
				t.Errorf("left: %+v", r)
			}
			if left := list(t, filepath.Join(o.Root, "ingest")); len(left) != 0 {
				t.Errorf("left in ingest: %v", left)
			}
			build(t, "after", base(t), app(t, 2)).mustAdd(t, s, "after:1")
		})
	}
}

func TestFullDiskInTheMiddleOfABlob(t *testing.T) {
	t.Parallel()
	s, o := smallDisk(t, "4m")
	b := random(8 << 20)
	in, err := s.Ingest(t.Context(), lease(t, s), store.DigestOf(b), int64(len(b)))
	must(t, err)
	for len(b) > 0 && err == nil {
		_, err = in.Write(b[:1<<20])
		b = b[1<<20:]
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("write: %v", err)
	}
	must(t, in.Close())
	if left := list(t, filepath.Join(o.Root, "ingest")); len(left) != 0 {
		t.Errorf("left in ingest: %v", left)
	}
}

func TestOpenClosesTheStoreToOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	_, err := store.Open(store.Options{Root: dir, Run: filepath.Join(t.TempDir(), "run")})
	must(t, err)
	for _, d := range []string{dir, filepath.Join(dir, "layers"), filepath.Join(dir, "blobs/sha256")} {
		fi, err := os.Stat(d)
		must(t, err)
		if fi.Mode().Perm() != 0o700 {
			t.Errorf("%s has the mode %v", d, fi.Mode())
		}
	}
	if _, err := store.Open(store.Options{Root: "relative", Run: dir}); err == nil {
		t.Error("a relative root was accepted")
	}
}
