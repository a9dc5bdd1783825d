package network

import (
	"net/netip"

	"gantry/engine/network/nat"
)

// withTable works on the host's packet filter.
func withTable(do func(*nat.Table) error) error {
	t, err := nat.Open()
	if err != nil {
		return err
	}
	defer t.Close()
	return do(t)
}

// addRules has the host's rules know a bridge. It is done in every start, and
// mostly only looks: whoever reloads the rules of the host takes ours along.
func addRules(r *Record) error {
	return withTable(func(t *nat.Table) error {
		return t.AddBridge(nat.Bridge{Name: r.Bridge(), Subnets: r.Prefixes(), Internal: r.Internal, Masquerade: r.Masquerade()})
	})
}

func dropRules(r *Record) error {
	return withTable(func(t *nat.Table) error { return t.RemoveBridge(r.Bridge()) })
}

// clean removes whatever rule leads to addresses, and the connections that are
// tracked to them.
func clean(addrs []netip.Addr) error {
	if len(addrs) == 0 {
		return nil
	}
	return withTable(func(t *nat.Table) error { return t.Unpublish(addrs) })
}
