package fake

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/engine"
	"gantry/internal/portspec"
)

func (cs containers) List(ctx context.Context, opts engine.ListOptions) (engine.ContainerList, error) {
	e := cs.e
	if err := e.enter(ctx, OpList); err != nil {
		return engine.ContainerList{}, opError("list", "containers", "", err, "")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	list := engine.ContainerList{Seq: e.lastSeq}
	match, err := e.listFilter(opts.Filters)
	if err != nil {
		return engine.ContainerList{}, opError("list", "containers", "", err, "")
	}
	all := opts.All || opts.Last > 0 || len(opts.Filters["status"]) > 0 || len(opts.Filters["exited"]) > 0
	for _, c := range slices.Backward(e.containers) {
		if opts.Last > 0 && len(list.Items) == opts.Last {
			break
		}
		if (all || c.state.Status.Live()) && match(c) {
			list.Items = append(list.Items, c.summary(opts.Size))
		}
	}
	return list, nil
}

func (c *container) summary(size bool) engine.ContainerSummary {
	s := engine.ContainerSummary{
		Platform: c.platform,
		ID:       c.id, Name: c.name, Image: c.detail.Config.Image, ImageID: c.detail.Image,
		Command: append([]string{c.detail.Path}, c.detail.Args...), Created: c.detail.Created,
		Status: c.state, Labels: c.detail.Config.Labels, Mounts: c.detail.Mounts, RestartCount: c.detail.RestartCount,
	}
	s.Networks, s.Addresses = c.networkNames()
	s.Ports = c.livePorts()
	if size {
		s.SizeRw, s.SizeRootFs = c.sizeRw, c.rootSize()
	}
	return s
}

func (c *container) rootSize() int64 {
	n := c.sizeRw
	if img, err := c.e.findImage("", string(c.detail.Image)); err == nil {
		n += img.size
	}
	return n
}

// listFilter compiles filters: values of a key are alternatives, but for
// label, where all must match.
func (e *Engine) listFilter(filters engine.Filters) (func(*container) bool, error) {
	var tests []func(*container) bool
	for key, values := range filters {
		if key == "label" {
			tests = append(tests, func(c *container) bool { return matchLabels(c.detail.Config.Labels, values) })
			continue
		}
		var any []func(*container) bool
		for _, v := range values {
			test, err := e.listTest(key, v)
			if err != nil {
				return nil, err
			}
			any = append(any, test)
		}
		tests = append(tests, func(c *container) bool {
			return slices.ContainsFunc(any, func(f func(*container) bool) bool { return f(c) })
		})
	}
	return func(c *container) bool {
		return !slices.ContainsFunc(tests, func(f func(*container) bool) bool { return !f(c) })
	}, nil
}

func (e *Engine) listTest(key, v string) (func(*container) bool, error) {
	switch key {
	case "id":
		return func(c *container) bool { return strings.HasPrefix(string(c.id), v) }, nil
	case "name":
		re, err := regexp.Compile(v)
		if err != nil {
			return nil, &engine.OpError{Op: "read", Kind: "filter", ID: key, Err: engine.ErrInvalid, Hint: err.Error()}
		}
		return func(c *container) bool { return re.MatchString(c.name) || re.MatchString("/"+c.name) }, err
	case "network":
		return func(c *container) bool {
			return slices.ContainsFunc(c.endpoints, func(p *endpoint) bool { return p.net.Name == v || v != "" && strings.HasPrefix(string(p.net.ID), v) })
		}, nil
	case "volume":
		return func(c *container) bool {
			return slices.ContainsFunc(c.detail.Mounts, func(m engine.MountPoint) bool { return m.Name == v && v != "" || m.Destination == v })
		}, nil
	case "publish", "expose":
		match, err := portspec.Filter(key, []string{v})
		return func(c *container) bool { return match(c.livePorts()) }, err
	case "status":
		return func(c *container) bool { return string(c.state.Status) == v }, nil
	case "exited":
		code, err := strconv.Atoi(v)
		return func(c *container) bool { return c.state.Status == engine.Exited && c.state.ExitCode == code }, err
	case "ancestor":
		img, err := e.findImage("list", v)
		return func(c *container) bool { return err == nil && c.detail.Image == img.id }, nil
	case "before", "since":
		pivot, err := e.find("list", v)
		return func(c *container) bool {
			if key == "before" {
				return slices.Index(e.containers, c) < slices.Index(e.containers, pivot)
			}
			return slices.Index(e.containers, c) > slices.Index(e.containers, pivot)
		}, err
	}
	return nil, &engine.OpError{Op: "read", Kind: "filter", ID: key, Err: engine.ErrInvalid,
		Hint: "known filters: id, name, label, status, exited, ancestor, network, publish, expose, volume, before, since"}
}

func (cs containers) Inspect(ctx context.Context, ref string) (engine.ContainerDetail, error) {
	c, err := cs.e.lookup(ctx, OpInspect, "inspect", ref)
	if err != nil {
		return engine.ContainerDetail{}, err
	}
	defer cs.e.mu.Unlock()
	d := c.detail
	d.Name, d.State, d.NetworkSettings = "/"+c.name, c.state, c.networkSettings()
	rw, root := c.sizeRw, c.rootSize()
	d.SizeRw, d.SizeRootFs = &rw, &root
	return d, nil
}

func (cs containers) Top(ctx context.Context, ref string, psArgs []string) (engine.ProcessTable, error) {
	c, err := cs.e.lookup(ctx, OpTop, "top", ref)
	if err != nil {
		return engine.ProcessTable{}, err
	}
	defer cs.e.mu.Unlock()
	if !c.state.Status.Live() {
		return engine.ProcessTable{}, opError("top", "container", ref, engine.ErrConflict, "it is not running")
	}
	pid, cpu := c.state.Pid, time.Since(c.state.StartedAt)/2
	clock := time.Time{}.Add(cpu).Format("15:04:05")
	return engine.ProcessTable{
		Titles: []string{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"},
		Processes: [][]string{{"root", strconv.Itoa(pid), "1", "50", c.state.StartedAt.Format("15:04"), "?", clock,
			strings.Join(append([]string{c.detail.Path}, c.detail.Args...), " ")}},
		Usage: []engine.ProcessUsage{{PID: pid, Parent: 1, CPU: cpu, Memory: 64 << 20}},
	}, nil
}

// SignalProcess implements engine.ProcessSignaler: there is one process.
func (cs containers) SignalProcess(ctx context.Context, ref string, pid int, signal string) error {
	cs.e.mu.Lock()
	c, err := cs.e.find("signal", ref)
	known := err == nil && c.state.Pid == pid
	cs.e.mu.Unlock()
	if err != nil {
		return err
	}
	if !known {
		return opError("signal", "container", ref, engine.ErrConflict, "it has no such process")
	}
	return cs.Kill(ctx, ref, signal)
}

var _ engine.ProcessSignaler = containers{}
