package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gantry/images"
	"gantry/images/store"
)

func newStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{Root: t.TempDir(), Run: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reports keeps the last progress per ID, and all IDs that failed.
type reports struct {
	mu     sync.Mutex
	last   map[string]images.Progress
	failed []string
}

func (r *reports) add(p images.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]images.Progress{}
	}
	r.last[p.ID] = p
	if p.State == images.Failed {
		r.failed = append(r.failed, p.Text)
	}
}

// checkPulled looks at what a pull left in the store.
func checkPulled(t *testing.T, st *store.Store, img images.Image, want picture) {
	t.Helper()
	dirs, err := st.LayerDirs(img)
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs) != len(want.layers) {
		t.Fatalf("%d layers, want %d", len(dirs), len(want.layers))
	}
	for i, dir := range dirs {
		fi, err := os.Stat(filepath.Join(dir, fmt.Sprintf("file%d", i)))
		if err != nil {
			t.Error(err)
		} else if fi.Size() == 0 {
			t.Errorf("layer %d: an empty file", i)
		}
	}
	raw, err := want.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	if img.Manifest != store.DigestOf(raw) {
		t.Errorf("manifest %s, want %s", img.Manifest, store.DigestOf(raw))
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := paint(t, here, 2*mib, 1000, mib)
	digest := s.upload(t, "team/app:1", p)
	st, got := newStore(t), &reports{}
	c := newClient(t, Config{})
	img, err := c.Pull(t.Context(), st, s.ref(t, "team/app:1"), images.Platform{}, got.add)
	if err != nil {
		t.Fatal(err)
	}
	checkPulled(t, st, img, p)
	if want := []string{s.host + "/team/app:1"}; !slices.Equal(img.Tags, want) {
		t.Errorf("tags %q, want %q", img.Tags, want)
	}
	if want := []string{s.host + "/team/app@" + string(digest)}; !slices.Equal(img.RepoDigests, want) {
		t.Errorf("digests %q, want %q", img.RepoDigests, want)
	}
	for id, p := range got.last {
		if p.State != images.Done {
			t.Errorf("progress %q ends as %+v", id, p)
		}
	}
	if len(got.last) != 4 {
		t.Errorf("progress of %d parts: %v", len(got.last), got.last)
	}

	t.Run("again", func(t *testing.T) {
		before := s.log.count(http.MethodGet, "/blobs/")
		again := &reports{}
		if _, err := c.Pull(t.Context(), st, s.ref(t, "team/app@"+string(digest)), here, again.add); err != nil {
			t.Fatal(err)
		}
		if n := s.log.count(http.MethodGet, "/blobs/") - before; n > 1 {
			t.Errorf("%d blobs fetched again", n)
		}
		for id, p := range again.last {
			if id != "" && p.State != images.Exists {
				t.Errorf("progress %q ends as %+v", id, p)
			}
		}
	})
}

func TestPullSurvivesFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]middleware{
		"cut mid-layer":     onBlobs(2, 3, cut(300_000)),
		"overloaded":        onBlobs(1, 3, answer(http.StatusInternalServerError)),
		"wants patience":    onBlobs(2, 1, answer(http.StatusTooManyRequests, "Retry-After", "1")),
		"stalls":            onBlobs(2, 2, stall(100_000)),
		"cut, and no range": func(w http.ResponseWriter, r *http.Request, next http.Handler) { noRanges(w, r, next) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, fault)
			p := paint(t, here, 2*mib, mib, 3*mib)
			s.upload(t, "app:1", p)
			st := newStore(t)
			img, err := newClient(t, Config{}).Pull(t.Context(), st, s.ref(t, "app:1"), here, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkPulled(t, st, img, p)
		})
	}
}

// A pull that was given up goes on where it stopped.
func TestPullContinuesAnEarlierOne(t *testing.T) {
	t.Parallel()
	s := serve(t, onBlobs(2, 4, cut(mib)))
	p := paint(t, here, 3*mib)
	s.upload(t, "app:1", p)
	st := newStore(t)
	c := newClient(t, Config{Patience: Patience{Attempts: 1}})
	for range 10 {
		img, err := c.Pull(t.Context(), st, s.ref(t, "app:1"), here, nil)
		if err == nil {
			checkPulled(t, st, img, p)
			break
		}
		if !errors.Is(err, images.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var ranges []string
	for _, r := range s.log.all {
		if h := r.Header.Get("Range"); h != "" {
			ranges = append(ranges, strings.SplitN(h, "-", 2)[0])
		}
	}
	if want := []string{"bytes=1048576", "bytes=2097152", "bytes=3145728"}; !slices.Equal(ranges, want[:len(ranges)]) || len(ranges) < 2 {
		t.Errorf("ranges %q, want %q", ranges, want)
	}
}

func TestPullRefusesWrongBytes(t *testing.T) {
	t.Parallel()
	flip := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := &recorder{header: http.Header{}}
		next.ServeHTTP(rec, r)
		b := rec.body.Bytes()
		b[len(b)/2] ^= 1
		_, _ = w.Write(b)
	}
	for _, tt := range []struct {
		name  string
		fault middleware
	}{
		{"layer", onBlobs(2, always, flip)},
		{"configuration", onBlobs(1, 1, flip)},
		{"manifest", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if strings.Contains(r.URL.Path, "/manifests/") {
				flip(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.fault)
			digest := s.upload(t, "app:1", paint(t, here, mib))
			root := t.TempDir()
			st, err := store.Open(store.Options{Root: root, Run: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			_, err = newClient(t, Config{}).Pull(t.Context(), st, s.ref(t, "app@"+string(digest)), here, nil)
			if !errors.Is(err, images.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
			if list, err := st.List(t.Context()); err != nil || len(list) > 0 {
				t.Errorf("images %v, %v", list, err)
			}
			left, err := filepath.Glob(filepath.Join(root, "layers", "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("layers %v, %v", left, err)
			}
		})
	}
}

func TestPullChoosesThePlatform(t *testing.T) {
	t.Parallel()
	s := serve(t)
	amd := images.Platform{OS: "linux", Architecture: "amd64"}
	arm := images.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	pictures := map[images.Platform]picture{amd: paint(t, amd, 1000), arm: paint(t, arm, 2000)}
	index := s.upload(t, "multi:1", combine(t, pictures))
	c, st := newClient(t, Config{}), newStore(t)
	for platform, p := range pictures {
		img, err := c.Pull(t.Context(), st, s.ref(t, "multi:1"), platform, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkPulled(t, st, img, p)
		if img.Target != index {
			t.Errorf("%s: target %s, want the index %s", platform, img.Target, index)
		}
		if d := cmp.Diff(platform.Normalize(), img.Platform); d != "" {
			t.Error(d)
		}
	}
	_, err := c.Pull(t.Context(), st, s.ref(t, "multi:1"), images.Platform{OS: "linux", Architecture: "riscv64"}, nil)
	if !errors.Is(err, images.ErrPlatform) || !strings.Contains(err.Error(), "linux/riscv64, only for linux/amd64, linux/arm64") {
		t.Errorf("got %v", err)
	}
	s.upload(t, "single:1", pictures[arm])
	_, err = c.Pull(t.Context(), st, s.ref(t, "single:1"), amd, nil)
	if !errors.Is(err, images.ErrPlatform) || !strings.Contains(err.Error(), "linux/amd64, only for linux/arm64") {
		t.Errorf("got %v", err)
	}
}

// combine makes an index, with an attestation as buildkit adds it.
func combine(t *testing.T, pictures map[images.Platform]picture) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for platform, p := range pictures {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: p, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: platform.OS, Architecture: platform.Architecture, Variant: platform.Variant},
		}})
	}
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: paint(t, images.Platform{OS: "unknown", Architecture: "unknown"}, 10),
		Descriptor: v1.Descriptor{
			Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
			Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
		}})
}

func TestPullOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.upload(t, "app:1", paint(t, here, 10))
	c, st := newClient(t, Config{}), newStore(t)
	closed := serve(t)
	closed.Server.Close()
	unknown, _ := images.ParseRef("no-such-host.invalid/app:1")
	for _, tt := range []struct {
		ref   images.Ref
		class error
		says  string
	}{
		{s.ref(t, "app:2"), images.ErrNotFound, "not found: 127.0.0.1:"},
		{s.ref(t, "other:1"), images.ErrNotFound, "404 Not Found, NAME_UNKNOWN"},
		{s.ref(t, "app@sha256:"+strings.Repeat("0", 64)), images.ErrNotFound, "404 Not Found, MANIFEST_UNKNOWN"},
		{closed.ref(t, "app:1"), images.ErrUnavailable, "connection refused"},
		{unknown, images.ErrUnavailable, "no-such-host.invalid"},
	} {
		_, err := c.Pull(t.Context(), st, tt.ref, here, nil)
		if !errors.Is(err, tt.class) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v; want %v, %q", tt.ref, err, tt.class, tt.says)
		}
	}
}

func TestPullStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, onBlobs(2, always, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		cancel()
		stall(10)(w, r, next)
	}))
	s.upload(t, "app:1", paint(t, here, mib))
	c := newClient(t, Config{Patience: Patience{Stall: 1 << 40}})
	if _, err := c.Pull(ctx, newStore(t), s.ref(t, "app:1"), here, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(c.slots) != 0 {
		t.Errorf("%d slots are still taken", len(c.slots))
	}
}

func TestPullThroughMirrors(t *testing.T) {
	t.Parallel()
	origin := serve(t)
	p := paint(t, here, mib, mib)
	origin.upload(t, "team/app:1", p)
	down := serve(t)
	down.Server.Close()
	lacking := serve(t)
	broken := serve(t, onBlobs(2, always, cut(1000)))
	broken.upload(t, "hub/team/app:1", p)
	good := serve(t)
	good.upload(t, "team/app:1", p)

	for _, tt := range []struct {
		name    string
		mirrors []string
		passed  []string // what is said of the mirrors that failed
		asked   int      // requests for blobs that reach the origin
	}{
		{"a good one", []string{good.host}, nil, 0},
		{"down", []string{down.host}, []string{"connection refused"}, 3},
		{"lacks the image", []string{lacking.host}, []string{"not found"}, 3},
		{"breaks", []string{broken.host + "/hub"}, []string{"given up after 4 tries"}, 3},
		{"all but the last fail", []string{down.host, lacking.host, good.host}, []string{"connection refused", "not found"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := origin.log.count(http.MethodGet, "/blobs/")
			got, st := &reports{}, newStore(t)
			c := newClient(t, Config{Registries: map[string]Registry{origin.host: {Mirrors: tt.mirrors}}})
			img, err := c.Pull(t.Context(), st, origin.ref(t, "team/app:1"), here, got.add)
			if err != nil {
				t.Fatal(err)
			}
			checkPulled(t, st, img, p)
			if want := []string{origin.host + "/team/app:1"}; !slices.Equal(img.Tags, want) {
				t.Errorf("tags %q, want %q", img.Tags, want)
			}
			if n := origin.log.count(http.MethodGet, "/blobs/") - before; n != tt.asked {
				t.Errorf("%d requests to the origin, want %d", n, tt.asked)
			}
			var passed []string
			for _, f := range got.failed {
				if strings.HasPrefix(f, "mirror ") {
					passed = append(passed, f)
				}
			}
			if len(passed) != len(tt.passed) {
				t.Fatalf("passed over: %q", passed)
			}
			for i, says := range tt.passed {
				if !strings.Contains(passed[i], says) {
					t.Errorf("%q does not say %q", passed[i], says)
				}
			}
		})
	}

	t.Run("none has it", func(t *testing.T) {
		c := newClient(t, Config{Registries: map[string]Registry{origin.host: {Mirrors: []string{lacking.host}}}})
		_, err := c.Pull(t.Context(), newStore(t), origin.ref(t, "team/app:9"), here, nil)
		if !errors.Is(err, images.ErrNotFound) || !strings.Contains(err.Error(), origin.host+" does not have it") {
			t.Errorf("got %v", err)
		}
	})
}

// Two pulls of one image at once fetch each blob once.
func TestPullsShareTheirWork(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := paint(t, here, 2*mib, mib)
	s.upload(t, "app:1", p)
	st, c := newStore(t), newClient(t, Config{})
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			img, err := c.Pull(t.Context(), st, s.ref(t, "app:1"), here, nil)
			if err != nil {
				t.Error(err)
				return
			}
			checkPulled(t, st, img, p)
		})
	}
	both.Wait()
	if n := s.log.count(http.MethodGet, "/blobs/"); n > 4 { // 2 layers, 2 × the configuration
		t.Errorf("%d blobs fetched", n)
	}
}
