package fake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

// networks implements the role of networks.
type networks struct{ e *Engine }

// network is one network; Engine.mu guards every field.
type network struct {
	engine.Network
	given int // addresses that were given out
}

// endpoint is a container's place on a network.
type endpoint struct {
	net  *network
	opts engine.EndpointOptions
	live *engine.EndpointSettings // nil while the container does not run
}

// predefine makes the networks that every engine has.
func (e *Engine) predefine() {
	for _, n := range []struct{ name, driver string }{{engine.NetworkBridge, "bridge"}, {engine.NetworkHost, "host"}, {engine.NetworkNone, "null"}} {
		e.addNetwork(engine.NetworkCreateOptions{Name: n.name}, n.driver)
	}
}

// addNetwork puts a network in its place by name. The caller holds mu, here and
// below.
func (e *Engine) addNetwork(opts engine.NetworkCreateOptions, driver string) *network {
	n := &network{Network: engine.Network{
		Name: opts.Name, ID: engine.ID(digest("network", len(e.networks)+1)), Created: time.Now().UTC(), Scope: "local", Driver: driver,
		EnableIPv4: opts.EnableIPv4 == nil || *opts.EnableIPv4, EnableIPv6: opts.EnableIPv6, Internal: opts.Internal,
		Attachable: opts.Attachable, Options: opts.Options, Labels: opts.Labels, IPAM: engine.IPAM{Driver: "default", Config: opts.Subnets},
	}}
	if opts.Name != engine.NetworkBridge && engine.PredefinedNetwork(opts.Name) {
		n.IPAM.Config = nil
	} else if len(opts.Subnets) == 0 {
		net := 17 + len(e.networks)
		n.IPAM.Config = []engine.Subnet{{Subnet: fmt.Sprintf("172.%d.0.0/16", net), Gateway: fmt.Sprintf("172.%d.0.1", net)}}
	}
	e.networks = append(e.networks, n)
	slices.SortFunc(e.networks, func(a, b *network) int { return cmp.Compare(a.Name, b.Name) })
	return n
}

// findNetwork resolves a name, an ID or a unique prefix of one.
func (e *Engine) findNetwork(op, ref string) (*network, error) {
	var found []*network
	for _, n := range e.networks {
		if n.Name == ref || string(n.ID) == ref {
			return n, nil
		}
		if ref != "" && strings.HasPrefix(string(n.ID), ref) {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return nil, opError(op, "network", ref, engine.ErrNotFound, "")
	case 1:
		return found[0], nil
	}
	return nil, opError(op, "network", ref, engine.ErrAmbiguous, "give more digits of the ID")
}

func (e *Engine) networkEvent(n *network, action string, c *container) {
	attrs := map[string]string{"name": n.Name, "type": n.Driver}
	if c != nil {
		attrs["container"] = string(c.id)
	}
	e.emit(engine.Event{Kind: engine.KindNetwork, Action: action, ID: string(n.ID), Attributes: attrs})
}

// joinNetworks gives a new container the networks that it asks for.
func (e *Engine) joinNetworks(c *container, opts engine.CreateOptions) error {
	mode := opts.Host.NetworkMode
	if mode == "" || mode == "default" {
		mode = cmp.Or(e.info.DefaultNet, engine.NetworkNone)
	}
	if len(opts.Networks) > 0 && (opts.Host.NetworkMode == "" || opts.Host.NetworkMode == "default") {
		mode = opts.Networks[0].Network
	}
	c.detail.HostConfig.NetworkMode = mode
	want := opts.Networks
	if len(want) == 0 && !strings.HasPrefix(mode, engine.NetworkContainer) {
		want = []engine.NetworkAttachment{{Network: mode}}
	}
	for _, w := range want {
		n, err := e.findNetwork("use", w.Network)
		if err != nil {
			return err
		}
		c.endpoints = append(c.endpoints, &endpoint{net: n, opts: w.EndpointOptions})
	}
	return nil
}

// plug gives an endpoint its addresses.
func (e *Engine) plug(c *container, p *endpoint) {
	n := p.net
	s := &engine.EndpointSettings{NetworkID: n.ID, EndpointID: engine.ID(digest("endpoint "+n.Name, n.given))}
	p.live = s
	n.given++
	if n.Driver != "bridge" {
		return
	}
	for _, sub := range n.IPAM.Config {
		net, err := netip.ParsePrefix(sub.Subnet)
		if err != nil {
			continue
		}
		addr := net.Addr()
		for range n.given + 1 {
			addr = addr.Next()
		}
		if addr.Is4() {
			s.IPAddress, s.IPPrefixLen, s.Gateway = cmp.Or(p.opts.IPv4, addr.String()), net.Bits(), sub.Gateway
		} else {
			s.GlobalIPv6Address, s.GlobalIPv6PrefixLen, s.IPv6Gateway = cmp.Or(p.opts.IPv6, addr.String()), net.Bits(), sub.Gateway
		}
	}
	s.MacAddress = cmp.Or(p.opts.MAC, fmt.Sprintf("02:42:ac:11:%02x:%02x", n.given>>8&0xff, n.given&0xff))
	e.networkEvent(n, engine.ActionConnect, c)
}

// plugAll and unplugAll go with a container's start and end.
func (e *Engine) plugAll(c *container) {
	for _, p := range c.endpoints {
		e.plug(c, p)
	}
}

func (e *Engine) unplugAll(c *container) {
	for _, p := range c.endpoints {
		e.unplug(c, p)
	}
}

func (e *Engine) unplug(c *container, p *endpoint) {
	if p.live != nil && p.net.Driver == "bridge" {
		e.networkEvent(p.net, engine.ActionDisconnect, c)
	}
	p.live = nil
}

// networkSettings are what inspect shows.
func (c *container) networkSettings() engine.NetworkSettings {
	s := engine.NetworkSettings{Ports: c.livePorts(), Networks: map[string]engine.EndpointSettings{}}
	for _, p := range c.endpoints {
		var one engine.EndpointSettings
		if p.live != nil {
			one = *p.live
			s.SandboxKey = fmt.Sprintf("/proc/%d/ns/net", c.state.Pid)
		}
		one.Aliases, one.DriverOpts, one.GwPriority = p.opts.Aliases, p.opts.DriverOpts, p.opts.GwPriority
		if p.opts.IPv4 != "" || p.opts.IPv6 != "" {
			one.IPAMConfig = &engine.EndpointIPAM{IPv4Address: p.opts.IPv4, IPv6Address: p.opts.IPv6}
		}
		if p.net.Driver == "bridge" && p.net.Name != engine.NetworkBridge {
			one.DNSNames = append([]string{c.name}, append(slices.Clone(p.opts.Aliases), c.id.Short())...)
		}
		s.Networks[p.net.Name] = one
		if p.net.Name == engine.NetworkBridge {
			s.EndpointID, s.Gateway, s.IPAddress, s.IPPrefixLen, s.MacAddress = one.EndpointID, one.Gateway, one.IPAddress, one.IPPrefixLen, one.MacAddress
			s.IPv6Gateway, s.GlobalIPv6Address, s.GlobalIPv6PrefixLen = one.IPv6Gateway, one.GlobalIPv6Address, one.GlobalIPv6PrefixLen
		}
	}
	return s
}

// networkNames are the columns of a list.
func (c *container) networkNames() (names []string, addrs map[string][]string) {
	if strings.HasPrefix(c.detail.HostConfig.NetworkMode, engine.NetworkContainer) {
		return []string{c.detail.HostConfig.NetworkMode}, nil
	}
	for _, p := range c.endpoints {
		names = append(names, p.net.Name)
		if p.live == nil {
			continue
		}
		for _, a := range []string{p.live.IPAddress, p.live.GlobalIPv6Address} {
			if a == "" {
				continue
			}
			if addrs == nil {
				addrs = map[string][]string{}
			}
			addrs[p.net.Name] = append(addrs[p.net.Name], a)
		}
	}
	return names, addrs
}

// shown is a network with who is on it.
func (e *Engine) shown(n *network) engine.Network {
	out := n.Network
	out.Containers = map[engine.ID]engine.NetworkMember{}
	for _, c := range e.containers {
		for _, p := range c.endpoints {
			if p.net != n || p.live == nil {
				continue
			}
			m := engine.NetworkMember{Name: c.name, EndpointID: p.live.EndpointID, MacAddress: p.live.MacAddress}
			if p.live.IPAddress != "" {
				m.IPv4Address = fmt.Sprintf("%s/%d", p.live.IPAddress, p.live.IPPrefixLen)
			}
			if p.live.GlobalIPv6Address != "" {
				m.IPv6Address = fmt.Sprintf("%s/%d", p.live.GlobalIPv6Address, p.live.GlobalIPv6PrefixLen)
			}
			out.Containers[c.id] = m
		}
	}
	return out
}

func (ns networks) List(ctx context.Context, opts engine.NetworkListOptions) (engine.NetworkList, error) {
	if err := ns.e.enter(ctx, OpNetworkList); err != nil {
		return engine.NetworkList{}, opError("list", "networks", "", err, "")
	}
	ns.e.mu.Lock()
	defer ns.e.mu.Unlock()
	list := engine.NetworkList{Seq: ns.e.lastSeq}
	for _, n := range ns.e.networks {
		s := ns.e.shown(n)
		ok, err := matchNetwork(s, opts.Filters)
		if err != nil {
			return engine.NetworkList{}, opError("list", "networks", "", err, "")
		}
		if ok {
			list.Items = append(list.Items, s)
		}
	}
	return list, nil
}

func matchNetwork(n engine.Network, filters engine.Filters) (bool, error) {
	ok := true
	for key, values := range filters {
		var match func(string) bool
		switch key {
		case "name":
			match = func(s string) bool { return strings.Contains(n.Name, s) }
		case "id":
			match = func(s string) bool { return strings.Contains(string(n.ID), s) }
		case "driver":
			match = func(s string) bool { return n.Driver == s }
		case "scope":
			match = func(s string) bool { return n.Scope == s }
		case "type":
			match = func(s string) bool { return n.Predefined() == (s == "builtin") }
		case "dangling":
			match = func(s string) bool { return (len(n.Containers) == 0 && !n.Predefined()) == (s == "true" || s == "1") }
		case "label":
			ok = ok && matchLabels(n.Labels, values)
			continue
		default:
			return false, engine.ErrInvalid
		}
		ok = ok && slices.ContainsFunc(values, match)
	}
	return ok, nil
}

// lookup is enter, lock and find; the caller unlocks when err is nil.
func (ns networks) lookup(ctx context.Context, op Op, verb, ref string) (*network, error) {
	if err := ns.e.enter(ctx, op); err != nil {
		return nil, opError(verb, "network", ref, err, "")
	}
	ns.e.mu.Lock()
	n, err := ns.e.findNetwork(verb, ref)
	if err != nil {
		ns.e.mu.Unlock()
	}
	return n, err
}

func (ns networks) Inspect(ctx context.Context, ref string) (engine.Network, error) {
	n, err := ns.lookup(ctx, OpNetworkInspect, "inspect", ref)
	if err != nil {
		return engine.Network{}, err
	}
	defer ns.e.mu.Unlock()
	return ns.e.shown(n), nil
}

func (ns networks) Create(ctx context.Context, opts engine.NetworkCreateOptions) (engine.NetworkCreateResult, error) {
	e := ns.e
	if err := e.enter(ctx, OpNetworkCreate); err != nil {
		return engine.NetworkCreateResult{}, opError("create", "network", opts.Name, err, "")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if engine.PredefinedNetwork(opts.Name) {
		return engine.NetworkCreateResult{}, opError("create", "network", opts.Name, engine.ErrConflict, "choose another name")
	}
	if err := engine.CheckName(opts.Name); err != nil {
		return engine.NetworkCreateResult{}, opError("create", "network", opts.Name, err, "")
	}
	if opts.Driver != "" && opts.Driver != "bridge" {
		return engine.NetworkCreateResult{}, opError("create", "network", opts.Name, engine.ErrUnsupported, "there is the driver bridge")
	}
	for _, n := range e.networks {
		if n.Name == opts.Name {
			return engine.NetworkCreateResult{}, opError("create", "network", opts.Name, engine.ErrConflict, "remove that network, or choose another name")
		}
	}
	if err := e.checkSubnets(opts.Subnets); err != nil {
		return engine.NetworkCreateResult{}, opError("create", "network", opts.Name, err, "")
	}
	n := e.addNetwork(opts, "bridge")
	e.networkEvent(n, engine.ActionCreate, nil)
	return engine.NetworkCreateResult{ID: n.ID}, nil
}

func (e *Engine) checkSubnets(list []engine.Subnet) error {
	for _, s := range list {
		want, err := netip.ParsePrefix(s.Subnet)
		if err != nil {
			return errors.Join(engine.ErrInvalid, err)
		}
		for _, n := range e.networks {
			for _, have := range n.IPAM.Config {
				if p, err := netip.ParsePrefix(have.Subnet); err == nil && p.Overlaps(want) {
					return fmt.Errorf("%w: network %s has %s", engine.ErrConflict, n.Name, p)
				}
			}
		}
	}
	return nil
}

func (ns networks) Remove(ctx context.Context, ref string, opts engine.NetworkRemoveOptions) error {
	n, err := ns.lookup(ctx, OpNetworkRemove, "remove", ref)
	if err != nil {
		if opts.Force && errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		return err
	}
	defer ns.e.mu.Unlock()
	if n.Predefined() {
		return opError("remove", "network", ref, engine.ErrPermission, "it is one that every engine has")
	}
	for _, m := range ns.e.shown(n).Containers {
		return opError("remove", "network", ref, engine.ErrInUse, "container "+m.Name+" is connected to it")
	}
	ns.e.dropNetwork(n)
	return nil
}

func (e *Engine) dropNetwork(n *network) {
	e.networks = slices.DeleteFunc(e.networks, func(o *network) bool { return o == n })
	e.networkEvent(n, engine.ActionDestroy, nil)
}

func (ns networks) Connect(ctx context.Context, ref, name string, opts engine.EndpointOptions) error {
	n, err := ns.lookup(ctx, OpNetworkConnect, "connect to", ref)
	if err != nil {
		return err
	}
	defer ns.e.mu.Unlock()
	c, err := ns.e.find("connect", name)
	if err != nil {
		return err
	}
	if n.Driver != "bridge" || strings.HasPrefix(c.detail.HostConfig.NetworkMode, engine.NetworkContainer) || c.detail.HostConfig.NetworkMode == engine.NetworkHost {
		return opError("connect to", "network", ref, engine.ErrInvalid, "only bridges can be connected to, by containers that have a network of their own")
	}
	if c.endpointOn(n) != nil {
		return opError("connect to", "network", ref, engine.ErrConflict, "container "+c.name+" is connected already")
	}
	p := &endpoint{net: n, opts: opts}
	c.endpoints = append(c.endpoints, p)
	if c.state.Status.Live() {
		ns.e.plug(c, p)
	}
	ns.e.notify()
	return nil
}

func (c *container) endpointOn(n *network) *endpoint {
	i := slices.IndexFunc(c.endpoints, func(p *endpoint) bool { return p.net == n })
	if i < 0 {
		return nil
	}
	return c.endpoints[i]
}

func (ns networks) Disconnect(ctx context.Context, ref, name string, force bool) error {
	n, err := ns.lookup(ctx, OpNetworkDisconnect, "disconnect from", ref)
	if err != nil {
		return err
	}
	defer ns.e.mu.Unlock()
	c, err := ns.e.find("disconnect", name)
	if err != nil {
		if force && errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		return err
	}
	p := c.endpointOn(n)
	if p == nil {
		if force {
			return nil
		}
		return opError("disconnect from", "network", ref, engine.ErrNotFound, "container "+c.name+" is not connected to it")
	}
	ns.e.unplug(c, p)
	c.endpoints = slices.DeleteFunc(c.endpoints, func(o *endpoint) bool { return o == p })
	ns.e.notify()
	return nil
}

func (ns networks) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	if err := ns.e.enter(ctx, OpNetworkPrune); err != nil {
		return engine.PruneReport{}, opError("prune", "networks", "", err, "")
	}
	ns.e.mu.Lock()
	defer ns.e.mu.Unlock()
	var report engine.PruneReport
	for _, n := range slices.Clone(ns.e.networks) {
		if n.Predefined() || len(ns.e.shown(n).Containers) > 0 || !matchPrune(n.Created, n.Labels, opts.Filters) {
			continue
		}
		report.Deleted = append(report.Deleted, n.Name)
		if !opts.DryRun {
			ns.e.dropNetwork(n)
		}
	}
	return report, nil
}

// attachments are the networks of a scripted container.
func attachments(names []string) []engine.NetworkAttachment {
	var out []engine.NetworkAttachment
	for _, n := range names {
		out = append(out, engine.NetworkAttachment{Network: n})
	}
	return out
}
