package local

import (
	"context"
	"errors"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"gantry/engine"
	"gantry/internal/portspec"
)

// listWorkers reads containers side by side: a list is bound by the latency of
// small reads.
const listWorkers = 8

// List implements engine.ContainerReader. The sequence number is read before
// the records, so that Watch after it misses nothing.
func (c *containers) List(ctx context.Context, opts engine.ListOptions) (engine.ContainerList, error) {
	e := (*Engine)(c)
	keep, err := e.filter(ctx, opts.Filters)
	if err != nil {
		return engine.ContainerList{}, err
	}
	seq, err := e.journal.Last()
	if err != nil {
		return engine.ContainerList{}, err
	}
	rows, err := e.snapshotAll(ctx)
	if err != nil {
		return engine.ContainerList{}, err
	}
	all := opts.All || opts.Last > 0 || len(opts.Filters["status"]) > 0 || len(opts.Filters["exited"]) > 0
	items := make([]engine.ContainerSummary, 0, len(rows))
	for _, r := range rows {
		s := r.summary()
		s.Networks, s.Addresses = e.networkNames(r)
		s.Ports = r.ports()
		if (all || s.Status.Status.Live() || s.Status.Status == engine.Restarting) && keep(s) {
			items = append(items, s)
		}
	}
	if opts.Last > 0 && len(items) > opts.Last {
		items = items[:opts.Last]
	}
	if opts.Size {
		for i := range items {
			if err := e.sizes(&items[i]); err != nil {
				return engine.ContainerList{}, err
			}
		}
	}
	return engine.ContainerList{Seq: seq, Items: items}, nil
}

// snapshotAll reads every container, newest first. One that vanishes meanwhile
// is left out; one whose record is broken is shown as dead, so that it can be
// removed.
func (e *Engine) snapshotAll(ctx context.Context) ([]*view, error) {
	ids, err := e.ids()
	if err != nil {
		return nil, err
	}
	out := make([]*view, len(ids))
	var wg sync.WaitGroup
	for w := range min(listWorkers, len(ids)) {
		wg.Go(func() {
			for i := w; i < len(ids) && ctx.Err() == nil; i += listWorkers {
				if v, err := e.view(ids[i]); err == nil {
					out[i] = v
				} else if !errors.Is(err, engine.ErrNotFound) {
					out[i] = brokenView(ids[i], err)
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows := out[:0]
	for _, v := range out {
		if v != nil {
			rows = append(rows, v)
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		if a, b := rows[i].rec.Created, rows[j].rec.Created; !a.Equal(b) {
			return a.After(b)
		}
		return rows[i].rec.ID < rows[j].rec.ID
	})
	return rows, nil
}

// filter compiles docker's filters. An unknown key or value is refused by name.
func (e *Engine) filter(ctx context.Context, f engine.Filters) (func(engine.ContainerSummary) bool, error) {
	var tests []func(engine.ContainerSummary) bool
	for key, values := range f {
		t, err := e.filterKey(ctx, key, values)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return func(s engine.ContainerSummary) bool {
		for _, t := range tests {
			if !t(s) {
				return false
			}
		}
		return true
	}, nil
}

func (e *Engine) filterKey(ctx context.Context, key string, values []string) (func(engine.ContainerSummary) bool, error) {
	anyOf := func(match func(s engine.ContainerSummary, v string) bool) func(engine.ContainerSummary) bool {
		return func(s engine.ContainerSummary) bool {
			for _, v := range values {
				if match(s, v) {
					return true
				}
			}
			return false
		}
	}
	switch key {
	case "id":
		return anyOf(func(s engine.ContainerSummary, v string) bool { return strings.HasPrefix(string(s.ID), v) }), nil
	case "name":
		patterns := make(map[string]*regexp.Regexp, len(values))
		for _, v := range values {
			re, err := regexp.Compile(v)
			if err != nil {
				return nil, invalidFilter(key, v, "a part of a name, or a regular expression")
			}
			patterns[v] = re
		}
		return anyOf(func(s engine.ContainerSummary, v string) bool {
			return patterns[v].MatchString(s.Name) || patterns[v].MatchString("/"+s.Name)
		}), nil
	case "network":
		return anyOf(func(s engine.ContainerSummary, v string) bool { return slices.Contains(s.Networks, v) }), nil
	case "publish", "expose":
		match, err := portspec.Filter(key, values)
		if err != nil {
			return nil, invalidFilter(key, strings.Join(values, ","), "a port or a range of ports, as in 8000-8010/udp")
		}
		return func(s engine.ContainerSummary) bool { return match(s.Ports) }, nil
	case "label":
		return func(s engine.ContainerSummary) bool { return labelsMatch(s.Labels, values) }, nil
	case "status":
		for _, v := range values {
			if !knownState(v) {
				return nil, invalidFilter(key, v, "created, running, paused, restarting, removing, exited, dead")
			}
		}
		return anyOf(func(s engine.ContainerSummary, v string) bool { return string(s.Status.Status) == v }), nil
	case "health":
		for _, v := range values {
			if !knownHealth(v) {
				return nil, invalidFilter(key, v, "starting, healthy, unhealthy, none")
			}
		}
		return anyOf(matchesHealth), nil
	case "exited":
		for _, v := range values {
			if _, err := strconv.Atoi(v); err != nil {
				return nil, invalidFilter(key, v, "a number")
			}
		}
		return anyOf(func(s engine.ContainerSummary, v string) bool {
			n, _ := strconv.Atoi(v)
			return s.Status.Status == engine.Exited && s.Status.ExitCode == n
		}), nil
	case "volume":
		return anyOf(func(s engine.ContainerSummary, v string) bool {
			return slices.ContainsFunc(s.Mounts, func(m engine.MountPoint) bool {
				return m.Name == v || m.Destination == path.Clean(v) || m.Type == "bind" && m.Source == v
			})
		}), nil
	case "ancestor":
		return e.ancestorFilter(ctx, values)
	case "before", "since":
		rec, err := e.load(values[len(values)-1])
		if err != nil {
			return nil, opErr("filter by", values[len(values)-1], err)
		}
		if key == "before" {
			return func(s engine.ContainerSummary) bool { return s.Created.Before(rec.Created) }, nil
		}
		return func(s engine.ContainerSummary) bool { return s.Created.After(rec.Created) }, nil
	}
	return nil, invalidFilter(key, "", "id, name, label, status, health, exited, ancestor, before, since, network, publish, expose, volume")
}

// ancestorFilter matches containers of an image that is named by reference or
// ID; one that is not in the store matches by the name it was given.
func (e *Engine) ancestorFilter(ctx context.Context, values []string) (func(engine.ContainerSummary) bool, error) {
	s, err := e.store()
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool)
	for _, v := range values {
		ids[v] = true
		if img, err := s.Resolve(ctx, v); err == nil {
			ids[string(img.ID)] = true
		}
	}
	return func(s engine.ContainerSummary) bool { return ids[string(s.ImageID)] || ids[s.Image] }, nil
}

// labelsMatch wants every "key" or "key=value".
func labelsMatch(labels map[string]string, want []string) bool {
	for _, w := range want {
		k, v, hasValue := strings.Cut(w, "=")
		got, ok := labels[k]
		if !ok || hasValue && got != v {
			return false
		}
	}
	return true
}

func knownState(s string) bool {
	switch engine.State(s) {
	case engine.Created, engine.Running, engine.Paused, engine.Restarting, engine.Exited, engine.Removing, engine.Dead:
		return true
	}
	return false
}
