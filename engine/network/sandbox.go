package network

import (
	"fmt"
	"net/netip"
	"os"
	"slices"

	"gantry/engine"
	"gantry/internal/inetaddr"
)

// Request is what a start of a container asks for.
type Request struct {
	Container engine.ID
	Name      string                     // of the container
	Hostname  string                     // its own
	Networks  []engine.NetworkAttachment // bridges, the first one becomes eth0
}

// Names are what a container is found by on a network, in docker's order.
func (r Request) Names(aliases []string) []string {
	var names []string
	for _, n := range slices.Concat([]string{r.Name}, aliases, []string{r.Container.Short(), r.Hostname}) {
		if n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Endpoint is a container's place on a bridge, as one start was given it.
type Endpoint struct {
	ID          engine.ID `json:"id"`
	Network     engine.ID `json:"network"`
	NetworkName string    `json:"networkName"`
	// Default says that it is the default bridge, on which there are no names.
	Default  bool           `json:"default,omitempty"`
	Internal bool           `json:"internal,omitempty"`
	Bridge   string         `json:"bridge"`   // the host's interface
	HostLink string         `json:"hostLink"` // the host's end of the veth pair
	Link     string         `json:"link"`     // the container's, "eth0"
	MAC      string         `json:"mac"`
	Addrs    []netip.Prefix `json:"addrs"` // IPv4 first
	Gateways []netip.Addr   `json:"gateways,omitempty"`
	// Routed says that the container's default route leads through here: that of
	// IPv4 where it has one.
	Routed  bool                   `json:"routed,omitempty"`
	Options engine.EndpointOptions `json:"options"`
}

// Found are the addresses that the container is found by on the network: the
// first ones of IPv4 and of IPv6. Further ones are of its link.
func (ep Endpoint) Found() (list []inetaddr.Addr) {
	var have [2]bool
	for _, p := range ep.Addrs {
		i := 0
		if p.Addr().Is6() {
			i = 1
		}
		if !have[i] && !p.Addr().IsLinkLocalUnicast() {
			have[i] = true
			list = append(list, inetaddr.FromSlice(p.Addr().AsSlice()))
		}
	}
	return list
}

// Sandbox is a network namespace that is furnished and waits for its container.
type Sandbox struct {
	ns        *os.File
	Endpoints []Endpoint
}

// Path leads to the namespace as long as this process has not closed it.
func (s *Sandbox) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.ns.Fd()) }

// FD is the namespace's descriptor, for rules inside of it.
func (s *Sandbox) FD() int { return int(s.ns.Fd()) }

// Close lets go of the namespace: it lives on with the container's processes, or
// ends when there are none.
func (s *Sandbox) Close() error { return s.ns.Close() }
