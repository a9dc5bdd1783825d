package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
	"gantry/engine/network"
	"gantry/engine/network/hostport"
	"gantry/engine/record"
	"gantry/engine/shim"
	"gantry/internal/inetaddr"
	"gantry/internal/portspec"
)

// checkPorts looks at the ports of a new container, and tells which of them come
// to nothing.
func checkPorts(h *engine.HostConfig) (warnings []string, err error) {
	if len(h.PortBindings) == 0 && !h.PublishAllPorts {
		return nil, nil
	}
	switch {
	case h.NetworkMode == engine.NetworkHost:
		warnings = append(warnings, "Published ports are discarded when using host network mode")
	case h.NetworkMode == engine.NetworkNone:
		warnings = append(warnings, "Published ports are discarded: the network none has no way in")
	}
	type place struct{ host, port, proto string }
	seen := map[place]string{}
	for _, key := range slices.Sorted(maps.Keys(h.PortBindings)) {
		r, proto, err := portspec.Parse(key)
		if err != nil || r.Count() != 1 {
			return nil, fmt.Errorf("%w port %q: want for instance 80/tcp", engine.ErrInvalid, key)
		}
		for _, b := range h.PortBindings[key] {
			if _, err := hostsOf(b); err != nil {
				return nil, err
			}
			at := place{b.HostIP, b.HostPort, proto}
			if b.HostPort == "" {
				continue
			}
			if _, err := portspec.ParseRange(b.HostPort); err != nil {
				return nil, fmt.Errorf("%w: %w", engine.ErrInvalid, err)
			}
			if other, taken := seen[at]; taken && !strings.Contains(b.HostPort, "-") {
				return nil, fmt.Errorf("%w: port %s/%s of the host is given to %s and to %s", engine.ErrInvalid, b.HostPort, proto, other, key)
			}
			seen[at] = key
		}
	}
	return warnings, nil
}

var (
	every4 = inetaddr.FromSlice(netip.IPv4Unspecified().AsSlice())
	every6 = inetaddr.FromSlice(netip.IPv6Unspecified().AsSlice())
)

// hostsOf are the addresses of the host that a binding is for.
func hostsOf(b engine.PortBinding) ([]inetaddr.Addr, error) {
	if b.HostIP == "" {
		return []inetaddr.Addr{every4, every6}, nil
	}
	a, err := netip.ParseAddr(b.HostIP)
	if err != nil || a.Zone() != "" {
		return nil, fmt.Errorf("%w host address %q", engine.ErrInvalid, b.HostIP)
	}
	return []inetaddr.Addr{inetaddr.FromSlice(a.Unmap().AsSlice())}, nil
}

// wantedPorts are what a start of the container is to publish on one of its
// networks: the one that leads outside.
func wantedPorts(rec *containerRecord, eps []network.Endpoint) ([]hostport.Want, error) {
	addrs := publicAddrs(eps)
	if len(addrs) == 0 {
		return nil, nil
	}
	bindings := maps.Clone(rec.Host.PortBindings)
	if rec.Host.PublishAllPorts {
		if bindings == nil {
			bindings = engine.PortMap{}
		}
		for port := range rec.Config.ExposedPorts {
			if len(bindings[port]) == 0 {
				bindings[port] = []engine.PortBinding{{}}
			}
		}
	}
	var wants, any []hostport.Want
	for _, key := range slices.Sorted(maps.Keys(bindings)) {
		for _, b := range bindings[key] {
			w, err := wantedPort(key, b)
			if err != nil {
				return nil, err
			}
			w.Addrs = addrs
			if w.First == 0 {
				any = append(any, w)
			} else {
				wants = append(wants, w)
			}
		}
	}
	return append(wants, any...), nil // any port is one that no other binding names
}

func wantedPort(key string, b engine.PortBinding) (hostport.Want, error) {
	r, proto, err := portspec.Parse(key)
	if err != nil {
		return hostport.Want{}, fmt.Errorf("%w: %w", engine.ErrInvalid, err)
	}
	w := hostport.Want{Proto: proto, Port: r.First, Optional: b.HostIP == ""}
	if w.Hosts, err = hostsOf(b); err != nil || b.HostPort == "" {
		return w, err
	}
	outside, err := portspec.ParseRange(b.HostPort)
	w.First, w.Last = outside.First, outside.Last
	return w, err
}

// publicAddrs are the addresses that ports lead to: of the network that has the
// way out, else of the first one that is not internal.
func publicAddrs(eps []network.Endpoint) []inetaddr.Addr {
	public := slices.IndexFunc(eps, func(ep network.Endpoint) bool { return ep.Routed && !ep.Internal })
	if public < 0 {
		public = slices.IndexFunc(eps, func(ep network.Endpoint) bool { return !ep.Internal })
	}
	if public < 0 {
		return nil
	}
	var addrs []inetaddr.Addr
	for _, p := range eps[public].Addrs {
		a := inetaddr.FromSlice(p.Addr().Unmap().AsSlice())
		if !slices.ContainsFunc(addrs, func(o inetaddr.Addr) bool { return o.Is4() == a.Is4() }) && !p.Addr().IsLinkLocalUnicast() {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// publish has the container's monitor hold the ports that are to be published,
// and the host's rules lead to them. The monitor waits for the start still.
func (e *Engine) publish(ctx context.Context, client *shim.Client, rec *containerRecord, eps []network.Endpoint) error {
	wants, err := wantedPorts(rec, eps)
	if err != nil || len(wants) == 0 {
		return err
	}
	last, err := readOptional[shim.StartRecord](e.file(rec.ID, "start.json"))
	if err != nil {
		return err
	}
	if last != nil {
		keepPorts(wants, last.Ports)
	}
	ports, err := client.Publish(ctx, wants)
	var taken *hostport.TakenError
	if errors.As(err, &taken) {
		return e.nameHolder(taken.Port)
	}
	if err != nil {
		return err
	}
	return network.Publish(rec.ID, ports)
}

// keepPorts asks for the ports that were chosen at the last start once more.
func keepPorts(wants []hostport.Want, last []hostport.Port) {
	for i := range wants {
		w := &wants[i]
		at := slices.IndexFunc(last, func(p hostport.Port) bool {
			return p.Proto == w.Proto && p.Port == w.Port && slices.Contains(w.Hosts, p.HostIP) &&
				(w.First == 0 || w.First <= p.HostPort && p.HostPort <= w.Last)
		})
		if at < 0 {
			continue
		}
		w.Before = last[at].HostPort
		last = slices.DeleteFunc(slices.Clone(last), func(p hostport.Port) bool {
			return p.Proto == w.Proto && p.HostPort == w.Before && slices.Contains(w.Hosts, p.HostIP)
		})
	}
}

// nameHolder says who has a port.
func (e *Engine) nameHolder(p hostport.Port) error {
	port := portspec.Key(p.HostPort, p.Proto)
	if !p.HostIP.IsUnspecified() {
		port += " of " + hostText(p.HostIP)
	}
	who, ok := hostport.Holder(p)
	if !ok {
		return fmt.Errorf("%w: port %s is already in use, by whom cannot be told; publish another port", engine.ErrConflict, port)
	}
	if name, ok := e.containerOf(who); ok {
		return fmt.Errorf("%w: port %s is already published by container %s; stop it or publish another port", engine.ErrConflict, port, name)
	}
	return fmt.Errorf("%w: port %s is already in use by %s; stop it or publish another port", engine.ErrConflict, port, who)
}

// containerOf names the container whose monitor a process is, of this root or of
// another one.
func (e *Engine) containerOf(p hostport.Process) (string, bool) {
	if len(p.Args) == 0 || p.Args[0] != shim.Name {
		return "", false
	}
	if rows, err := e.snapshotAll(context.Background()); err == nil {
		for _, v := range rows {
			if v.start != nil && v.start.ShimPid == p.PID && v.state.Live() {
				return v.rec.Name + " (" + v.rec.ID.Short() + ")", true
			}
		}
	}
	if len(p.Args) < 2 || path.Base(p.Args[1]) != shim.ConfigFile {
		return "", false
	}
	var cfg shim.Config
	if err := record.Read(p.Args[1], &cfg); err != nil {
		return "", false
	}
	name := cfg.Attributes["name"] + " (" + cfg.ID.Short() + ")"
	if cfg.Root != e.root {
		name += " of " + cfg.Root
	}
	return name, true
}

// ports are those of a running container: published ones with their places, and
// those that are exposed only.
func (v *view) ports() engine.PortMap {
	m := engine.PortMap{}
	if !v.state.Live() || v.start == nil || len(v.rec.Networks) == 0 {
		return m
	}
	for port := range v.rec.Config.ExposedPorts {
		m[port] = nil
	}
	for _, p := range v.start.Ports {
		key := portspec.Key(p.Port, p.Proto)
		m[key] = append(m[key], engine.PortBinding{HostIP: hostText(p.HostIP), HostPort: strconv.Itoa(int(p.HostPort))})
	}
	return m
}

// hostText is an address as people write it.
func hostText(a inetaddr.Addr) string {
	ip, _ := netip.AddrFromSlice(a.Slice())
	return ip.String()
}
