package local

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/engine/network"
)

// List implements engine.Networks.
func (ns *networks) List(_ context.Context, opts engine.NetworkListOptions) (engine.NetworkList, error) {
	e := (*Engine)(ns)
	keep, err := networkFilter(opts.Filters)
	if err != nil {
		return engine.NetworkList{}, kindErr("list", "networks", "", err, "")
	}
	seq, err := e.journal.Last()
	if err != nil {
		return engine.NetworkList{}, err
	}
	all, err := e.nets.List()
	if err != nil && len(all) == 0 {
		return engine.NetworkList{}, kindErr("list", "networks", "", err, "")
	}
	list := engine.NetworkList{Seq: seq}
	for _, n := range all {
		if e.nameMembers(&n); keep(n) {
			list.Items = append(list.Items, n)
		}
	}
	return list, nil
}

// nameMembers adds the names of the containers on a network, and leaves out
// those that have ended.
func (e *Engine) nameMembers(n *engine.Network) {
	for id, m := range n.Containers {
		v, lost, err := e.look(id)
		if err != nil || lost || !v.state.Live() {
			delete(n.Containers, id)
			continue
		}
		m.Name = v.rec.Name
		n.Containers[id] = m
	}
}

// networkFilter compiles docker's filters of networks.
func networkFilter(f engine.Filters) (func(engine.Network) bool, error) {
	var tests []func(engine.Network) bool
	for key, values := range f {
		anyOf := func(match func(n engine.Network, s string) bool) {
			tests = append(tests, func(n engine.Network) bool {
				return slices.ContainsFunc(values, func(s string) bool { return match(n, s) })
			})
		}
		switch key {
		case "id":
			anyOf(func(n engine.Network, s string) bool { return strings.Contains(string(n.ID), s) })
		case "name":
			anyOf(func(n engine.Network, s string) bool { return strings.Contains(n.Name, s) })
		case "driver":
			anyOf(func(n engine.Network, s string) bool { return n.Driver == s })
		case "scope":
			anyOf(func(n engine.Network, s string) bool { return n.Scope == s })
		case "label":
			tests = append(tests, func(n engine.Network) bool { return labelsMatch(n.Labels, values) })
		case "type":
			for _, v := range values {
				if v != "custom" && v != "builtin" {
					return nil, invalidFilter(key, v, "custom or builtin")
				}
			}
			anyOf(func(n engine.Network, s string) bool { return n.Predefined() == (s == "builtin") })
		case "dangling":
			want, err := filterBool(key, values[len(values)-1])
			if err != nil {
				return nil, err
			}
			tests = append(tests, func(n engine.Network) bool { return (len(n.Containers) == 0 && !n.Predefined()) == want })
		default:
			return nil, invalidFilter(key, "", "id, name, driver, scope, type, dangling, label")
		}
	}
	return func(n engine.Network) bool {
		return !slices.ContainsFunc(tests, func(t func(engine.Network) bool) bool { return !t(n) })
	}, nil
}

// Inspect implements engine.Networks.
func (ns *networks) Inspect(ctx context.Context, ref string) (engine.Network, error) {
	e := (*Engine)(ns)
	n, err := e.nets.Inspect(ctx, ref)
	if err != nil {
		return n, networkErr("inspect", ref, err)
	}
	e.nameMembers(&n)
	return n, nil
}

// Create implements engine.Networks.
func (ns *networks) Create(ctx context.Context, opts engine.NetworkCreateOptions) (engine.NetworkCreateResult, error) {
	res, err := (*Engine)(ns).nets.Create(ctx, opts)
	return res, kindErr("create", "network", opts.Name, err, "")
}

// Remove implements engine.Networks.
func (ns *networks) Remove(ctx context.Context, ref string, opts engine.NetworkRemoveOptions) error {
	e := (*Engine)(ns)
	id, err := e.nets.Find(ref)
	if err == nil {
		err = e.nets.Remove(ctx, id)
	}
	if opts.Force && errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return networkErr("remove", ref, e.nameUsers(err))
}

// nameUsers puts the names of containers into an error that has their IDs.
func (e *Engine) nameUsers(err error) error {
	var used *network.InUseError
	if !errors.As(err, &used) {
		return err
	}
	var names []string
	for _, id := range used.Users {
		name := id.Short()
		if rec, err := e.readRecord(id); err == nil {
			name = rec.Name
		}
		names = append(names, name)
	}
	return &usedError{names}
}

// usedError is network.InUseError with names.
type usedError struct{ names []string }

func (u *usedError) Error() string {
	return "network has active endpoints: " + strings.Join(u.names, ", ")
}
func (u *usedError) Unwrap() error { return engine.ErrInUse }

// Prune implements engine.Networks.
func (ns *networks) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	e := (*Engine)(ns)
	keep, err := networkPruneFilter(opts.Filters)
	if err != nil {
		return engine.PruneReport{}, kindErr("prune", "networks", "", err, "")
	}
	list, err := ns.List(ctx, engine.NetworkListOptions{Filters: engine.Filters{"dangling": {"true"}}})
	if err != nil {
		return engine.PruneReport{}, err
	}
	var rep engine.PruneReport
	var errs []error
	for _, n := range list.Items {
		if !keep(n.Created, n.Labels) {
			continue
		}
		if !opts.DryRun {
			err := e.nets.Remove(ctx, n.ID)
			if errors.Is(err, engine.ErrInUse) || errors.Is(err, engine.ErrNotFound) {
				continue // somebody was faster
			}
			if err != nil {
				errs = append(errs, networkErr("remove", n.Name, err))
				continue
			}
		}
		rep.Deleted = append(rep.Deleted, n.Name)
	}
	if !opts.DryRun {
		e.nets.Sweep(ctx)
	}
	return rep, errors.Join(errs...)
}

func networkPruneFilter(f engine.Filters) (func(time.Time, map[string]string) bool, error) {
	for key := range f {
		if key != "until" && key != "label" && key != "label!" {
			return nil, invalidFilter(key, "", "until, label, label!")
		}
	}
	return pruneFilter(f)
}
