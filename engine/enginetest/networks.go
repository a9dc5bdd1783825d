package enginetest

import (
	"context"
	"slices"

	"gantry/engine"
)

// network makes a network that is removed after the test.
func (s *suite) network(change ...func(*engine.NetworkCreateOptions)) string {
	s.Helper()
	opts := engine.NetworkCreateOptions{Name: s.name(), Labels: map[string]string{"test": s.Name()}}
	for _, f := range change {
		f(&opts)
	}
	res, err := s.e.Networks().Create(s.ctx, opts)
	s.must(err)
	s.Cleanup(func() {
		s.must(s.e.Networks().Remove(context.WithoutCancel(s.ctx), string(res.ID), engine.NetworkRemoveOptions{Force: true}))
	})
	return opts.Name
}

func onNetwork(name string, change ...func(*engine.EndpointOptions)) func(*engine.CreateOptions) {
	return func(o *engine.CreateOptions) {
		o.Host.NetworkMode = name
		a := engine.NetworkAttachment{Network: name}
		for _, f := range change {
			f(&a.EndpointOptions)
		}
		o.Networks = []engine.NetworkAttachment{a}
	}
}

func (s *suite) networkNames(f engine.Filters) []string {
	s.Helper()
	list, err := s.e.Networks().List(s.ctx, engine.NetworkListOptions{Filters: f})
	s.must(err)
	names := []string{}
	for _, n := range list.Items {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names
}

func testNetworks(s *suite) {
	ns := s.e.Networks()
	one := s.network()
	two := s.network(func(o *engine.NetworkCreateOptions) { o.Labels["tier"], o.Internal = "db", true })
	for _, test := range []struct {
		key, value string
		want       []string
	}{
		{"label", "tier=db", []string{two}},
		{"name", one[len(one)-3:], []string{one}},
		{"driver", "bridge", []string{one, two}},
		{"driver", "host", []string{}},
		{"type", "custom", []string{one, two}},
		{"dangling", "true", []string{one, two}},
		{"dangling", "false", []string{}},
	} {
		f := engine.Filters{"label": {"test=" + s.Name()}}
		f[test.key] = append(f[test.key], test.value)
		if got := s.networkNames(f); !slices.Equal(got, test.want) {
			s.Errorf("%s=%s: %v, want %v", test.key, test.value, got, test.want)
		}
	}
	if got := s.networkNames(engine.Filters{"type": {"builtin"}}); !slices.Equal(got, []string{"bridge", "host", "none"}) {
		s.Errorf("networks that every engine has: %v", got)
	}
	_, err := ns.List(s.ctx, engine.NetworkListOptions{Filters: engine.Filters{"colour": {"red"}}})
	s.wantIs(err, engine.ErrInvalid)

	n, err := ns.Inspect(s.ctx, two)
	s.must(err)
	if n.Name != two || n.Driver != "bridge" || n.Scope != "local" || !n.Internal || len(n.IPAM.Config) != 1 || n.IPAM.Config[0].Subnet == "" || n.IPAM.Config[0].Gateway == "" {
		s.Errorf("inspect: %+v", n)
	}
	again, err := ns.Inspect(s.ctx, string(n.ID)[:20])
	s.must(err)
	if again.ID != n.ID {
		s.Errorf("by a prefix of its ID: %s, want %s", again.ID, n.ID)
	}
	testNetworkRefusals(s, n)
	s.must(ns.Remove(s.ctx, two, engine.NetworkRemoveOptions{}))
	_, err = ns.Inspect(s.ctx, two)
	s.wantIs(err, engine.ErrNotFound)
	s.wantIs(ns.Remove(s.ctx, two, engine.NetworkRemoveOptions{}), engine.ErrNotFound)
	s.must(ns.Remove(s.ctx, two, engine.NetworkRemoveOptions{Force: true}))
}

func testNetworkRefusals(s *suite, there engine.Network) {
	ns := s.e.Networks()
	for _, test := range []struct {
		opts engine.NetworkCreateOptions
		want error
	}{
		{engine.NetworkCreateOptions{Name: there.Name}, engine.ErrConflict},
		{engine.NetworkCreateOptions{Name: engine.NetworkBridge}, engine.ErrConflict},
		{engine.NetworkCreateOptions{Name: "-x"}, engine.ErrInvalid},
		{engine.NetworkCreateOptions{Name: "other", Driver: "overlay"}, engine.ErrUnsupported},
		{engine.NetworkCreateOptions{Name: "other", Subnets: there.IPAM.Config}, engine.ErrConflict},
		{engine.NetworkCreateOptions{Name: "other", Subnets: []engine.Subnet{{Subnet: "10.1.2.3"}}}, engine.ErrInvalid},
	} {
		_, err := ns.Create(s.ctx, test.opts)
		s.wantIs(err, test.want)
	}
	s.wantIs(ns.Remove(s.ctx, engine.NetworkBridge, engine.NetworkRemoveOptions{}), engine.ErrPermission)
	_, err := s.c.Create(s.ctx, engine.CreateOptions{
		Host: engine.HostConfig{NetworkMode: "nosuch"}, Config: engine.ContainerConfig{Image: s.opts.Image, Cmd: []string{"true"}},
	})
	s.wantIs(err, engine.ErrNotFound)
}

func testNetworkUsers(s *suite) {
	ns := s.e.Networks()
	first, second := s.network(), s.network()
	id := s.start("sleep 1000", onNetwork(first, func(o *engine.EndpointOptions) { o.Aliases = []string{"db"} }))
	d, err := s.c.Inspect(s.ctx, string(id))
	s.must(err)
	ep := d.NetworkSettings.Networks[first]
	if len(d.NetworkSettings.Networks) != 1 || ep.IPAddress == "" || ep.Gateway == "" || ep.MacAddress == "" || ep.EndpointID == "" || !slices.Contains(ep.Aliases, "db") {
		s.Fatalf("networks: %+v", d.NetworkSettings.Networks)
	}
	n, err := ns.Inspect(s.ctx, first)
	s.must(err)
	if m := n.Containers[id]; len(n.Containers) != 1 || "/"+m.Name != d.Name || m.MacAddress != ep.MacAddress || m.IPv4Address == "" {
		s.Errorf("members: %+v", n.Containers)
	}
	s.wantIs(ns.Remove(s.ctx, first, engine.NetworkRemoveOptions{Force: true}), engine.ErrInUse)

	s.must(ns.Connect(s.ctx, second, string(id), engine.EndpointOptions{}))
	s.wantIs(ns.Connect(s.ctx, second, string(id), engine.EndpointOptions{}), engine.ErrConflict)
	s.wantIs(ns.Connect(s.ctx, engine.NetworkHost, string(id), engine.EndpointOptions{}), engine.ErrInvalid)
	list, err := s.c.List(s.ctx, engine.ListOptions{Filters: engine.Filters{"network": {second}}})
	s.must(err)
	if len(list.Items) != 1 || len(list.Items[0].Networks) != 2 || len(list.Items[0].Addresses[second]) != 1 {
		s.Errorf("list: %+v", list.Items)
	}
	s.must(ns.Disconnect(s.ctx, second, string(id), false))
	s.wantIs(ns.Disconnect(s.ctx, second, string(id), false), engine.ErrNotFound)
	s.must(ns.Disconnect(s.ctx, second, string(id), true))

	report, err := ns.Prune(s.ctx, engine.PruneOptions{DryRun: true})
	s.must(err)
	if slices.Contains(report.Deleted, first) || !slices.Contains(report.Deleted, second) {
		s.Errorf("dry run of a prune: %v, want %s and not %s", report.Deleted, second, first)
	}
	s.must(s.c.Kill(s.ctx, string(id), "KILL"))
	s.wait(id, engine.WaitNotRunning)
	report, err = ns.Prune(s.ctx, engine.PruneOptions{Filters: engine.Filters{"label": {"test=" + s.Name()}}})
	s.must(err)
	if slices.Sort(report.Deleted); !slices.Equal(report.Deleted, []string{first, second}) {
		s.Errorf("prune: %v", report.Deleted)
	}
}

func testNetworkEvents(s *suite) {
	s.network() // so that there is an event before
	list, err := s.e.Networks().List(s.ctx, engine.NetworkListOptions{})
	s.must(err)
	name := s.network()
	id := s.start("true", onNetwork(name))
	s.wait(id, engine.WaitNotRunning)
	s.must(s.c.Remove(s.ctx, string(id), engine.RemoveOptions{Force: true}))
	s.must(s.e.Networks().Remove(s.ctx, name, engine.NetworkRemoveOptions{}))
	var got []string
	for ev, err := range s.e.Watch(s.ctx, engine.WatchOptions{After: list.Seq, Filters: engine.Filters{"network": {name}}}) {
		s.must(err)
		linked := ev.Action == engine.ActionConnect || ev.Action == engine.ActionDisconnect
		if ev.Kind != engine.KindNetwork || ev.Attributes["type"] != "bridge" || linked != (ev.Attributes["container"] == string(id)) {
			s.Errorf("event: %+v", ev)
		}
		if got = append(got, ev.Action); len(got) == 4 {
			break
		}
	}
	if want := []string{engine.ActionCreate, engine.ActionConnect, engine.ActionDisconnect, engine.ActionDestroy}; !slices.Equal(got, want) {
		s.Errorf("events %v, want %v", got, want)
	}
}
