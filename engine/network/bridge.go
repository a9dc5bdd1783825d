package network

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// alias marks bridges with a name of the user's choice that we made: one that
// was there before is used, but never removed.
func alias(id engine.ID) string { return "gantry network " + id.Short() }

// ours tells whether we made the bridge. A name with the network's ID in it is
// nobody else's.
func ours(link netlink.Link, r *Record) bool {
	return r.Bridge() == r.ownBridge() || link.Attrs().Alias == alias(r.ID)
}

// bridgeUp makes the network's bridge when it is not there, and has the host's
// rules know it. The caller has the network's lock.
func (s *Store) bridgeUp(ctx context.Context, r *Record) (index int, err error) {
	link, err := findLink(r.Bridge())
	if err != nil {
		return 0, err
	}
	if link == nil {
		if link, err = s.makeBridge(ctx, r); err != nil {
			return 0, err
		}
	} else if err := adopt(link, r); err != nil {
		return 0, err
	}
	if err := addRules(r); err != nil {
		return 0, errors.Join(err, s.bridgeDown(ctx, r))
	}
	return link.Attrs().Index, nil
}

// findLink is nil when there is no interface of that name.
func findLink(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	var none netlink.LinkNotFoundError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for interface %s: %w", name, err)
	}
	return link, nil
}

// adopt uses a bridge that is there: ours, or one that somebody made for us and
// that the network names.
func adopt(link netlink.Link, r *Record) error {
	if link.Type() != "bridge" {
		return fmt.Errorf("%w: the host has an interface %s that is no bridge", engine.ErrConflict, r.Bridge())
	}
	if link.Attrs().Flags&net.FlagUp != 0 && ours(link, r) {
		return nil
	}
	return furnishBridge(link, r) // somebody else's, or one whose maker was killed
}

func (s *Store) makeBridge(ctx context.Context, r *Record) (netlink.Link, error) {
	host, err := s.lockHost(ctx)
	if err != nil {
		return nil, err
	}
	defer host.Unlock()
	if err := s.stayClear(r); err != nil {
		return nil, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = r.Bridge(), r.MTU(), bridgeMAC(r.ID)
	link := &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(link); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			return nil, fmt.Errorf("%w: this kernel makes no bridges; load the module bridge (modprobe bridge)", engine.ErrUnsupported)
		}
		return nil, fmt.Errorf("make bridge %s: %w", r.Bridge(), err)
	}
	if !ours(link, r) { // the kernel takes no alias with the making
		err = netlink.LinkSetAlias(link, alias(r.ID))
	}
	if err == nil {
		err = furnishBridge(link, r)
	}
	if err != nil {
		return nil, errors.Join(err, netlink.LinkDel(link))
	}
	return link, nil
}

// bridgeMAC stays the same as long as the network: without one of its own a
// bridge takes that of its lowest port, and changes it with them.
func bridgeMAC(id engine.ID) net.HardwareAddr {
	sum := sha256.Sum256([]byte(id))
	return net.HardwareAddr{0x02, 0x42, sum[0], sum[1], sum[2], sum[3]}
}

// stayClear looks once more whether the subnets are free: what is on the host
// may have changed since the network was made, and other engines' bridges come
// and go. What nobody asked for is chosen anew.
func (s *Store) stayClear(r *Record) error {
	taken, err := s.taken(r.ID)
	if err != nil {
		return err
	}
	again := false
	var keep []Subnet
	for _, sub := range r.Subnets {
		if _, clash := overlap(sub.Prefix, taken.all()); sub.Chosen && clash {
			again = true
			continue
		}
		keep = append(keep, sub)
	}
	subnets, err := allot(r, keep, s.o.Pools, taken)
	if err != nil || !again {
		return err
	}
	r.Subnets = subnets
	return s.write(r, "")
}

func furnishBridge(link netlink.Link, r *Record) error {
	name := link.Attrs().Name
	// Containers may send what they like: a router among them is not the host's.
	if err := setIPv6(name, "accept_ra", "0"); err != nil {
		return err
	}
	off := "1"
	if r.IPv6 {
		off = "0"
	}
	if err := setIPv6(name, "disable_ipv6", off); err != nil {
		return err
	}
	for _, sub := range r.Subnets {
		if err := addAddr(nil, link, netip.PrefixFrom(sub.Gateway, sub.Prefix.Bits())); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring up bridge %s: %w", name, err)
	}
	return nil
}

// setIPv6 sets a kernel setting of an interface in this thread's namespace. A
// kernel without IPv6 needs none.
func setIPv6(link, key, value string) error {
	err := os.WriteFile(filepath.Join("/proc/sys/net/ipv6/conf", link, key), []byte(value), 0o644)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// addAddr gives an interface an address; nil is this thread's namespace. An
// IPv6 address is not asked around for (NODAD): it is usable at once.
func addAddr(h *netlink.Handle, link netlink.Link, p netip.Prefix) error {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	} else if p.Bits() < 31 {
		a.Broadcast = last(p.Masked()).AsSlice()
	}
	add := netlink.AddrAdd
	if h != nil {
		add = h.AddrAdd
	}
	if err := add(link, a); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("give %s the address %s: %w", link.Attrs().Name, p, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// bridgeDown removes the bridge of a network that nobody has an address of, and
// what the host's rules know of it. The caller has the network's lock.
func (s *Store) bridgeDown(_ context.Context, r *Record) error {
	if len(s.claims(r.ID)) > 0 {
		return nil
	}
	link, err := findLink(r.Bridge())
	if err != nil || link == nil {
		return err
	}
	if err := dropRules(r); err != nil {
		return err
	}
	if !ours(link, r) {
		return nil
	}
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove bridge %s: %w", r.Bridge(), err)
	}
	return nil
}
