package nat

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Port is a port of the host that leads to a container.
type Port struct {
	Proto    string     // tcp, udp or sctp
	HostIP   netip.Addr // unspecified: every address of that family
	HostPort uint16
	Addr     netip.Addr // of the container
	Port     uint16
	Comment  string // for whoever lists the table: the container
}

// protocols are the numbers of the protocols that have ports.
var protocols = map[string]byte{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP, "sctp": unix.IPPROTO_SCTP}

// Publish makes ports lead to a container that has just claimed its addresses.
// Whatever led to these addresses before goes in the same batch, and so do
// elements of the same ports: who publishes a port holds it (package hostport),
// so such an element is one that a killed process left. With no ports it cleans
// the addresses: call it for every container that claims some.
//
// Ports that the table cannot lead are left out, see hostport: those of a
// loopback address, and those whose container has no address of the family.
func (t *Table) Publish(claimed []netip.Addr, ports []Port) error {
	want, err := t.wanted(ports)
	if err != nil {
		return err
	}
	err = t.change(func() error {
		for _, f := range []*family{&t.sets.v4, &t.sets.v6} {
			for _, m := range []*nftables.Set{f.at, f.any} {
				if err := t.republish(m, claimed, want[m]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish ports in table inet %s: %w", TableName, err)
	}
	return t.dropFlows(claimed, ports)
}

// Unpublish removes whatever leads to these addresses. The connections that go
// on are cut: their address may soon be another container's.
func (t *Table) Unpublish(addrs []netip.Addr) error { return t.Publish(addrs, nil) }

// wanted are the elements of ports by map.
func (t *Table) wanted(ports []Port) (map[*nftables.Set][]nftables.SetElement, error) {
	want := map[*nftables.Set][]nftables.SetElement{}
	for _, p := range ports {
		proto, ok := protocols[p.Proto]
		if !ok {
			return nil, fmt.Errorf("publish port %d: unknown protocol %q", p.HostPort, p.Proto)
		}
		host, addr := p.HostIP.Unmap(), p.Addr.Unmap()
		if host.IsLoopback() || host.BitLen() != addr.BitLen() {
			continue
		}
		f := t.sets.of(addr)
		m, key := f.any, append(field(proto), portField(p.HostPort)...)
		if !host.IsUnspecified() {
			m, key = f.at, slices.Concat(field(proto), host.AsSlice(), portField(p.HostPort))
		}
		want[m] = append(want[m], nftables.SetElement{Key: key, Val: target(addr, p.Port), Comment: p.Comment})
	}
	return want, nil
}

// republish puts the change of one map into the batch.
func (t *Table) republish(m *nftables.Set, claimed []netip.Addr, want []nftables.SetElement) error {
	taken := map[string]bool{}
	for _, e := range want {
		taken[string(e.Key)] = true
	}
	stale := func(e nftables.SetElement) bool {
		return taken[string(e.Key)] || slices.Contains(claimed, targetAddr(e.Val))
	}
	have, err := t.elements(m)
	if err != nil {
		return err
	}
	var gone []nftables.SetElement
	for _, e := range have {
		if stale(e) {
			gone = append(gone, nftables.SetElement{Key: e.Key, Val: e.Val})
		}
	}
	return errors.Join(t.drop(m, gone), t.add(m, want))
}

// Published are the ports in the table that lead to these addresses; all when
// there are none.
func (t *Table) Published(addrs ...netip.Addr) ([]Port, error) {
	var ports []Port
	for _, f := range []*family{&t.sets.v4, &t.sets.v6} {
		for _, m := range []*nftables.Set{f.at, f.any} {
			all, err := t.elements(m)
			if err != nil {
				return nil, err
			}
			for _, e := range all {
				if p := f.port(e); len(addrs) == 0 || slices.Contains(addrs, p.Addr) {
					ports = append(ports, p)
				}
			}
		}
	}
	slices.SortFunc(ports, func(a, b Port) int {
		return bytes.Compare(portField(a.HostPort), portField(b.HostPort))
	})
	return ports, nil
}

// port reads an element of a map.
func (f *family) port(e nftables.SetElement) Port {
	p := Port{Addr: targetAddr(e.Val), Comment: e.Comment, HostIP: netip.IPv4Unspecified()}
	if f.bytes == 16 {
		p.HostIP = netip.IPv6Unspecified()
	}
	for name, n := range protocols {
		if n == e.Key[0] {
			p.Proto = name
		}
	}
	rest := e.Key[4:]
	if len(rest) > 4 {
		p.HostIP, _ = netip.AddrFromSlice(rest[:f.bytes])
		rest = rest[f.bytes:]
	}
	p.HostPort = uint16(rest[0])<<8 | uint16(rest[1])
	v := e.Val[len(e.Val)-4:]
	p.Port = uint16(v[0])<<8 | uint16(v[1])
	return p
}
