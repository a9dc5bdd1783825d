package store_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gantry/images"
	"gantry/images/store"
)

// breaking serves a blob up to a byte and then fails.
func (f *fixture) breaking(after int64) store.OpenFunc {
	return func(ctx context.Context, i int, offset int64) (io.ReadCloser, error) {
		r, err := f.open(ctx, i, offset)
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r, after), errReader{}), r}, err
	}
}

type errReader struct{}

var errBroke = errors.New("the line broke")

func (errReader) Read([]byte) (int, error) { return 0, errBroke }

// flakyLayer is large enough not to arrive in one read.
func bigLayer(t testing.TB) []byte { return tarOf(t, file{"big", string(random(2 << 20))}) }

func emptyStore(t testing.TB, o store.Options) {
	t.Helper()
	for _, dir := range []string{"layers", "trash"} {
		if left := list(t, filepath.Join(o.Root, dir)); len(left) != 0 {
			t.Errorf("left in %s: %v", dir, left)
		}
	}
}

func TestBrokenFetchContinues(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	f := build(t, "x", bigLayer(t))
	err := s.Fetch(t.Context(), lease(t, s), f.chain, f.breaking(1<<20), nil)
	if !errors.Is(err, errBroke) {
		t.Fatalf("broken fetch: %v", err)
	}
	emptyStore(t, o)
	var offset int64
	open := func(ctx context.Context, i int, at int64) (io.ReadCloser, error) {
		offset = at
		return f.open(ctx, i, at)
	}
	must(t, s.Fetch(t.Context(), lease(t, s), f.chain, open, nil))
	if offset != 1<<20 {
		t.Errorf("continued at %d", offset)
	}
	if got := list(t, filepath.Join(o.Root, "layers")); !slices.Contains(got, f.chain[0].DiffID.Hex()) {
		t.Errorf("layers: %v", got)
	}
}

func TestFetchTellsHowItGoes(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	f := build(t, "x", base(t), bigLayer(t))
	last := map[int]images.Progress{}
	report := func(i int, p images.Progress) { last[i] = p }
	must(t, s.Fetch(t.Context(), lease(t, s), f.chain, f.open, report))
	for i, d := range f.chain {
		want := images.Progress{ID: d.Blob.Short(), Done: d.Size, Total: d.Size, State: images.Done}
		if last[i] != want {
			t.Errorf("layer %d ended with %+v", i, last[i])
		}
	}
	must(t, s.Fetch(t.Context(), lease(t, s), f.chain, f.open, report))
	if last[0].State != images.Exists || last[1].State != images.Exists {
		t.Errorf("second time: %+v", last)
	}
}

func TestNothingIsPublishedThatDoesNotMatch(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(f *fixture){
		"other bytes": func(f *fixture) {
			b := bytes.Clone(f.blobs[f.chain[1].Blob])
			b[len(b)/2] ^= 1
			f.blobs[f.chain[1].Blob] = b
		},
		"other diffID": func(f *fixture) { f.chain[1].DiffID = store.DigestOf([]byte("x")) },
		"short":        func(f *fixture) { f.blobs[f.chain[1].Blob] = f.blobs[f.chain[1].Blob][:1000] },
		"long":         func(f *fixture) { f.blobs[f.chain[1].Blob] = append(f.blobs[f.chain[1].Blob], 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := openStore(t)
			f := build(t, "x", base(t), bigLayer(t))
			spoil(f)
			if err := s.Fetch(t.Context(), lease(t, s), f.chain, f.open, nil); err == nil {
				t.Error("it was accepted")
			} else {
				t.Log(err)
			}
			emptyStore(t, o)
		})
	}
}

func TestDamagedBlobIsFetchedAgain(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	f := build(t, "x", base(t))
	f.mustAdd(t, s, "x:1")
	b := bytes.Clone(f.blobs[f.chain[0].Blob])
	b[len(b)/2] ^= 1
	must(t, os.WriteFile(filepath.Join(o.Root, "blobs/sha256", f.chain[0].Blob.Hex()), b, 0o600))
	for _, l := range list(t, filepath.Join(o.Root, "layers")) {
		must(t, os.RemoveAll(filepath.Join(o.Root, "layers", l)))
	}
	if err := s.Unpack(t.Context(), lease(t, s), f.chain, nil); !errors.Is(err, images.ErrCorrupt) {
		t.Errorf("unpack of a damaged blob: %v", err)
	}
	img := f.mustAdd(t, s, "x:1")
	dirs, err := s.LayerDirs(img)
	must(t, err)
	if got := read(t, filepath.Join(dirs[0], "bin/sh")); got != "#!shell" {
		t.Errorf("bin/sh: %q", got)
	}
	must(t, s.VerifyBlob(t.Context(), f.chain[0].Blob))
}

func TestConcurrentFetchesShareTheWork(t *testing.T) {
	t.Parallel()
	_, o := openStore(t)
	one := build(t, "one", base(t), bigLayer(t), app(t, 1))
	two := build(t, "two", app(t, 2), bigLayer(t), base(t)) // the shared layers in another order
	var opened atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		f := []*fixture{one, two}[i%2]
		s, err := store.Open(o)
		must(t, err)
		l := lease(t, s)
		wg.Go(func() {
			err := s.Fetch(t.Context(), l, f.chain, func(ctx context.Context, i int, at int64) (io.ReadCloser, error) {
				opened.Add(1)
				return f.open(ctx, i, at)
			}, nil)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := opened.Load(); n != 4 {
		t.Errorf("%d downloads of 4 blobs", n)
	}
	s, err := store.Open(o)
	must(t, err)
	one.mustAdd(t, s, "one:1")
	two.mustAdd(t, s, "two:1")
	for _, name := range list(t, filepath.Join(o.Root, "layers")) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("left: %s", name)
		}
	}
}

func TestCancelledFetchLeavesNoLayers(t *testing.T) {
	t.Parallel()
	s, o := openStore(t)
	f := build(t, "x", bigLayer(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("changed my mind")
	err := s.Fetch(ctx, lease(t, s), f.chain, func(ctx context.Context, i int, at int64) (io.ReadCloser, error) {
		cancel(why)
		<-ctx.Done()
		return nil, ctx.Err()
	}, nil)
	if !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled fetch: %v", err)
	}
	emptyStore(t, o)
}

// layerDirOf returns the name of a layer's folder.
func layerDirOf(t testing.TB, s *store.Store, img images.Image, i int) string {
	t.Helper()
	ls, err := s.Layers(img)
	must(t, err)
	return ls[i].ID
}

func TestLayerIsSharedUnlessThoseBelowChangeIt(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	// The upper layer only implies etc/.
	upper := tarOf(t, file{"etc/app.conf", "x"})
	private := func() []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		must(t, w.WriteHeader(&tar.Header{Name: "etc/", Mode: 0o700, Typeflag: tar.TypeDir}))
		must(t, w.Close())
		return b.Bytes()
	}()
	one := build(t, "one", base(t), upper).mustAdd(t, s, "one:1")
	two := build(t, "two", app(t, 1), upper).mustAdd(t, s, "two:1")
	three := build(t, "three", private, upper).mustAdd(t, s, "three:1")
	if a, b := layerDirOf(t, s, one, 1), layerDirOf(t, s, two, 1); a != b {
		t.Errorf("layers %s and %s are not shared", a, b)
	}
	id := layerDirOf(t, s, three, 1)
	if !strings.HasPrefix(id, "chain-") {
		t.Errorf("layer %s does not depend on its parent", id)
	}
	dirs, err := s.LayerDirs(three)
	must(t, err)
	fi, err := os.Stat(filepath.Join(dirs[1], "etc"))
	must(t, err)
	if fi.Mode().Perm() != 0o700 {
		t.Errorf("etc has the mode %v", fi.Mode())
	}
}

func TestLayerThatOccursTwiceIsStackedOnce(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	l := app(t, 1)
	img := build(t, "x", base(t), l, app(t, 2), l).mustAdd(t, s, "x:1")
	dirs, err := s.LayerDirs(img)
	must(t, err)
	sorted := slices.Compact(slices.Sorted(slices.Values(dirs)))
	if len(sorted) != len(dirs) {
		t.Errorf("stack %v", dirs)
	}
	if _, err := os.Stat(filepath.Join(dirs[len(dirs)-1], "app-1")); err != nil {
		t.Errorf("the upper occurrence is not on top: %v", err)
	}
}

func TestImageWithoutLayers(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	img := build(t, "scratch").mustAdd(t, s, "scratch:1")
	if dirs, err := s.LayerDirs(img); err != nil || len(dirs) != 0 {
		t.Errorf("%v, %v", dirs, err)
	}
}
