package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/netns"
)

// hostLink is the name of the host's end of an endpoint's veth pair.
func hostLink(id engine.ID) string { return "gv" + string(id[:12]) }

// addVeth makes a veth pair in one request: the host's end is a port of the
// bridge and up, the other one is in the container's namespace from the first
// moment on and has its name and its address there. Made in the host's
// namespace and moved, it would be seen there by whoever watches interfaces, and
// cost a round of the kernel's for every step.
func addVeth(ep *Endpoint, ns *os.File, bridge, mtu int) error {
	mac, err := net.ParseMAC(ep.MAC)
	if err != nil {
		return fmt.Errorf("%w mac address %q", engine.ErrInvalid, ep.MAC)
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	head := nl.NewIfInfomsg(unix.AF_UNSPEC)
	head.Flags, head.Change = unix.IFF_UP, unix.IFF_UP
	req.AddData(head)
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(ep.HostLink)))
	req.AddData(nl.NewRtAttr(unix.IFLA_MASTER, nl.Uint32Attr(uint32(bridge))))
	if mtu > 0 {
		req.AddData(nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(mtu))))
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_KIND, nl.NonZeroTerminated("veth"))
	peer := info.AddRtAttr(nl.IFLA_INFO_DATA, nil).AddRtAttr(nl.VETH_INFO_PEER, nil)
	nl.NewIfInfomsgChild(peer, unix.AF_UNSPEC)
	peer.AddRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(ep.Link))
	peer.AddRtAttr(unix.IFLA_ADDRESS, mac)
	peer.AddRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(ns.Fd())))
	if mtu > 0 {
		peer.AddRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(mtu)))
	}
	req.AddData(info)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("%w: this kernel makes no veth pairs; load the module veth (modprobe veth)", engine.ErrUnsupported)
		}
		return fmt.Errorf("make interface %s of the container: %w", ep.Link, err)
	}
	return hairpin(ep)
}

// hairpin lets the bridge send a packet back by the port that it came in by:
// that of a container that reaches itself by a published port. Without
// br_netfilter the host routes such a packet; with it the bridge turns it around
// by itself, when it may.
func hairpin(ep *Endpoint) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(ep.HostLink)))
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(nl.IFLA_INFO_SLAVE_KIND, nl.NonZeroTerminated("bridge"))
	info.AddRtAttr(nl.IFLA_INFO_SLAVE_DATA, nil).AddRtAttr(nl.IFLA_BRPORT_MODE, []byte{1})
	req.AddData(info)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("let %s reach itself by the host: %w", ep.HostLink, err)
	}
	return nil
}

// isolate keeps the containers of a bridge from each other: what comes in by
// one isolated port does not leave by another.
func isolate(ep *Endpoint) error {
	link, err := netlink.LinkByName(ep.HostLink)
	if err == nil {
		err = netlink.LinkSetIsolated(link, true)
	}
	if err != nil {
		return fmt.Errorf("isolate %s: %w", ep.HostLink, err)
	}
	return nil
}

// delVeth removes a pair by its host's end, which may have gone with the
// container's namespace.
func delVeth(ep *Endpoint) error {
	link, err := findLink(ep.HostLink)
	if err != nil || link == nil {
		return err
	}
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove interface %s: %w", ep.HostLink, err)
	}
	return nil
}

// furnish gives the new interfaces of a namespace their addresses and brings
// them up, and sets the default routes of all.
func furnish(ns *os.File, fresh, all []Endpoint) error {
	return netns.Do(ns, func() error {
		h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("configure the container's interfaces: %w", err)
		}
		defer h.Close()
		for i := range fresh {
			if err := configure(h, &fresh[i]); err != nil {
				return err
			}
		}
		return setDefaults(h, all)
	})
}

func configure(h *netlink.Handle, ep *Endpoint) error {
	link, err := h.LinkByName(ep.Link)
	if err != nil {
		return fmt.Errorf("find interface %s of the container: %w", ep.Link, err)
	}
	off := "1"
	for _, a := range ep.Addrs {
		if a.Addr().Is6() {
			off = "0"
		}
	}
	if err := setIPv6(ep.Link, "disable_ipv6", off); err != nil {
		return err
	}
	if ep.Options.MAC != "" {
		// Neighbours may remember the address with another card.
		if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+ep.Link+"/arp_notify", []byte("1"), 0o644); err != nil {
			return err
		}
	}
	for _, a := range ep.Addrs {
		if err := addAddr(h, link, a); err != nil {
			return err
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring up %s of the container: %w", ep.Link, err)
	}
	return nil
}

// setDefaults makes the default routes lead through the endpoint that routed
// chose, for each family, and nowhere else.
func setDefaults(h *netlink.Handle, all []Endpoint) error {
	for _, v4 := range []bool{true, false} {
		ep, via := routed(all, v4)
		if ep == nil {
			if err := dropDefault(h, v4); err != nil {
				return err
			}
			continue
		}
		link, err := h.LinkByName(ep.Link)
		if err != nil {
			return fmt.Errorf("find interface %s of the container: %w", ep.Link, err)
		}
		if err := h.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: via.AsSlice(), Dst: everything(v4)}); err != nil {
			return fmt.Errorf("set the default route via %s: %w", via, err)
		}
	}
	return nil
}

func everything(v4 bool) *net.IPNet {
	if v4 {
		return ipNet(netip.MustParsePrefix("0.0.0.0/0"))
	}
	return ipNet(netip.MustParsePrefix("::/0"))
}

func dropDefault(h *netlink.Handle, v4 bool) error {
	err := h.RouteDel(&netlink.Route{Dst: everything(v4)})
	if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENETUNREACH) {
		return fmt.Errorf("remove the default route: %w", err)
	}
	return nil
}

// routed is the endpoint that a family's default route leads through: that of
// the highest priority, of equal ones the first by the network's name.
func routed(all []Endpoint, v4 bool) (best *Endpoint, via netip.Addr) {
	for i := range all {
		ep := &all[i]
		for _, g := range ep.Gateways {
			if g.Is4() != v4 {
				continue
			}
			p := ep.Options.GwPriority
			if best == nil || p > best.Options.GwPriority || p == best.Options.GwPriority && ep.NetworkName < best.NetworkName {
				best, via = ep, g
			}
		}
	}
	return best, via
}

// markRouted notes where the default route leads, and tells whether that is news.
func markRouted(all []Endpoint) (changed bool) {
	best, _ := routed(all, true)
	if best == nil {
		best, _ = routed(all, false)
	}
	for i := range all {
		is := &all[i] == best
		changed = changed || is != all[i].Routed
		all[i].Routed = is
	}
	return changed
}

// nextLink is the first name ethN that no endpoint has.
func nextLink(all []Endpoint) string {
	used := map[int]bool{}
	for _, ep := range all {
		if n, err := strconv.Atoi(strings.TrimPrefix(ep.Link, "eth")); err == nil {
			used[n] = true
		}
	}
	for n := 0; ; n++ {
		if !used[n] {
			return "eth" + strconv.Itoa(n)
		}
	}
}
