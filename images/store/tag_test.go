package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/store"
)

// names lists the tags of each image by its label; a dangling image has "-".
func names(t testing.TB, s *store.Store) map[string][]string {
	t.Helper()
	all, err := s.List(t.Context())
	must(t, err)
	out := map[string][]string{}
	for _, img := range all {
		out[img.Labels["label"]] = img.Tags
		if len(img.Tags) == 0 {
			out[img.Labels["label"]] = []string{"-"}
		}
	}
	return out
}

func TestNames(t *testing.T) {
	t.Parallel()
	tag := func(src, dst string) func(*testing.T, *store.Store) error {
		return func(t *testing.T, s *store.Store) error { return s.Tag(t.Context(), src, mustRef(t, dst)) }
	}
	untag := func(ref string) func(*testing.T, *store.Store) error {
		return func(t *testing.T, s *store.Store) error { return s.Untag(t.Context(), mustRef(t, ref)) }
	}
	remove := func(ref string, force bool) func(*testing.T, *store.Store) error {
		return func(t *testing.T, s *store.Store) error {
			_, err := s.Remove(t.Context(), ref, store.RemoveOptions{Force: force})
			return err
		}
	}
	one := build(t, "one")
	for _, test := range []struct {
		name string
		do   func(*testing.T, *store.Store) error
		want map[string][]string // of images one (one:1) and two (two:1)
		err  error
	}{
		{"a second name", tag("one:1", "b:2"), map[string][]string{"one": {"one:1", "b:2"}, "two": {"two:1"}}, nil},
		{"the same name", tag("one:1", "one:1"), map[string][]string{"one": {"one:1"}, "two": {"two:1"}}, nil},
		{"by ID", tag(one.id().Short(), "b:2"), map[string][]string{"one": {"one:1", "b:2"}, "two": {"two:1"}}, nil},
		{"a name that another has", tag("one:1", "two:1"), map[string][]string{"one": {"one:1", "two:1"}, "two": {"-"}}, nil},
		{"no such image", tag("three", "b"), map[string][]string{"one": {"one:1"}, "two": {"two:1"}}, images.ErrNotFound},
		{"untag the last", untag("one:1"), map[string][]string{"one": {"-"}, "two": {"two:1"}}, nil},
		{"untag what is not there", untag("one:2"), map[string][]string{"one": {"one:1"}, "two": {"two:1"}}, images.ErrNotFound},
		{"remove by name", remove("one:1", false), map[string][]string{"two": {"two:1"}}, nil},
		{"remove by ID", remove(one.id().Hex()[:8], false), map[string][]string{"two": {"two:1"}}, nil},
		{"remove by digest", remove("one@"+string(store.DigestOf(one.manifest)), false), map[string][]string{"two": {"two:1"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, _ := openStore(t)
			one.mustAdd(t, s, "one:1")
			build(t, "two").mustAdd(t, s, "two:1")
			if err := test.do(t, s); !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, names(t, s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoveFollowsDockersRules(t *testing.T) {
	t.Parallel()
	stopped := func(images.Image) (string, bool, error) { return "c1", false, nil }
	running := func(images.Image) (string, bool, error) { return "c1", true, nil }
	f := build(t, "one")
	id := string(f.id())
	for _, test := range []struct {
		name    string
		names   []string
		ref     string
		opts    store.RemoveOptions
		deleted bool
		err     error
	}{
		{"one name of two", []string{"a:1", "b:1"}, "a:1", store.RemoveOptions{InUse: running}, false, nil},
		{"ID with two names", []string{"a:1", "b:1"}, id, store.RemoveOptions{}, false, images.ErrConflict},
		{"ID with two names, forced", []string{"a:1", "b:1"}, id, store.RemoveOptions{Force: true}, true, nil},
		{"last name, stopped container", []string{"a:1"}, "a:1", store.RemoveOptions{InUse: stopped}, false, images.ErrInUse},
		{"last name, stopped container, forced", []string{"a:1"}, "a:1", store.RemoveOptions{InUse: stopped, Force: true}, true, nil},
		{"last name, running container, forced", []string{"a:1"}, "a:1", store.RemoveOptions{InUse: running, Force: true}, false, images.ErrInUse},
		{"dangling", []string{""}, id, store.RemoveOptions{}, true, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, _ := openStore(t)
			for _, n := range test.names {
				f.mustAdd(t, s, n)
			}
			r, err := s.Remove(t.Context(), test.ref, test.opts)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if r.Deleted != test.deleted {
				t.Errorf("deleted %v", r.Deleted)
			}
			_, err = s.Resolve(t.Context(), id)
			if gone := errors.Is(err, images.ErrNotFound); gone != test.deleted {
				t.Errorf("resolve after it: %v", err)
			}
		})
	}
}

func TestMovedTagLeavesADanglingImageWithItsDigest(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	old := build(t, "old").mustAdd(t, s, "app:latest")
	build(t, "new").mustAdd(t, s, "app:latest")
	if diff := cmp.Diff(map[string][]string{"old": {"-"}, "new": {"app:latest"}}, names(t, s)); diff != "" {
		t.Error(diff)
	}
	img, err := s.Resolve(t.Context(), "app@"+string(old.Manifest))
	must(t, err)
	if img.ID != old.ID {
		t.Errorf("the digest names %s", img.ID)
	}
	// The name comes back: no second entry stays behind.
	build(t, "old").mustAdd(t, s, "app:latest")
	if diff := cmp.Diff(map[string][]string{"old": {"app:latest"}, "new": {"-"}}, names(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestAddingAgainKeepsTheRepoDigest(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	pulled := build(t, "one").mustAdd(t, s, "app:1")
	ref := mustRef(t, "app:1")
	loaded, err := s.Add(t.Context(), store.ImageRecord{Ref: &ref, Manifest: pulled.Manifest})
	must(t, err)
	if diff := cmp.Diff(pulled, loaded); diff != "" {
		t.Error(diff)
	}
}

func TestAmbiguousPrefix(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	seen := map[byte]bool{}
	for i := 0; ; i++ {
		f := build(t, string(rune('a'+i)))
		f.mustAdd(t, s, "")
		first := f.id().Hex()[0]
		if seen[first] {
			if _, err := s.Resolve(t.Context(), string(first)); !errors.Is(err, images.ErrAmbiguous) {
				t.Errorf("resolve: %v", err)
			}
			return
		}
		seen[first] = true
	}
}

func TestAddRefusesANameThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	good := build(t, "one", base(t)).mustAdd(t, s, "one:1")
	ref := mustRef(t, "one:1")
	for _, tag := range []string{"a b", "../../x", "a\nb"} {
		bad := ref.WithTag(tag)
		if _, err := s.Add(t.Context(), store.ImageRecord{Ref: &bad, Manifest: good.Manifest}); err == nil {
			t.Errorf("the tag %q was taken", tag)
		}
	}
	if _, err := s.GC(t.Context(), store.GCOptions{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAddRefusesAnIncompleteImage(t *testing.T) {
	t.Parallel()
	s, _ := openStore(t)
	f := build(t, "one", base(t))
	l := lease(t, s)
	_, err := s.PutBlob(l, f.config)
	must(t, err)
	m, err := s.PutBlob(l, f.manifest)
	must(t, err)
	if _, err := s.Add(t.Context(), store.ImageRecord{Manifest: m}); !errors.Is(err, images.ErrNotFound) {
		t.Errorf("add: %v", err)
	}
	if n := names(t, s); len(n) != 0 {
		t.Errorf("listed: %v", n)
	}
}
