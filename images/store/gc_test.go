package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gantry/images"
	"gantry/images/store"
)

func noContainers() (store.Used, error) { return store.Used{}, nil }

func gc(t testing.TB, s *store.Store, o store.GCOptions) store.Report {
	t.Helper()
	if o.Used == nil {
		o.Used = noContainers
	}
	r, err := s.GC(t.Context(), o)
	must(t, err)
	return r
}

func TestGCKeepsWhatImagesShare(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	one, two := build(t, "one", base(t), app(t, 1)), build(t, "two", base(t), app(t, 2))
	imgOne, imgTwo := one.mustAdd(t, s, "one:1"), two.mustAdd(t, s, "two:1")
	if r := gc(t, s, store.GCOptions{}); r.Bytes != 0 || len(r.Blobs)+len(r.Layers) != 0 {
		t.Errorf("collected from complete images: %+v", r)
	}
	would := gc(t, s, store.GCOptions{Without: []images.Digest{imgOne.ID}, DryRun: true})
	must(t, s.RemoveImage(t.Context(), imgOne.ID))
	dry := gc(t, s, store.GCOptions{DryRun: true})
	did := gc(t, s, store.GCOptions{})
	if would.Bytes != did.Bytes || dry.Bytes != did.Bytes || len(did.Blobs) != 3 || len(did.Layers) != 1 {
		t.Errorf("would %+v, dry run %+v, did %+v", would, dry, did)
	}
	want := 1000 + one.chain[1].Size + int64(len(one.config)+len(one.manifest))
	if did.Bytes != want {
		t.Errorf("reclaimed %d bytes, want %d", did.Bytes, want)
	}
	if _, err := s.LayerDirs(imgTwo); err != nil {
		t.Error(err)
	}
	must(t, s.RemoveImage(t.Context(), imgTwo.ID))
	gc(t, s, store.GCOptions{})
	emptyStore(t, o)
	if left := list(t, filepath.Join(o.Root, "blobs/sha256")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestGCKeepsWhatContainersNeed(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	img := build(t, "one", base(t), app(t, 1)).mustAdd(t, s, "one:1")
	layers, err := s.Layers(img)
	must(t, err)
	must(t, s.RemoveImage(t.Context(), img.ID))
	used := func() (store.Used, error) {
		return store.Used{Layers: map[string]bool{layers[0].ID: true, layers[1].ID: true}, Images: map[images.Digest]bool{img.ID: true}}, nil
	}
	if r := gc(t, s, store.GCOptions{Used: used}); len(r.Layers) != 0 {
		t.Errorf("collected %v", r.Layers)
	}
	if _, _, err := s.Config(img.ID); err != nil {
		t.Error(err)
	}
	for _, l := range layers {
		if dir, err := s.LayerDir(l.ID); err != nil || dir != l.FS() {
			t.Errorf("%s, %v", dir, err)
		}
	}
	if r, err := s.GC(t.Context(), store.GCOptions{}); err != nil || len(r.Layers) != 0 {
		t.Errorf("collected layers without asking for containers: %v, %v", r.Layers, err)
	}
	sad := errors.New("cannot tell")
	if _, err := s.GC(t.Context(), store.GCOptions{Used: func() (store.Used, error) { return store.Used{}, sad }}); !errors.Is(err, sad) {
		t.Errorf("gc: %v", err)
	}
	if r := gc(t, s, store.GCOptions{}); len(r.Layers) != 2 {
		t.Errorf("collected %v", r.Layers)
	}
}

func TestGCKeepsWhatIsLeased(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	f := build(t, "one", base(t), app(t, 1))
	l, err := s.Lease(t.Context())
	must(t, err)
	must(t, s.Fetch(t.Context(), l, f.chain, f.open, nil))
	other, err := store.Open(o)
	must(t, err)
	if r := gc(t, other, store.GCOptions{}); r.Bytes != 0 {
		t.Errorf("collected under a lease: %+v", r)
	}
	l.Release()
	if r := gc(t, other, store.GCOptions{}); len(r.Blobs) != 2 || len(r.Layers) != 2 {
		t.Errorf("collected after it: %+v", r)
	}
	emptyStore(t, o)
}

func TestHoldProtectsAnImageThatIsRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	build(t, "one", base(t), app(t, 1)).mustAdd(t, s, "one:1")
	l := lease(t, s)
	img, err := s.Hold(t.Context(), l, "one:1")
	must(t, err)
	must(t, s.RemoveImage(t.Context(), img.ID))
	if r := gc(t, s, store.GCOptions{}); r.Bytes != 0 {
		t.Errorf("collected %+v", r)
	}
	if _, err := s.LayerDirs(img); err != nil {
		t.Error(err)
	}
	if _, err := s.Add(t.Context(), store.ImageRecord{Manifest: img.Manifest}); err != nil {
		t.Errorf("it cannot be added again: %v", err)
	}
}

func TestDiscardTakesOnlyWhatCameWithTheLease(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	mine, err := s.Lease(t.Context())
	must(t, err)
	_, err = s.PutBlob(mine, []byte("orphan of a broken pull"))
	must(t, err)
	mine.Release()
	l, err := s.Lease(t.Context())
	must(t, err)
	_, err = s.PutBlob(l, []byte("junk"))
	must(t, err)
	must(t, l.Discard(t.Context()))
	if left := list(t, filepath.Join(o.Root, "blobs/sha256")); len(left) != 1 || left[0] != store.DigestOf([]byte("orphan of a broken pull")).Hex() {
		t.Errorf("left: %v", left)
	}
	if left := list(t, filepath.Join(o.Run, "leases")); len(left) != 0 {
		t.Errorf("leases: %v", left)
	}
}

func TestGCSweepsWhatDeadProcessesLeft(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	put := func(name string, age time.Duration) string {
		path := filepath.Join(o.Root, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("12345"), 0o600))
		when := time.Now().Add(-age)
		must(t, os.Chtimes(path, when, when))
		return path
	}
	old, young := store.DigestOf([]byte("old")).Hex(), store.DigestOf([]byte("young")).Hex()
	gone := []string{
		put("ingest/"+old, 48*time.Hour),
		put("ingest/put-123", 0),
		put("layers/.new-"+old+"/0/fs/file", 0),
		put("trash/1/layer/fs/file", 0),
		put("../run/leases/77", 0),
	}
	kept := []string{put("ingest/"+young, time.Hour), put("blobs/sha256/notes.txt", 0)}
	r := gc(t, s, store.GCOptions{})
	for _, p := range gone {
		if strings.HasPrefix(p, filepath.Join(o.Root, "..")+"/run") {
			p = filepath.Join(o.Run, "leases/77")
		}
		if _, err := os.Stat(p); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", p)
		}
	}
	for _, p := range kept {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(r.Partials, []string{"sha256:" + old}) {
		t.Errorf("partials %v", r.Partials)
	}
}

func TestGCLeavesWhatIsBeingWritten(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	b := random(1000)
	in, err := s.Ingest(t.Context(), lease(t, s), store.DigestOf(b), 1000)
	must(t, err)
	_, err = in.Write(b)
	must(t, err)
	p, err := s.Spool(t.Context(), lease(t, s))
	must(t, err)
	_, err = p.Write([]byte("hello"))
	must(t, err)
	long := time.Now().Add(-48 * time.Hour)
	for _, name := range list(t, filepath.Join(o.Root, "ingest")) {
		must(t, os.Chtimes(filepath.Join(o.Root, "ingest", name), long, long))
	}
	gc(t, s, store.GCOptions{})
	must(t, in.Commit())
	_, _, err = p.Commit()
	must(t, err)
}

// TestCollectionWhileLeasesEnd: a lease that is released between a collection's
// finding it and its locking it is no failure.
func TestCollectionWhileLeasesEnd(t *testing.T) {
	s, _ := openStore(t)
	for range 20 {
		leases := make([]*store.Lease, 200)
		for i := range leases {
			var err error
			leases[i], err = s.Lease(t.Context())
			must(t, err)
		}
		var releases sync.WaitGroup
		releases.Go(func() {
			for _, l := range leases {
				l.Release()
			}
		})
		for range 5 {
			_, err := s.GC(t.Context(), store.GCOptions{})
			must(t, err)
		}
		releases.Wait()
	}
}
