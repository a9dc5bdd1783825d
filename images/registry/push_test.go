package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gantry/images"
	"gantry/images/store"
)

// pulled returns a store with an image that came from a registry.
func pulled(t *testing.T, s *server, p picture) (*Client, *store.Store, images.Image) {
	t.Helper()
	s.upload(t, "team/app:1", p)
	c, st := newClient(t, Config{}), newStore(t)
	img, err := c.Pull(t.Context(), st, s.ref(t, "team/app:1"), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, st, img
}

func TestPush(t *testing.T) {
	t.Parallel()
	s, other := serve(t), serve(t)
	p := paint(t, here, mib, 2*mib, 1000)
	c, st, img := pulled(t, s, p)
	dst := other.ref(t, "mine/app:2")
	if err := st.Tag(t.Context(), img.Tags[0], dst); err != nil {
		t.Fatal(err)
	}
	got := &reports{}
	digest, err := c.Push(t.Context(), st, dst, got.add)
	if err != nil {
		t.Fatal(err)
	}
	if digest != img.Manifest {
		t.Errorf("pushed as %s, want %s: the stored bytes", digest, img.Manifest)
	}
	if len(got.last) != 5 {
		t.Errorf("progress of %d parts, want 3 layers, the configuration and the whole", len(got.last))
	}
	for id, p := range got.last {
		if p.State != images.Done || p.Done != p.Total {
			t.Errorf("progress %q ends as %+v", id, p)
		}
	}
	img, err = st.Resolve(t.Context(), dst.String())
	if want := dst.WithDigest(digest).Familiar(); err != nil || !slices.Contains(img.RepoDigests, want) {
		t.Errorf("digests %q, %v; want %q among them", img.RepoDigests, err, want)
	}
	back := newStore(t)
	if img, err = c.Pull(t.Context(), back, dst, here, nil); err != nil {
		t.Fatal(err)
	}
	checkPulled(t, back, img, p)

	t.Run("again", func(t *testing.T) {
		before := other.log.count(http.MethodPatch, "/")
		again := &reports{}
		if _, err := c.Push(t.Context(), st, dst, again.add); err != nil {
			t.Fatal(err)
		}
		if n := other.log.count(http.MethodPatch, "/") - before; n != 0 {
			t.Errorf("%d blobs uploaded again", n)
		}
		for id, p := range again.last {
			if id != "" && p.State != images.Exists {
				t.Errorf("progress %q ends as %+v", id, p)
			}
		}
	})
	t.Run("the manifest is last", func(t *testing.T) {
		other.log.mu.Lock()
		defer other.log.mu.Unlock()
		put := slices.IndexFunc(other.log.all, func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
		})
		patch := slices.IndexFunc(other.log.all[put:], func(r *http.Request) bool { return r.Method == http.MethodPatch })
		if put < 0 || patch >= 0 {
			t.Errorf("manifest at %d, a blob %d later", put, patch)
		}
	})
}

// Layers that the registry has in the repository that the image came from are
// not sent.
func TestPushMounts(t *testing.T) {
	t.Parallel()
	var mounts []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if from := r.URL.Query().Get("from"); from != "" {
			mounts = append(mounts, from)
			w.Header().Set("Location", r.URL.Path)
			w.WriteHeader(http.StatusCreated)
			return
		}
		if r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/other/") {
			w.WriteHeader(http.StatusNotFound) // ggcr's registry has one set of blobs for all
			return
		}
		next.ServeHTTP(w, r)
	})
	c, st, img := pulled(t, s, paint(t, here, mib))
	c.cfg.Parallel = 1 // mounts has no lock
	dst := s.ref(t, "other/app:1")
	if err := st.Tag(t.Context(), img.Tags[0], dst); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Push(t.Context(), st, dst, nil); err != nil {
		t.Fatal(err)
	}
	if want := []string{"team/app", "team/app"}; !slices.Equal(mounts, want) || s.log.count(http.MethodPatch, "/") > 0 {
		t.Errorf("mounted from %q, want %q, and %d uploads", mounts, want, s.log.count(http.MethodPatch, "/"))
	}
}

func TestPushSurvives(t *testing.T) {
	t.Parallel()
	first := func(method string, n int, m middleware) middleware {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == method && n > 0 {
				n--
				m(w, r, next)
				return
			}
			next.ServeHTTP(w, r)
		}
	}
	for name, fault := range map[string]middleware{
		"start":    first(http.MethodPost, 2, answer(http.StatusServiceUnavailable)),
		"upload":   first(http.MethodPatch, 2, answer(http.StatusInternalServerError)),
		"hang-up":  first(http.MethodPatch, 2, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }),
		"commit":   first(http.MethodPut, 2, answer(http.StatusBadGateway)),
		"question": first(http.MethodHead, 2, answer(http.StatusTooManyRequests)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := paint(t, here, mib, 2000)
			c, st, img := pulled(t, serve(t), p)
			c.cfg.Parallel = 1
			s := serve(t, fault)
			dst := s.ref(t, "app:1")
			if err := st.Tag(t.Context(), img.Tags[0], dst); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Push(t.Context(), st, dst, nil); err != nil {
				t.Fatal(err)
			}
			back := newStore(t)
			img, err := c.Pull(t.Context(), back, dst, here, nil)
			if err != nil {
				t.Fatal(err)
			}
			checkPulled(t, back, img, p)
		})
	}
}

func TestPushFails(t *testing.T) {
	t.Parallel()
	c, st, img := pulled(t, serve(t), paint(t, here, 1000))
	d := &door{user: "jo", password: "pw", bearer: true}
	locked := serve(t, d.guard)
	full := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusInsufficientStorage)
			return
		}
		next.ServeHTTP(w, r)
	})
	down := serve(t)
	down.Server.Close()
	for _, tt := range []struct {
		ref   images.Ref
		class error
		says  string
	}{
		{locked.ref(t, "app:1"), images.ErrUnauthorized, "gantry login " + locked.host},
		{full.ref(t, "app:1"), images.ErrUnavailable, "507 Insufficient Storage"},
		{down.ref(t, "app:1"), images.ErrUnavailable, "connection refused"},
	} {
		if err := st.Tag(t.Context(), img.Tags[0], tt.ref); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Push(t.Context(), st, tt.ref, nil); !errors.Is(err, tt.class) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v; want %v, %q", tt.ref, err, tt.class, tt.says)
		}
	}
	if _, err := c.Push(t.Context(), st, down.ref(t, "never/seen:1"), nil); !errors.Is(err, images.ErrNotFound) {
		t.Errorf("an unknown image: %v", err)
	}
	if _, err := c.Push(t.Context(), st, down.ref(t, "app@sha256:"+strings.Repeat("0", 64)), nil); err == nil {
		t.Error("a push to a digest: want an error")
	}
}
