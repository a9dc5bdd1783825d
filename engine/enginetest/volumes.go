package enginetest

import (
	"context"
	"errors"
	"slices"

	"gantry/engine"
)

// volume makes a named volume that is removed after the test.
func (s *suite) volume(labels map[string]string) string {
	s.Helper()
	name := s.name()
	v, err := s.e.Volumes().Create(s.ctx, engine.VolumeCreateOptions{Name: name, Labels: labels})
	s.must(err)
	if v.Name != name || v.Driver != "local" || v.Scope != "local" || v.Mountpoint == "" || v.CreatedAt.IsZero() || v.Anonymous() {
		s.Errorf("new volume: %+v", v)
	}
	s.Cleanup(func() {
		s.must(s.e.Volumes().Remove(context.WithoutCancel(s.ctx), name, engine.VolumeRemoveOptions{Force: true}))
	})
	return name
}

func withVolume(name, target string) func(*engine.CreateOptions) {
	return func(o *engine.CreateOptions) {
		o.Host.Mounts = append(o.Host.Mounts, engine.Mount{Type: "volume", Source: name, Target: target})
	}
}

func withAnonymous(target string) func(*engine.CreateOptions) {
	return func(o *engine.CreateOptions) { o.Config.Volumes = map[string]struct{}{target: {}} }
}

func (s *suite) volumeNames(f engine.Filters) []string {
	s.Helper()
	list, err := s.e.Volumes().List(s.ctx, engine.VolumeListOptions{Filters: f})
	s.must(err)
	names := []string{}
	for _, v := range list.Items {
		names = append(names, v.Name)
	}
	return names
}

func testVolumes(s *suite) {
	vs := s.e.Volumes()
	one := s.volume(map[string]string{"test": s.Name(), "tier": "db"})
	two := s.volume(map[string]string{"test": s.Name()})
	mine := "test=" + s.Name()
	for _, test := range []struct {
		key, value string
		want       []string
	}{
		{"label", "tier=db", []string{one}},
		{"label", "tier", []string{one}},
		{"name", one[len(one)-3:], []string{one}},
		{"driver", "local", []string{one, two}},
		{"driver", "other", []string{}},
		{"dangling", "true", []string{one, two}},
		{"dangling", "false", []string{}},
	} {
		f := engine.Filters{"label": {mine}}
		f[test.key] = append(f[test.key], test.value)
		if got := s.volumeNames(f); !slices.Equal(got, test.want) {
			s.Errorf("%s=%s: %v, want %v", test.key, test.value, got, test.want)
		}
	}
	_, err := vs.List(s.ctx, engine.VolumeListOptions{Filters: engine.Filters{"colour": {"red"}}})
	s.wantIs(err, engine.ErrInvalid)

	again, err := vs.Create(s.ctx, engine.VolumeCreateOptions{Name: one, Labels: map[string]string{"tier": "web"}})
	s.must(err)
	if again.Labels["tier"] != "db" {
		s.Errorf("the volume that is there was changed: %v", again.Labels)
	}
	_, err = vs.Create(s.ctx, engine.VolumeCreateOptions{Name: one, Options: map[string]string{"o": "bind", "device": "/tmp"}})
	s.wantIs(err, engine.ErrConflict)
	_, err = vs.Create(s.ctx, engine.VolumeCreateOptions{Name: "-x"})
	s.wantIs(err, engine.ErrInvalid)
	_, err = vs.Create(s.ctx, engine.VolumeCreateOptions{Name: s.name(), Driver: "other"})
	s.wantIs(err, engine.ErrUnsupported)

	got, err := vs.Inspect(s.ctx, two)
	s.must(err)
	if got.Name != two || len(got.Containers) != 0 {
		s.Errorf("inspect: %+v", got)
	}
	s.must(vs.Remove(s.ctx, two, engine.VolumeRemoveOptions{}))
	_, err = vs.Inspect(s.ctx, two)
	s.wantIs(err, engine.ErrNotFound)
	s.wantIs(vs.Remove(s.ctx, two, engine.VolumeRemoveOptions{}), engine.ErrNotFound)
	s.must(vs.Remove(s.ctx, two, engine.VolumeRemoveOptions{Force: true}))
}

func testVolumeUsers(s *suite) {
	vs := s.e.Volumes()
	name := s.volume(nil)
	id := s.create("true", withVolume(name, "/data"), withAnonymous("/anon"))
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	if len(d.Mounts) != 2 || d.Mounts[0].Name != name || d.Mounts[0].Destination != "/data" || !d.Mounts[0].RW || d.Mounts[1].Destination != "/anon" {
		s.Fatalf("mounts: %+v", d.Mounts)
	}
	drawn := d.Mounts[1].Name
	v, err := vs.Inspect(s.ctx, drawn)
	s.must(err)
	if !v.Anonymous() || !slices.Equal(v.Containers, []engine.ID{id}) {
		s.Errorf("anonymous volume: %+v", v)
	}
	s.wantIs(vs.Remove(s.ctx, name, engine.VolumeRemoveOptions{Force: true}), engine.ErrInUse)
	report, err := vs.Prune(s.ctx, engine.PruneOptions{All: true})
	s.must(err)
	if slices.Contains(report.Deleted, name) || slices.Contains(report.Deleted, drawn) {
		s.Errorf("a volume in use was pruned: %v", report.Deleted)
	}

	s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{Volumes: true}))
	_, err = vs.Inspect(s.ctx, drawn)
	s.wantIs(err, engine.ErrNotFound)
	_, err = vs.Inspect(s.ctx, name)
	s.must(err)
}

func testVolumePrune(s *suite) {
	vs := s.e.Volumes()
	named := s.volume(map[string]string{"prune": s.Name()})
	id := s.create("true", withAnonymous("/anon"))
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	left := d.Mounts[0].Name
	s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{}))

	dry, err := vs.Prune(s.ctx, engine.PruneOptions{DryRun: true})
	s.must(err)
	if !slices.Contains(dry.Deleted, left) || slices.Contains(dry.Deleted, named) {
		s.Errorf("dry run: %v, want %s and not %s", dry.Deleted, left, named)
	}
	_, err = vs.Inspect(s.ctx, left)
	s.must(err)
	report, err := vs.Prune(s.ctx, engine.PruneOptions{})
	s.must(err)
	if !slices.Contains(report.Deleted, left) || slices.Contains(report.Deleted, named) {
		s.Errorf("prune: %v, want %s and not %s", report.Deleted, left, named)
	}
	report, err = vs.Prune(s.ctx, engine.PruneOptions{All: true, Filters: engine.Filters{"label": {"prune=" + s.Name()}}})
	s.must(err)
	if !slices.Equal(report.Deleted, []string{named}) {
		s.Errorf("prune of all with a label: %v, want %s", report.Deleted, named)
	}
}

func testVolumeEvents(s *suite) {
	s.volume(nil) // so that there is an event before
	list, err := s.e.Volumes().List(s.ctx, engine.VolumeListOptions{})
	s.must(err)
	name := s.volume(nil)
	s.must(s.e.Volumes().Remove(s.ctx, name, engine.VolumeRemoveOptions{}))
	var got []string
	for ev, err := range s.e.Watch(s.ctx, engine.WatchOptions{After: list.Seq, Filters: engine.Filters{"volume": {name}}}) {
		s.must(err)
		if ev.Kind != engine.KindVolume || ev.Attributes["driver"] != "local" {
			s.Errorf("event: %+v", ev)
		}
		if got = append(got, ev.Action); len(got) == 2 {
			break
		}
	}
	if want := []string{engine.ActionCreate, engine.ActionDestroy}; !slices.Equal(got, want) {
		s.Errorf("events %v, want %v", got, want)
	}
}

// testVolumeAutoRemove: what was made for a --rm container alone goes with it.
func testVolumeAutoRemove(s *suite) {
	id := s.create("true", withAutoRemove, withAnonymous("/anon"))
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	s.must(s.c.Start(s.ctx, string(id)))
	s.eventually("the volume is removed", func() bool {
		_, err = s.e.Volumes().Inspect(s.ctx, d.Mounts[0].Name)
		return errors.Is(err, engine.ErrNotFound)
	})
}
