package local

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/engine/network"
	"gantry/engine/network/redirect"
	"gantry/engine/network/resolv"
	"gantry/engine/network/responder"
	"gantry/engine/network/zone"
	"gantry/engine/runspec"
	"gantry/engine/shim"
	"gantry/internal/inetaddr"
)

// This file is about how a container finds others: its files of names, and what
// its responder is told. That others find it is up to engine/network.

// hostGateway in --add-host stands for the host's address.
const hostGateway = "host-gateway"

// checkFinding checks what was asked for before anything is made.
func checkFinding(h *engine.HostConfig) error {
	if _, err := wishes(h); err != nil {
		return err
	}
	for _, s := range h.ExtraHosts {
		name, text, ok := strings.Cut(s, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n#") {
			return fmt.Errorf("%w extra host %q: want NAME:ADDRESS", engine.ErrInvalid, s)
		}
		if text == hostGateway {
			if h.NetworkMode == engine.NetworkNone {
				return fmt.Errorf("%w extra host %q: on the network none no address leads to the host", engine.ErrInvalid, s)
			}
			continue
		}
		if _, err := wantAddr(text); err != nil {
			return fmt.Errorf("extra host %q: %w", s, err)
		}
	}
	return nil
}

func wantAddr(text string) (inetaddr.Addr, error) {
	a, err := inetaddr.Parse(text)
	if err == nil && !a.IsValid() {
		err = errors.New("it is empty")
	}
	if err != nil {
		return a, fmt.Errorf("%w address: %w", engine.ErrInvalid, err)
	}
	return a, nil
}

// wishes is what --dns and its kin say.
func wishes(h *engine.HostConfig) (resolv.Conf, error) {
	c := resolv.Conf{Search: h.DNSSearch, Options: h.DNSOptions}
	for _, s := range append(slices.Clone(h.DNSSearch), h.DNSOptions...) {
		if s == "" || strings.ContainsAny(s, " \t\r\n") {
			return c, fmt.Errorf("%w DNS search domain or option %q: want one word", engine.ErrInvalid, s)
		}
	}
	for _, s := range h.DNS {
		a, err := wantAddr(s)
		if err != nil {
			return c, fmt.Errorf("DNS server %q: %w", s, err)
		}
		c.Servers = append(c.Servers, a)
	}
	return c, nil
}

// finding is how a container finds others on the networks that it has.
type finding struct {
	resolvConf string
	dns        *shim.DNS // nil: it has no responder
	extra, own []resolv.Host
}

// finding works out what a container with such endpoints is to have. On the
// default bridge alone nobody is found by name, as in docker, and the container
// asks the host's servers itself. Where these are on the host's loopback device
// only its monitor can, so it has a responder there, too.
func (e *Engine) finding(rec *containerRecord, eps []network.Endpoint) (*finding, error) {
	wish, err := wishes(&rec.Host)
	if err != nil {
		return nil, err
	}
	f := &finding{}
	if f.extra, err = extraHosts(&rec.Host, eps); err != nil {
		return nil, err
	}
	d := shim.DNS{Closed: len(eps) > 0}
	v6 := false
	for _, ep := range eps {
		f.own = append(f.own, resolv.Own(ep.Found(), rec.Config.Hostname, rec.Config.Domainname)...)
		v6 = v6 || slices.ContainsFunc(ep.Found(), inetaddr.Addr.Is6)
		d.Closed = d.Closed && ep.Internal
		if !ep.Default {
			d.Networks = append(d.Networks, zone.Network{Dir: e.nets.Dir(ep.Network), Name: ep.NetworkName})
		}
	}
	text := fileOr(resolv.HostFile, "")
	host := resolv.Parse(text)
	switch direct, ok := resolv.Direct(host, wish, v6); {
	case rec.Host.NetworkMode == engine.NetworkHost && wish.Empty():
		f.resolvConf = text
	case rec.Host.NetworkMode == engine.NetworkHost:
		f.resolvConf = resolv.Shared(host, wish).String()
	case len(eps) == 0: // no way to any server
		f.resolvConf = wish.String()
	case len(d.Networks) == 0 && ok:
		f.resolvConf = direct.String()
	default:
		f.resolvConf = resolv.Answered(host, wish, responder.Address).String()
		for _, a := range wish.Servers {
			d.Servers = append(d.Servers, inetaddr.AddrPort{Addr: a, Port: 53})
		}
		f.dns = &d
	}
	return f, nil
}

// extraHosts are the lines of --add-host.
func extraHosts(h *engine.HostConfig, eps []network.Endpoint) (list []resolv.Host, err error) {
	for _, s := range h.ExtraHosts {
		name, text, _ := strings.Cut(s, ":")
		if text != hostGateway {
			a, err := wantAddr(text)
			if err != nil {
				return nil, fmt.Errorf("extra host %q: %w", s, err)
			}
			list = append(list, resolv.Host{Addr: a, Name: name})
			continue
		}
		for _, a := range hostAddrs(h, eps) {
			list = append(list, resolv.Host{Addr: a, Name: name})
		}
	}
	return list, nil
}

// hostAddrs are the host's addresses as a container sees it: the gateways of its
// default routes.
func hostAddrs(h *engine.HostConfig, eps []network.Endpoint) (list []inetaddr.Addr) {
	if h.NetworkMode == engine.NetworkHost {
		return []inetaddr.Addr{inetaddr.FromSlice([]byte{127, 0, 0, 1})}
	}
	at := slices.IndexFunc(eps, func(ep network.Endpoint) bool { return ep.Routed && len(ep.Gateways) > 0 })
	if at < 0 {
		at = slices.IndexFunc(eps, func(ep network.Endpoint) bool { return len(ep.Gateways) > 0 })
	}
	if at < 0 {
		return nil
	}
	for _, g := range eps[at].Gateways {
		list = append(list, inetaddr.FromSlice(g.AsSlice()))
	}
	return list
}

// writeFiles makes the container's hostname, hosts and resolv.conf. With a
// network of its own it gets its addresses there at its start. One that shares
// the network of another container has that one's.
func (e *Engine) writeFiles(rec *containerRecord) (runspec.Files, error) {
	of := rec.ID
	if other, ok := sharedWith(rec); ok {
		of = other
	}
	f := runspec.Files{Hostname: e.file(of, "hostname"), Hosts: e.file(of, "hosts"), ResolvConf: e.file(of, "resolv.conf")}
	if of != rec.ID {
		return f, nil
	}
	if err := resolv.Rewrite(f.Hostname, rec.Config.Hostname+"\n"); err != nil {
		return f, err
	}
	find, err := e.finding(rec, nil)
	if err != nil {
		return f, err
	}
	return f, e.writeFinding(rec, find)
}

func (e *Engine) writeFinding(rec *containerRecord, f *finding) error {
	hosts := resolv.Hosts(f.extra, f.own)
	if rec.Host.NetworkMode == engine.NetworkHost {
		hosts = resolv.Change(fileOr("/etc/hosts", resolv.Hosts(nil, nil)), nil, f.extra)
	}
	return errors.Join(resolv.Rewrite(e.file(rec.ID, "hosts"), hosts), resolv.Rewrite(e.file(rec.ID, "resolv.conf"), f.resolvConf))
}

// introduce has a container that is about to start find others on the networks
// that it was attached to. netns is its namespace.
func (e *Engine) introduce(rec *containerRecord, eps []network.Endpoint, netns int) error {
	f, err := e.finding(rec, eps)
	if err != nil {
		return err
	}
	if err := e.writeFinding(rec, f); err != nil {
		return err
	}
	if f.dns != nil {
		if err := redirect.Install(netns); err != nil {
			return err
		}
	}
	return shim.WriteDNS(e.run, rec.ID, f.dns)
}

func fileOr(path, def string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return def
	}
	return string(b)
}
