package enginetest

import (
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

// watch collects events until stop says so.
func (s *suite) watch(opts engine.WatchOptions, stop func(engine.Event) bool) []engine.Event {
	s.Helper()
	var all []engine.Event
	var last engine.Seq
	for ev, err := range s.e.Watch(s.ctx, opts) {
		s.must(err)
		if ev.Seq <= last {
			s.Errorf("sequence %d after %d", ev.Seq, last)
		}
		last = ev.Seq
		all = append(all, ev)
		if stop(ev) {
			break
		}
	}
	return all
}

func (s *suite) seq() engine.Seq {
	s.Helper()
	list, err := s.c.List(s.ctx, engine.ListOptions{})
	s.must(err)
	return list.Seq
}

func actionsOf(events []engine.Event, id engine.ID) string {
	var a []string
	for _, ev := range events {
		if ev.ID == string(id) {
			a = append(a, ev.Action)
		}
	}
	return strings.Join(a, " ")
}

func testEvents(s *suite) {
	s.create("true") // an engine whose journal is empty has no sequence to go on from
	from := s.seq()
	id := s.create(forever, withLabels(map[string]string{"tier": "web"}))
	ref := string(id)
	s.must(s.c.Start(s.ctx, ref))
	s.must(s.c.Pause(s.ctx, ref))
	s.must(s.c.Unpause(s.ctx, ref))
	s.must(s.c.Rename(s.ctx, ref, s.name()))
	s.must(s.c.Kill(s.ctx, ref, "KILL"))
	s.wait(id, engine.WaitNotRunning)
	s.must(s.c.Remove(s.ctx, ref, engine.RemoveOptions{}))
	events := s.watch(engine.WatchOptions{After: from}, func(ev engine.Event) bool {
		return ev.ID == ref && ev.Action == engine.ActionDestroy
	})
	const want = "create start pause unpause rename kill die destroy"
	if got := actionsOf(events, id); got != want {
		s.Errorf("events = %q, want %q", got, want)
	}
	for _, ev := range events {
		if ev.ID != ref {
			continue
		}
		if ev.Kind != engine.KindContainer || ev.Time.IsZero() || ev.Attributes["name"] == "" ||
			ev.Attributes["image"] != s.opts.Image || ev.Attributes["tier"] != "web" {
			s.Errorf("event %+v", ev)
		}
		if ev.Action == engine.ActionDie && ev.Attributes["exitCode"] != "137" {
			s.Errorf("die with attributes %v, want exitCode 137", ev.Attributes)
		}
	}
}

// testEventsWithoutGap: a list and a watch after its sequence number together
// know everything, though changes go on meanwhile. A list may be ahead of its
// number: what it has already can come as an event once more.
func testEventsWithoutGap(s *suite) {
	label := withLabels(map[string]string{"enginetest": s.Name()})
	s.create("true", label)
	const n = 12
	made := make(chan engine.ID, n)
	go func() {
		defer close(made)
		for range n {
			res, err := s.c.Create(s.ctx, engine.CreateOptions{Host: engine.HostConfig{NetworkMode: "none"},
				Config: engine.ContainerConfig{Image: s.opts.Image, Cmd: []string{"true"}, Labels: map[string]string{"enginetest": s.Name()}}})
			if err != nil {
				s.Error(err)
				return
			}
			made <- res.ID
		}
	}()
	<-made
	list, err := s.c.List(s.ctx, engine.ListOptions{All: true, Filters: engine.Filters{"label": {"enginetest=" + s.Name()}}})
	s.must(err)
	known, listed, told := map[engine.ID]bool{}, map[engine.ID]int{}, map[engine.ID]int{}
	for _, c := range list.Items {
		known[c.ID] = true
		listed[c.ID]++
	}
	if len(known) < n+1 { // else the list was late enough to hold all
		news := engine.Filters{"event": {"create"}, "label": {"enginetest=" + s.Name()}}
		s.watch(engine.WatchOptions{After: list.Seq, Filters: news}, func(ev engine.Event) bool {
			known[engine.ID(ev.ID)] = true
			told[engine.ID(ev.ID)]++
			return len(known) == n+1
		})
	}
	for range made {
	}
	for id := range known {
		if listed[id] > 1 || told[id] > 1 {
			s.Errorf("container %s is %d times in the list and was made %d times by the events after it", id.Short(), listed[id], told[id])
		}
		s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{}))
	}
}

func testEventFilters(s *suite) {
	since := time.Now().Add(-time.Second)
	one := s.create("true", withLabels(map[string]string{"tier": "web"}))
	two := s.create("true")
	until := time.Now().Add(time.Millisecond)
	for _, test := range []struct {
		filters engine.Filters
		one     string
		two     string
	}{
		{nil, "create", "create"},
		{engine.Filters{"type": {"container"}}, "create", "create"},
		{engine.Filters{"type": {"image"}}, "", ""},
		{engine.Filters{"event": {"start", "create"}}, "create", "create"},
		{engine.Filters{"event": {"die"}}, "", ""},
		{engine.Filters{"container": {string(one)}}, "create", ""},
		{engine.Filters{"label": {"tier=web"}}, "create", ""},
		{engine.Filters{"image": {s.opts.Image}}, "create", "create"},
	} {
		events := s.watch(engine.WatchOptions{Since: since, Until: until, Filters: test.filters}, func(engine.Event) bool { return false })
		if a, b := actionsOf(events, one), actionsOf(events, two); a != test.one || b != test.two {
			s.Errorf("%v: %q and %q, want %q and %q", test.filters, a, b, test.one, test.two)
		}
	}
}

func testImages(s *suite) {
	imgs := s.e.Images()
	detail, err := imgs.Inspect(s.ctx, s.opts.Image)
	s.must(err)
	name := "gantry.test/" + strings.ToLower(strings.ReplaceAll(s.name(), "_", "-")) + ":1"
	s.must(imgs.Tag(s.ctx, s.opts.Image, name))
	for _, ref := range []string{name, string(detail.ID), detail.ID.Short()} {
		d, err := imgs.Inspect(s.ctx, ref)
		s.must(err)
		if d.ID != detail.ID || !slices.Contains(d.RepoTags, name) {
			s.Errorf("%s is %s with tags %v", ref, d.ID, d.RepoTags)
		}
	}
	list, err := imgs.List(s.ctx, engine.ImageListOptions{Reference: name})
	s.must(err)
	if len(list.Items) != 1 || !slices.Contains(list.Items[0].Tags, name) {
		s.Errorf("list of %s = %+v", name, list.Items)
	}
	user := s.create("true", func(o *engine.CreateOptions) { o.Config.Image = name })
	removed, err := imgs.Remove(s.ctx, name, engine.ImageRemoveOptions{})
	s.must(err) // another name holds the image
	if len(removed) != 1 || removed[0].Untagged != name {
		s.Errorf("remove of one of two names = %+v", removed)
	}
	_, err = imgs.Remove(s.ctx, s.opts.Image, engine.ImageRemoveOptions{})
	s.wantIs(err, engine.ErrInUse)
	s.must(s.c.Remove(s.ctx, string(user), engine.RemoveOptions{}))
	_, err = imgs.Inspect(s.ctx, "no/such-image")
	s.wantIs(err, engine.ErrNotFound)
	s.wantIs(imgs.Tag(s.ctx, "no/such-image", name), engine.ErrNotFound)
	history, err := imgs.History(s.ctx, s.opts.Image)
	s.must(err)
	if len(history) == 0 || history[0].ID != string(detail.ID) {
		s.Errorf("history = %+v", history)
	}
}
