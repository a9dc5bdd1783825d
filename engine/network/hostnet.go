package network

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// occupied is what a new subnet must stay clear of.
type occupied struct {
	networks map[netip.Prefix]string // of this engine, by name
	links    map[netip.Prefix]string // addresses of the host, by interface
	routes   []netip.Prefix          // that lead somewhere else
}

// all is everything: a chosen subnet avoids it.
func (o occupied) all() []netip.Prefix {
	out := append([]netip.Prefix{}, o.routes...)
	for p := range o.networks {
		out = append(out, p)
	}
	for p := range o.links {
		out = append(out, p)
	}
	return out
}

// check refuses a subnet that was asked for when addresses of it are in use on
// this host. One that lies behind a gateway may be had: who asks for it knows.
func (o occupied) check(p netip.Prefix) error {
	for have, name := range o.networks {
		if have.Overlaps(p) {
			return fmt.Errorf("%w: the subnet %s overlaps %s of the network %s", engine.ErrConflict, p, have, name)
		}
	}
	for have, link := range o.links {
		if have.Overlaps(p) {
			return fmt.Errorf("%w: the subnet %s overlaps %s of the host's interface %s", engine.ErrConflict, p, have, link)
		}
	}
	return nil
}

// taken looks at the host, and at the networks but for one.
func (s *Store) taken(except engine.ID) (occupied, error) {
	o := occupied{networks: make(map[netip.Prefix]string), links: make(map[netip.Prefix]string)}
	own := map[string]bool{}
	records, err := s.records()
	if err != nil && len(records) == 0 {
		return o, err
	}
	for _, r := range records {
		own[r.Bridge()] = true
		for _, p := range r.Prefixes() {
			if r.ID != except {
				o.networks[p] = r.Name
			}
		}
	}
	if err := o.addLinks(own); err != nil {
		return o, err
	}
	return o, o.addRoutes()
}

// addLinks notes the addresses of the host's interfaces, but for our bridges'.
func (o occupied) addLinks(own map[string]bool) error {
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("list the host's addresses: %w", err)
	}
	names := map[int]string{}
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list the host's interfaces: %w", err)
	}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	for _, a := range addrs {
		p, ok := prefixOf(a.IPNet.IP, a.IPNet.Mask)
		if name := names[a.LinkIndex]; ok && !own[name] && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			o.links[p.Masked()] = name
		}
	}
	return nil
}

// widest is the shortest prefix of a route that counts: shorter ones, as VPNs
// set up two of, are default routes in other words.
const widest = 4

func (o *occupied) addRoutes() error {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return fmt.Errorf("list the host's routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst == nil || r.Type != unix.RTN_UNICAST {
			continue
		}
		p, ok := prefixOf(r.Dst.IP, r.Dst.Mask)
		if ok && p.Bits() >= widest && !p.Addr().IsLinkLocalUnicast() && !p.Addr().IsMulticast() {
			o.routes = append(o.routes, p)
		}
	}
	return nil
}

func prefixOf(ip []byte, mask []byte) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Prefix{}, false
	}
	bits := 0
	for _, b := range mask {
		for ; b&0x80 != 0; b <<= 1 {
			bits++
		}
	}
	a = a.Unmap()
	if a.Is4() && len(mask) == 16 {
		bits -= 96
	}
	return netip.PrefixFrom(a, bits), bits >= 0
}
