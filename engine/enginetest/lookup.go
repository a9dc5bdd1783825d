package enginetest

import (
	"slices"
	"strings"

	"gantry/engine"
)

func testNameClash(s *suite) {
	name := s.name()
	first := s.create("true", withName(name))
	_, err := s.c.Create(s.ctx, engine.CreateOptions{Name: name, Host: engine.HostConfig{NetworkMode: "none"},
		Config: engine.ContainerConfig{Image: s.opts.Image, Cmd: []string{"true"}}})
	s.wantIs(err, engine.ErrConflict)
	d, err := s.c.Inspect(s.ctx, name)
	s.must(err)
	if d.ID != first {
		s.Errorf("the name went from %s to %s", first, d.ID)
	}
	s.must(s.c.Remove(s.ctx, name, engine.RemoveOptions{}))
	s.create("true", withName(name)) // free again
}

func testDrawnNames(s *suite) {
	seen := map[string]bool{}
	for range 3 {
		id := s.create("true", withName(""))
		d, err := s.c.Inspect(s.ctx, string(id))
		s.must(err)
		name := strings.TrimPrefix(d.Name, "/")
		if err := engine.CheckName(name); err != nil || seen[name] {
			s.Errorf("drawn name %q: %v, seen before: %v", name, err, seen[name])
		}
		seen[name] = true
	}
	_, err := s.c.Create(s.ctx, engine.CreateOptions{Name: "-bad", Config: engine.ContainerConfig{Image: s.opts.Image}})
	s.wantIs(err, engine.ErrInvalid)
}

func testLookup(s *suite) {
	name := s.name()
	id := s.create("true", withName(name))
	if len(id) != 64 || strings.Trim(string(id), "0123456789abcdef") != "" {
		s.Errorf("ID %q is not 64 hexadecimal digits", id)
	}
	for _, ref := range []string{string(id), name, id.Short(), string(id[:32])} {
		d, err := s.c.Inspect(s.ctx, ref)
		s.must(err)
		if d.ID != id {
			s.Errorf("%q is %s, want %s", ref, d.ID, id)
		}
	}
	for _, ref := range []string{"no-such-container", "ffffffffffffffffffff", name + "x"} {
		_, err := s.c.Inspect(s.ctx, ref)
		s.wantIs(err, engine.ErrNotFound)
	}
	// A name goes before a prefix of an ID.
	taken := s.create("true", withName(string(id[:6])))
	d, err := s.c.Inspect(s.ctx, string(id[:6]))
	s.must(err)
	if d.ID != taken {
		s.Errorf("the name %q did not win over the prefix of %s", id[:6], id)
	}
}

// testAmbiguous makes containers until two IDs begin alike: 17 at most.
func testAmbiguous(s *suite) {
	byFirst := map[engine.ID]engine.ID{}
	for {
		id := s.create("true", withName(""))
		if _, twice := byFirst[id[:1]]; twice {
			_, err := s.c.Inspect(s.ctx, string(id[:1]))
			s.wantIs(err, engine.ErrAmbiguous)
			return
		}
		byFirst[id[:1]] = id
	}
}

func testMissingImage(s *suite) {
	_, err := s.c.Create(s.ctx, engine.CreateOptions{Name: s.name(), Config: engine.ContainerConfig{Image: "no/such-image:1"}})
	s.wantIs(err, engine.ErrNotFound)
	var op *engine.OpError
	if !asOpError(err, &op) || op.Kind != "image" {
		s.Errorf("error = %#v, want an OpError about an image", err)
	}
}

func (s *suite) list(opts engine.ListOptions) []engine.ID {
	s.Helper()
	list, err := s.c.List(s.ctx, opts)
	s.must(err)
	var ids []engine.ID
	for _, c := range list.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

func testListFilters(s *suite) {
	mark := strings.ToLower(strings.NewReplacer("/", "-", "#", "-").Replace(s.Name()))
	one := s.create("true", withName(mark+"-one"), withLabels(map[string]string{"enginetest": mark, "tier": "web"}))
	two := s.start("exit 4", withName(mark+"-two"), withLabels(map[string]string{"enginetest": mark, "tier": "db"}))
	s.wait(two, engine.WaitNotRunning)
	three := s.start(forever, withName(mark+"-three"), withLabels(map[string]string{"enginetest": mark}))
	for _, test := range []struct {
		key, value string
		want       []engine.ID
	}{
		{"id", string(one[:16]), []engine.ID{one}},
		{"name", mark + "-t", []engine.ID{three, two}},
		{"name", "^/?" + mark + "-t.o$", []engine.ID{two}},
		{"network", "none", []engine.ID{three, two, one}},
		{"network", "host", nil},
		{"label", "tier", []engine.ID{two, one}},
		{"label", "tier=web", []engine.ID{one}},
		{"status", "created", []engine.ID{one}},
		{"status", "exited", []engine.ID{two}},
		{"status", "running", []engine.ID{three}},
		{"exited", "4", []engine.ID{two}},
		{"ancestor", s.opts.Image, []engine.ID{three, two, one}},
		{"before", mark + "-two", []engine.ID{one}},
		{"since", mark + "-two", []engine.ID{three}},
	} {
		filters := engine.Filters{"label": {"enginetest=" + mark}}
		filters[test.key] = append(filters[test.key], test.value)
		if got := s.list(engine.ListOptions{All: true, Filters: filters}); !slices.Equal(got, test.want) {
			s.Errorf("%s=%s: %v, want %v", test.key, test.value, got, test.want)
		}
	}
	both := engine.Filters{"label": {"enginetest=" + mark}, "status": {"created", "running"}}
	if got := s.list(engine.ListOptions{All: true, Filters: both}); !slices.Equal(got, []engine.ID{three, one}) {
		s.Errorf("values of one key are alternatives: %v", got)
	}
	_, err := s.c.List(s.ctx, engine.ListOptions{Filters: engine.Filters{"name": {"("}}})
	s.wantIs(err, engine.ErrInvalid)
	_, err = s.c.List(s.ctx, engine.ListOptions{Filters: engine.Filters{"colour": {"red"}}})
	s.wantIs(err, engine.ErrInvalid)
}

func testListOrder(s *suite) {
	label := withLabels(map[string]string{"enginetest": s.Name()})
	mine := engine.Filters{"label": {"enginetest=" + s.Name()}}
	a, b := s.create("true", label), s.start(forever, label)
	if got := s.list(engine.ListOptions{Filters: mine}); !slices.Equal(got, []engine.ID{b}) {
		s.Errorf("without All: %v, want the running one, %v", got, b)
	}
	if got := s.list(engine.ListOptions{All: true, Filters: mine}); !slices.Equal(got, []engine.ID{b, a}) {
		s.Errorf("All: %v, want the newest first, %v", got, []engine.ID{b, a})
	}
	if got := s.list(engine.ListOptions{Last: 1, Filters: mine}); !slices.Equal(got, []engine.ID{b}) {
		s.Errorf("Last 1: %v, want %v", got, b)
	}
}

func testImageDefaults(s *suite) {
	id := s.create("true", func(o *engine.CreateOptions) {
		o.Config.Env = []string{"GANTRY_TEST=yes"}
		o.Config.Cmd = []string{"sh", "-c", "true"}
	})
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	if d.Path != "sh" || !slices.Equal(d.Args, []string{"-c", "true"}) {
		s.Errorf("path %q and arguments %q", d.Path, d.Args)
	}
	if !slices.Contains(d.Config.Env, "GANTRY_TEST=yes") || d.Config.Hostname == "" || d.Config.Image != s.opts.Image {
		s.Errorf("configuration: %+v", d.Config)
	}
	img, err := s.e.Images().Inspect(s.ctx, s.opts.Image)
	s.must(err)
	if d.Image != img.ID {
		s.Errorf("image %s, want %s", d.Image, img.ID)
	}
}
