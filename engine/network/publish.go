package network

import (
	"net/netip"

	"gantry/engine"
	"gantry/engine/network/hostport"
	"gantry/engine/network/nat"
)

// Publish has the host's rules lead ports to a container that Attach has given
// addresses. The caller holds the ports (package hostport) and has the
// container's lock. Release takes the rules away again.
func Publish(id engine.ID, ports []hostport.Port) error {
	rules := make([]nat.Port, len(ports))
	for i, p := range ports {
		host, _ := netip.AddrFromSlice(p.HostIP.Slice())
		addr, _ := netip.AddrFromSlice(p.Addr.Slice())
		rules[i] = nat.Port{Proto: p.Proto, HostIP: host, HostPort: p.HostPort, Addr: addr, Port: p.Port, Comment: id.Short()}
	}
	return withTable(func(t *nat.Table) error { return t.Publish(nil, rules) })
}

// Obstacles are what on this host may drop the packets of containers and what
// gantry cannot pass by, each as a sentence.
func Obstacles() (found []string, err error) {
	err = withTable(func(t *nat.Table) error {
		found, err = t.Obstacles()
		return err
	})
	return found, err
}
