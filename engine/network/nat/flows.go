package nat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// dropFlows forgets the connections that the kernel tracks to these addresses,
// and those of UDP to a port that had no container behind it until now: each
// packet of a known connection goes where its first one went, whatever the maps
// say. A sender of UDP that never rests would otherwise reach the former holder
// of the address, or the next one in its place, for ever.
func (t *Table) dropFlows(claimed []netip.Addr, ports []Port) error {
	var errs []error
	for _, a := range claimed {
		errs = append(errs, flush(t.flows, flowFilter{addr: a, reply: true}, staleFlow{claimed: []netip.Addr{a}}))
	}
	for _, p := range ports {
		if p.Proto == "udp" && !p.HostIP.IsLoopback() && p.HostIP.BitLen() == p.Addr.BitLen() {
			errs = append(errs, flush(t.flows, flowFilter{addr: p.HostIP, port: p.HostPort}, staleFlow{ports: []Port{p}}))
		}
	}
	return errors.Join(errs...)
}

// openFlows connects to connection tracking. To have it done for each request
// would be to wait for the end of each connection, see Table.Close.
func openFlows() (*nl.SocketHandle, error) {
	s, err := nl.Subscribe(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open connection tracking: %w", err)
	}
	if err := errors.Join(s.SetSendTimeout(&nl.SocketTimeoutTv), s.SetReceiveTimeout(&nl.SocketTimeoutTv)); err != nil {
		s.Close()
		return nil, fmt.Errorf("open connection tracking: %w", err)
	}
	return &nl.SocketHandle{Socket: s}, nil
}

// flush has the kernel itself go through its connections. To have them listed
// takes 11 ms on a machine with the usual quarter of a million of hash buckets,
// this under one; but only kernels from 6.8 on can do it.
func flush(via *nl.SocketHandle, f flowFilter, slow staleFlow) error {
	err := f.send(via)
	if err == nil {
		return nil
	}
	family := netlink.InetFamily(unix.AF_INET)
	if f.addr.Is6() {
		family = unix.AF_INET6
	}
	// A flow that ended by itself meanwhile was to go anyway.
	_, err = netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, slow)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("drop tracked connections: %w", err)
	}
	return nil
}

// flowFilter chooses connections by where their answers come from (reply), or by
// the UDP port that they were made to.
type flowFilter struct {
	addr  netip.Addr
	reply bool
	port  uint16
}

// Of linux/netfilter/nfnetlink_conntrack.h, and the kernel's nf_internals.h for
// the flags of a filter.
const (
	ctDelete      = 2
	ctaTupleOrig  = 1
	ctaTupleReply = 2
	ctaFilter     = 25

	ctaTupleIP    = 1
	ctaTupleProto = 2
	ctaV4Src      = 1
	ctaV4Dst      = 2
	ctaV6Src      = 3
	ctaV6Dst      = 4
	ctaProtoNum   = 1
	ctaProtoDst   = 3

	filterOrig, filterReply = 1, 2

	bySource, byDest, byProto, byDestPort = 1 << 0, 1 << 1, 1 << 3, 1 << 5
)

func (f flowFilter) send(via *nl.SocketHandle) error {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_CTNETLINK<<8|ctDelete, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_NETFILTER: via}
	family := uint8(unix.AF_INET)
	source, dest := ctaV4Src, ctaV4Dst
	if f.addr.Is6() {
		family, source, dest = unix.AF_INET6, ctaV6Src, ctaV6Dst
	}
	req.AddData(&nl.Nfgenmsg{NfgenFamily: family, Version: nl.NFNETLINK_V0})
	kind, kindFlags, flags := ctaTupleOrig, filterOrig, uint32(byProto|byDestPort)
	if f.reply {
		kind, kindFlags, flags = ctaTupleReply, filterReply, bySource
	}
	tuple := nl.NewRtAttr(kind|unix.NLA_F_NESTED, nil)
	ip := tuple.AddRtAttr(ctaTupleIP|unix.NLA_F_NESTED, nil)
	proto := tuple.AddRtAttr(ctaTupleProto|unix.NLA_F_NESTED, nil)
	switch {
	case f.reply:
		ip.AddRtAttr(source, f.addr.AsSlice())
	case !f.addr.IsUnspecified():
		ip.AddRtAttr(dest, f.addr.AsSlice())
		flags |= byDest
	}
	proto.AddRtAttr(ctaProtoNum, []byte{unix.IPPROTO_UDP})
	proto.AddRtAttr(ctaProtoDst, binary.BigEndian.AppendUint16(nil, f.port))
	filter := nl.NewRtAttr(ctaFilter|unix.NLA_F_NESTED, nil)
	filter.AddRtAttr(kindFlags, nl.Uint32Attr(flags))
	req.AddData(tuple)
	req.AddData(filter)
	_, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	return err
}

// staleFlow chooses connections where the kernel cannot.
type staleFlow struct {
	claimed []netip.Addr
	ports   []Port
}

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (s staleFlow) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	if slices.Contains(s.claimed, addrOf(f.Reverse.SrcIP)) {
		return true
	}
	for _, p := range s.ports {
		if f.Forward.Protocol == unix.IPPROTO_UDP && f.Forward.DstPort == p.HostPort &&
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
