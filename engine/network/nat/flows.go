package nat

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// dropFlows forgets the connections that the kernel tracks to these addresses,
// and those to a port that had no container behind it until now: each packet of
// a known connection goes where its first one went, whatever the maps say. A
// sender of UDP that never rests would otherwise reach the former holder of the
// address, or the next one in its place, for ever.
func dropFlows(claimed []netip.Addr, ports []Port) error {
	var errs []error
	for _, fam := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		stale := staleFlow{claimed: claimed, ports: ports, bits: 32}
		if fam == unix.AF_INET6 {
			stale.bits = 128
		}
		if !stale.any() {
			continue
		}
		// A flow that ended by itself meanwhile was to go anyway.
		_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, fam, stale)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("drop tracked connections: %w", err))
		}
	}
	return errors.Join(errs...)
}

// staleFlow chooses tracked connections of one family.
type staleFlow struct {
	claimed []netip.Addr
	ports   []Port
	bits    int
}

// any tells whether there can be flows of the family to drop.
func (s staleFlow) any() bool {
	return slices.ContainsFunc(s.claimed, func(a netip.Addr) bool { return a.BitLen() == s.bits }) ||
		slices.ContainsFunc(s.ports, func(p Port) bool { return p.Addr.BitLen() == s.bits })
}

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (s staleFlow) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	if slices.Contains(s.claimed, addrOf(f.Reverse.SrcIP)) {
		return true
	}
	for _, p := range s.ports {
		if f.Forward.Protocol == protocols[p.Proto] && p.Proto == "udp" && f.Forward.DstPort == p.HostPort &&
			(p.HostIP.IsUnspecified() || p.HostIP == addrOf(f.Forward.DstIP)) {
			return true
		}
	}
	return false
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
