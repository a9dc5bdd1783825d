package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"gantry/engine"
	"gantry/engine/network/netns"
	"gantry/engine/network/zone"
)

// Attach makes a network namespace with everything that a container asks for.
// The caller has the container's lock.
func (s *Store) Attach(ctx context.Context, r Request) (_ *Sandbox, err error) {
	if err := s.Release(ctx, r.Container); err != nil { // of the start before
		return nil, err
	}
	ns, err := netns.New()
	if err != nil {
		return nil, err
	}
	box := &Sandbox{ns: ns}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Release(context.WithoutCancel(ctx), r.Container), ns.Close())
		}
	}()
	for _, want := range r.Networks {
		ep, err := s.plug(ctx, r, want, ns, box.Endpoints)
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", want.Network, err)
		}
		box.Endpoints = append(box.Endpoints, ep)
	}
	if markRouted(box.Endpoints) && len(box.Endpoints) > 0 {
		err = s.setEndpoints(r.Container, box.Endpoints)
	}
	if err == nil {
		err = furnish(ns, box.Endpoints, box.Endpoints)
	}
	return box, err
}

// Connect gives a running container, whose namespace ns is, one more network.
// The caller has the container's lock.
func (s *Store) Connect(ctx context.Context, ns *os.File, r Request) (_ Endpoint, err error) {
	have, err := s.Endpoints(r.Container)
	if err != nil {
		return Endpoint{}, err
	}
	ep, err := s.plug(ctx, r, r.Networks[0], ns, have)
	if err != nil {
		return ep, err
	}
	all := append(have, ep)
	if err := furnish(ns, []Endpoint{ep}, all); err != nil {
		return ep, errors.Join(err, s.unplug(context.WithoutCancel(ctx), r.Container, ep))
	}
	return ep, s.reroute(r.Container, all)
}

// reroute puts on record where the default route leads now.
func (s *Store) reroute(id engine.ID, all []Endpoint) error {
	if !markRouted(all) {
		return nil
	}
	return s.setEndpoints(id, all)
}

// Disconnect takes a network away from a running container.
func (s *Store) Disconnect(ctx context.Context, ns *os.File, id, net engine.ID) error {
	have, err := s.Endpoints(id)
	if err != nil {
		return err
	}
	for i, ep := range have {
		if ep.Network != net {
			continue
		}
		if err := s.unplug(ctx, id, ep); err != nil {
			return err
		}
		rest := append(have[:i:i], have[i+1:]...)
		if err := furnish(ns, nil, rest); err != nil {
			return err
		}
		return s.reroute(id, rest)
	}
	return nil
}

// plug makes one endpoint: claim, clean, attach. have are the container's others.
func (s *Store) plug(ctx context.Context, r Request, want engine.NetworkAttachment, ns *os.File, have []Endpoint) (_ Endpoint, err error) {
	id, err := s.Find(want.Network)
	if err != nil {
		return Endpoint{}, err
	}
	if _, err := s.need(ctx, id); err != nil {
		return Endpoint{}, err
	}
	k, err := s.lock(ctx, id)
	if err != nil {
		return Endpoint{}, err
	}
	defer k.Unlock()
	net, err := s.read(id) // it may have gone meanwhile
	if err != nil {
		return Endpoint{}, err
	}
	bridge, err := s.bridgeUp(ctx, net)
	if err != nil {
		return Endpoint{}, err
	}
	ep := Endpoint{
		ID: engine.NewID(), Network: id, NetworkName: net.Name, Default: net.Default(), Internal: net.Internal, Bridge: net.Bridge(),
		Link: nextLink(have), Options: want.EndpointOptions,
	}
	ep.HostLink = hostLink(ep.ID)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.leave(context.WithoutCancel(ctx), id, r.Container))
		}
	}()
	if err := s.address(ctx, net, &ep, r.Container); err != nil {
		return ep, err
	}
	// On record before anything leads to it: whoever finds the container dead
	// knows what to take away.
	if err := s.setEndpoints(r.Container, append(have[:len(have):len(have)], ep)); err != nil {
		return ep, err
	}
	if err := clean(ep.addresses()); err != nil {
		return ep, err
	}
	if err := addVeth(&ep, ns, bridge, net.MTU()); err != nil {
		return ep, err
	}
	if !net.ICC() {
		if err := isolate(&ep); err != nil {
			return ep, err
		}
	}
	if err := s.name(net, &ep, r); err != nil {
		return ep, err
	}
	_, err = s.o.Journal.Append(event(engine.ActionConnect, net, r.Container))
	return ep, err
}

// name makes a container known to the others on a network. There are no names on
// the default bridge.
func (s *Store) name(net *Record, ep *Endpoint, r Request) error {
	if net.Default() {
		return nil
	}
	return s.putName(ep, r)
}

func (s *Store) putName(ep *Endpoint, r Request) error {
	return zone.Put(s.Dir(ep.Network), zone.Record{ID: r.Container, Names: r.Names(ep.Options.Aliases), Addrs: ep.Found()})
}

// Rename makes a running container known by the names that it has now. The
// caller has the container's lock.
func (s *Store) Rename(ctx context.Context, r Request) error {
	eps, err := s.Endpoints(r.Container)
	if err != nil {
		return err
	}
	for _, ep := range eps {
		if ep.Default {
			continue
		}
		k, err := s.lock(ctx, ep.Network)
		if err != nil {
			return err
		}
		err = s.putName(&ep, r)
		k.Unlock()
		if err != nil {
			return fmt.Errorf("name the container on network %s: %w", ep.NetworkName, err)
		}
	}
	return nil
}

// address claims what an endpoint asks for, or the next free addresses.
func (s *Store) address(ctx context.Context, r *Record, ep *Endpoint, container engine.ID) error {
	static, err := r.Static(ep.Options)
	if err != nil {
		return err
	}
	done := map[bool]bool{} // by family
	for _, sub := range r.Subnets {
		v4 := sub.Prefix.Addr().Is4()
		a, wanted := static[v4]
		if done[v4] || wanted && !sub.Prefix.Contains(a) {
			continue
		}
		if wanted {
			err = s.takeOver(ctx, r.ID, a, container)
		} else {
			a, err = s.draw(ctx, r.ID, sub, container)
		}
		if err != nil {
			return err
		}
		done[v4] = true
		ep.Addrs = append(ep.Addrs, netip.PrefixFrom(a, sub.Prefix.Bits()))
		if !r.Internal {
			ep.Gateways = append(ep.Gateways, sub.Gateway)
		}
	}
	for _, text := range ep.Options.LinkLocal {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("%w link-local address %q", engine.ErrInvalid, text)
		}
		ep.Addrs = append(ep.Addrs, netip.PrefixFrom(a, map[bool]int{true: 16, false: 64}[a.Is4()]))
	}
	ep.MAC = ep.Options.MAC
	if ep.MAC == "" && len(ep.Addrs) > 0 {
		mac := macFor(ep.Addrs[0].Addr())
		ep.MAC = net.HardwareAddr(mac[:]).String()
	}
	return nil
}

// Static are the addresses that an endpoint asks for, by whether they are IPv4.
func (r *Record) Static(o engine.EndpointOptions) (map[bool]netip.Addr, error) {
	out := map[bool]netip.Addr{}
	for v4, text := range map[bool]string{true: o.IPv4, false: o.IPv6} {
		if text == "" {
			continue
		}
		a, err := netip.ParseAddr(text)
		if err != nil || a.Is4() != v4 {
			return nil, fmt.Errorf("%w address %q of the network %s: it is no %s address", engine.ErrInvalid, text, r.Name, map[bool]string{true: "IPv4", false: "IPv6"}[v4])
		}
		if r.Default() {
			return nil, fmt.Errorf("%w address %s: addresses can be chosen on networks that were made with a subnet, not on the default bridge", engine.ErrInvalid, a)
		}
		ok := false
		for _, sub := range r.Subnets {
			if !sub.Prefix.Contains(a) {
				continue
			}
			if sub.Chosen {
				return nil, fmt.Errorf("%w address %s: addresses can be chosen on networks that were made with a subnet (network create --subnet)", engine.ErrInvalid, a)
			}
			if ok = !sub.reserved(a) && a != sub.Gateway; !ok {
				return nil, fmt.Errorf("%w address %s of the network %s: it is the network's own", engine.ErrInvalid, a, r.Name)
			}
		}
		if !ok {
			return nil, fmt.Errorf("%w address %s: no subnet of the network %s holds it", engine.ErrInvalid, a, r.Name)
		}
		out[v4] = a
	}
	return out, nil
}

func (ep Endpoint) addresses() []netip.Addr {
	var out []netip.Addr
	for _, a := range ep.Addrs {
		out = append(out, a.Addr())
	}
	return out
}

// Release takes away what a container that has ended still has: rules, claims,
// and bridges that nobody else uses. The caller has the container's lock.
func (s *Store) Release(ctx context.Context, id engine.ID) error {
	eps, err := s.Endpoints(id)
	if err != nil && !errors.Is(err, engine.ErrCorrupt) {
		return err
	}
	var errs []error
	for _, ep := range eps {
		errs = append(errs, s.unplug(ctx, id, ep))
	}
	if err := errors.Join(errs...); err != nil {
		return err // the record of it stays: the next one who looks goes on
	}
	return s.setEndpoints(id, nil) // also a broken one
}

// unplug takes one endpoint away.
func (s *Store) unplug(ctx context.Context, id engine.ID, ep Endpoint) error {
	k, err := s.lock(ctx, ep.Network)
	if err != nil {
		return err
	}
	defer k.Unlock()
	return s.leave(ctx, ep.Network, id)
}

// leave takes away all that a container has of one network. The order is the
// start's the other way round. The caller has the network's lock.
func (s *Store) leave(ctx context.Context, net, id engine.ID) error {
	r, err := s.read(net)
	if err != nil {
		r = &Record{ID: net} // gone, or broken: what is left of it goes by its ID
	}
	eps, err := s.Endpoints(id)
	if err != nil && !errors.Is(err, engine.ErrCorrupt) {
		return err
	}
	if err := zone.Drop(s.Dir(net), id); err != nil {
		return err
	}
	var rest []Endpoint
	for _, ep := range eps {
		if ep.Network != net {
			rest = append(rest, ep)
			continue
		}
		// The kernel removes it with the namespace, but that may be in use still: by
		// a container that shares it, whose address this one's then no longer is.
		if err := delVeth(&ep); err != nil {
			return err
		}
	}
	var held []netip.Addr
	for a, holder := range s.claims(net) {
		if holder == id {
			held = append(held, a)
		}
	}
	if err := clean(held); err != nil {
		return err
	}
	for _, a := range held {
		if err := s.drop(net, a, id); err != nil {
			return err
		}
	}
	if err := s.bridgeDown(ctx, r); err != nil {
		return err
	}
	if len(rest) == len(eps) {
		return nil
	}
	if r.Name != "" {
		if _, err := s.o.Journal.Append(event(engine.ActionDisconnect, r, id)); err != nil {
			return err
		}
	}
	return s.setEndpoints(id, rest)
}
