package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/engine/network"
	"gantry/engine/network/netns"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// attachment is a network of a container on record. The name is kept beside the
// ID: a network that was made anew under its old name is found by it.
type attachment struct {
	ID engine.ID `json:"id"`
	engine.NetworkAttachment
}

// networkErr wraps a failure on a network.
func networkErr(op, ref string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, engine.ErrNotFound):
		hint = "gantry network ls lists the networks there are"
	case errors.Is(err, engine.ErrInUse):
		hint = "stop the containers, or disconnect them (gantry network disconnect)"
	case errors.Is(err, engine.ErrPermission):
		hint = "gantry network ls --filter type=custom lists those that can go"
	}
	return kindErr(op, "network", ref, err, hint)
}

// completeNetworks fills in what the options leave to the engine, and checks
// what can be checked before a start.
func (e *Engine) completeNetworks(ctx context.Context, rec *containerRecord, want []engine.NetworkAttachment) error {
	h := &rec.Host
	if h.NetworkMode == "" || h.NetworkMode == "default" {
		h.NetworkMode = firstOf(e.opts.DefaultNetwork, engine.NetworkNone)
		if len(want) > 0 {
			h.NetworkMode = want[0].Network
		}
	}
	if strings.HasPrefix(h.NetworkMode, engine.NetworkContainer) {
		if err := alone(h.NetworkMode, want); err != nil {
			return err
		}
		return e.completeShared(rec)
	}
	if h.NetworkMode == engine.NetworkHost || h.NetworkMode == engine.NetworkNone {
		return alone(h.NetworkMode, want)
	}
	if len(want) == 0 {
		want = []engine.NetworkAttachment{{Network: h.NetworkMode}}
	}
	for _, w := range want {
		a, err := e.attachment(ctx, w)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(rec.Networks, func(o attachment) bool { return o.ID == a.ID }) {
			return fmt.Errorf("%w: the network %s is named twice", engine.ErrInvalid, a.Network)
		}
		rec.Networks = append(rec.Networks, a)
	}
	return nil
}

// alone refuses networks beside one that shares its container with no other.
func alone(mode string, want []engine.NetworkAttachment) error {
	for _, w := range want {
		o := w.EndpointOptions
		switch {
		case w.Network != mode:
			return fmt.Errorf("%w networks: %s cannot be combined with %s", engine.ErrInvalid, mode, w.Network)
		case len(o.Aliases) > 0 || o.IPv4 != "" || o.IPv6 != "" || len(o.LinkLocal) > 0 || o.MAC != "":
			return fmt.Errorf("%w: aliases and addresses need a bridge, not the network %s", engine.ErrInvalid, mode)
		}
	}
	return nil
}

// attachment checks one network of a container.
func (e *Engine) attachment(ctx context.Context, w engine.NetworkAttachment) (attachment, error) {
	if w.Network == engine.NetworkHost || w.Network == engine.NetworkNone {
		return attachment{}, fmt.Errorf("%w networks: %s cannot be combined with others", engine.ErrInvalid, w.Network)
	}
	id, err := e.nets.Find(w.Network)
	if err != nil {
		return attachment{}, networkErr("use", w.Network, err)
	}
	name, err := e.nets.Check(ctx, id, w.EndpointOptions)
	if err != nil {
		return attachment{}, networkErr("use", w.Network, err)
	}
	if w.MAC != "" {
		mac, err := net.ParseMAC(w.MAC)
		if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
			return attachment{}, fmt.Errorf("%w mac address %q: want six pairs of digits, the first one even", engine.ErrInvalid, w.MAC)
		}
		w.MAC = mac.String()
	}
	w.Network = name
	return attachment{ID: id, NetworkAttachment: w}, nil
}

// find resolves an attachment as its container starts.
func (e *Engine) findAttached(a attachment) engine.NetworkAttachment {
	w := a.NetworkAttachment
	if _, err := e.nets.Find(string(a.ID)); err == nil {
		w.Network = string(a.ID)
	}
	return w
}

// launch has a monitor that waits start its container, in a network namespace
// that is made for it where it has networks. The caller has the container's
// lock.
func (e *Engine) launch(ctx context.Context, client *shim.Client, id engine.ID) error {
	rec, err := e.readRecord(id)
	if err != nil {
		return err
	}
	err = e.mountVolumes(ctx, rec)
	if err == nil {
		err = e.launchWith(ctx, client, rec)
	}
	if err != nil {
		err = errors.Join(err, e.unmountUnlessLive(context.WithoutCancel(ctx), rec))
	}
	return err
}

// launchWith finds what the start brings along that is not in the bundle.
func (e *Engine) launchWith(ctx context.Context, client *shim.Client, rec *containerRecord) error {
	var order shim.Launch
	borrowed, err := e.borrow(rec, &order)
	if err != nil {
		return err
	}
	defer borrowed.close()
	if other, ok := sharedWith(rec); ok {
		return e.launchShared(ctx, client, other, order)
	}
	if len(rec.Networks) == 0 {
		if len(borrowed) > 0 {
			return client.Launch(ctx, order)
		}
		return client.Start(ctx)
	}
	box, err := e.nets.Attach(ctx, e.request(rec))
	if err != nil {
		return err
	}
	defer box.Close()
	order.Netns = box.Path()
	err = e.introduce(rec, box.Endpoints, box.FD())
	if err == nil {
		err = e.publish(ctx, client, rec, box.Endpoints)
	}
	if err == nil {
		err = client.Launch(ctx, order)
	}
	if err != nil {
		err = errors.Join(err, shim.WriteDNS(e.run, rec.ID, nil), e.nets.Release(context.WithoutCancel(ctx), rec.ID))
	}
	return err
}

// request is what a container is on its networks.
func (r *containerRecord) request() network.Request {
	return network.Request{Container: r.ID, Name: r.Name, Hostname: r.Config.Hostname}
}

func (e *Engine) request(rec *containerRecord) network.Request {
	r := rec.request()
	for _, a := range rec.Networks {
		r.Networks = append(r.Networks, e.findAttached(a))
	}
	return r
}

// gone tells whether a container has surely ended and nobody is about to start
// it. Its folder is there from before it has anything of a network until it is
// removed: without it, whoever has the lock only takes away what is left.
func (e *Engine) gone(id engine.ID) bool {
	if _, err := os.Lstat(e.dir(id)); errors.Is(err, os.ErrNotExist) {
		return true
	}
	if held, err := e.locks.Held(record.LockContainer, string(id)); err != nil || held {
		return false
	}
	v, lost, err := e.look(id)
	if err != nil {
		return errors.Is(err, engine.ErrNotFound)
	}
	return lost || !v.state.Live()
}

// networkSettings are what inspect shows.
func (e *Engine) networkSettings(v *view) engine.NetworkSettings {
	s := engine.NetworkSettings{Ports: v.ports(), Networks: map[string]engine.EndpointSettings{}}
	if len(v.rec.Networks) == 0 {
		if mode := v.rec.Host.NetworkMode; engine.PredefinedNetwork(mode) {
			id, _ := e.nets.Find(mode)
			s.Networks[mode] = engine.EndpointSettings{NetworkID: id}
		}
		return s
	}
	var eps []network.Endpoint
	if v.state.Live() {
		eps, _ = e.nets.Endpoints(v.rec.ID)
		s.SandboxID, s.SandboxKey = v.rec.ID, fmt.Sprintf("/proc/%d/ns/net", v.start.Pid)
	}
	for _, a := range v.rec.Networks {
		one := endpointSettings(v.rec, a)
		for _, ep := range eps {
			if ep.NetworkName == a.Network {
				fillEndpoint(&one, ep)
			}
		}
		s.Networks[a.Network] = one
		if a.Network == engine.NetworkBridge {
			s.EndpointID, s.Gateway, s.IPAddress, s.IPPrefixLen, s.MacAddress = one.EndpointID, one.Gateway, one.IPAddress, one.IPPrefixLen, one.MacAddress
			s.IPv6Gateway, s.GlobalIPv6Address, s.GlobalIPv6PrefixLen = one.IPv6Gateway, one.GlobalIPv6Address, one.GlobalIPv6PrefixLen
		}
	}
	return s
}

// endpointSettings are what a container asks for of one network.
func endpointSettings(rec *containerRecord, a attachment) engine.EndpointSettings {
	o := a.EndpointOptions
	one := engine.EndpointSettings{Aliases: o.Aliases, MacAddress: o.MAC, DriverOpts: o.DriverOpts, GwPriority: o.GwPriority, NetworkID: a.ID}
	if o.IPv4 != "" || o.IPv6 != "" || len(o.LinkLocal) > 0 {
		one.IPAMConfig = &engine.EndpointIPAM{IPv4Address: o.IPv4, IPv6Address: o.IPv6, LinkLocalIPs: o.LinkLocal}
	}
	if a.Network != engine.NetworkBridge {
		one.DNSNames = rec.request().Names(o.Aliases)
	}
	return one
}

// fillEndpoint adds what a running container has.
func fillEndpoint(s *engine.EndpointSettings, ep network.Endpoint) {
	s.EndpointID, s.MacAddress, s.NetworkID = ep.ID, ep.MAC, ep.Network
	for _, a := range ep.Addrs {
		switch {
		case a.Addr().Is4() && s.IPAddress == "":
			s.IPAddress, s.IPPrefixLen = a.Addr().String(), a.Bits()
		case a.Addr().Is6() && s.GlobalIPv6Address == "":
			s.GlobalIPv6Address, s.GlobalIPv6PrefixLen = a.Addr().String(), a.Bits()
		}
	}
	for _, g := range ep.Gateways {
		if g.Is4() {
			s.Gateway = g.String()
		} else {
			s.IPv6Gateway = g.String()
		}
	}
}

// networkNames are the networks of a container's row, and its addresses.
func (e *Engine) networkNames(v *view) (names []string, addrs map[string][]string) {
	r := v.rec
	if len(r.Networks) == 0 {
		if r.Host.NetworkMode != "" {
			names = []string{r.Host.NetworkMode}
		}
		return names, nil
	}
	for _, a := range r.Networks {
		names = append(names, a.Network)
	}
	slices.Sort(names)
	if !v.state.Live() {
		return names, nil
	}
	eps, _ := e.nets.Endpoints(r.ID)
	addrs = make(map[string][]string, len(eps))
	for _, ep := range eps {
		for _, a := range ep.Addrs {
			addrs[ep.NetworkName] = append(addrs[ep.NetworkName], a.Addr().String())
		}
	}
	return names, addrs
}

// Connect implements engine.Networks.
func (ns *networks) Connect(ctx context.Context, ref, container string, opts engine.EndpointOptions) error {
	e := (*Engine)(ns)
	return networkErr("connect to", ref, e.change(ctx, container, func(v *view) error { return e.connect(ctx, v, ref, opts) }))
}

// change calls do under a container's lock.
func (e *Engine) change(ctx context.Context, container string, do func(*view) error) error {
	id, err := e.find(container)
	if err != nil {
		return opErr("find", container, err)
	}
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	v, _, err := e.look(id)
	if err != nil {
		return opErr("find", container, err)
	}
	return do(v)
}

func (e *Engine) connect(ctx context.Context, v *view, ref string, opts engine.EndpointOptions) error {
	mode := v.rec.Host.NetworkMode
	if mode == engine.NetworkHost || mode == engine.NetworkNone || strings.HasPrefix(mode, engine.NetworkContainer) {
		return fmt.Errorf("%w networks: the container %s has the network %s, which cannot be combined with others", engine.ErrInvalid, v.rec.Name, mode)
	}
	a, err := e.attachment(ctx, engine.NetworkAttachment{Network: ref, EndpointOptions: opts})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(v.rec.Networks, func(o attachment) bool { return o.ID == a.ID }) {
		return fmt.Errorf("%w: the container %s is connected to it already", engine.ErrConflict, v.rec.Name)
	}
	if v.state.Live() {
		space, err := openSpace(v)
		if err != nil {
			return err
		}
		defer space.Close()
		r := v.rec.request()
		r.Networks = []engine.NetworkAttachment{e.findAttached(a)}
		before, err := e.nets.Endpoints(v.rec.ID)
		if err != nil {
			return err
		}
		ep, err := e.nets.Connect(ctx, space, r)
		if err != nil {
			return err
		}
		if err := e.refind(ctx, v.rec, space, before, append(slices.Clip(before), ep)); err != nil {
			return errors.Join(err, e.nets.Disconnect(context.WithoutCancel(ctx), space, v.rec.ID, ep.Network))
		}
	}
	v.rec.Networks = append(v.rec.Networks, a)
	return record.Write(e.file(v.rec.ID, "record.json"), v.rec, v.rec.durability())
}

// openSpace opens the network namespace of a running container. Whether it
// still runs is looked at afterwards: its number may have become another's.
func openSpace(v *view) (*os.File, error) {
	space, err := netns.Open(fmt.Sprintf("/proc/%d/ns/net", v.start.Pid))
	if err == nil && alive(v.start) {
		return space, nil
	}
	if err == nil {
		err = space.Close()
	}
	return nil, errors.Join(notRunning(engine.Exited), err)
}

// Disconnect implements engine.Networks.
func (ns *networks) Disconnect(ctx context.Context, ref, container string, force bool) error {
	e := (*Engine)(ns)
	err := e.change(ctx, container, func(v *view) error { return e.disconnect(ctx, v, ref) })
	if force && errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return networkErr("disconnect from", ref, err)
}

func (e *Engine) disconnect(ctx context.Context, v *view, ref string) error {
	id, err := e.nets.Find(ref)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	// One that has gone is still on the container's record by its name.
	at := slices.IndexFunc(v.rec.Networks, func(a attachment) bool { return err == nil && a.ID == id || a.Network == ref })
	if at < 0 {
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: the container %s is not connected to it", engine.ErrNotFound, v.rec.Name)
	}
	if v.state.Live() {
		space, err := openSpace(v)
		if err != nil {
			return err
		}
		defer space.Close()
		net := v.rec.Networks[at].ID
		before, err := e.nets.Endpoints(v.rec.ID)
		if err != nil {
			return err
		}
		if err := e.nets.Disconnect(ctx, space, v.rec.ID, net); err != nil {
			return err
		}
		after := slices.DeleteFunc(slices.Clone(before), func(ep network.Endpoint) bool { return ep.Network == net })
		if err := e.refind(ctx, v.rec, space, before, after); err != nil {
			return err
		}
	}
	v.rec.Networks = slices.Delete(v.rec.Networks, at, at+1)
	return record.Write(e.file(v.rec.ID, "record.json"), v.rec, v.rec.durability())
}
