package tabs

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// link is one row of the Network tab.
type link struct {
	what, here, there, more string
	address                 string // that is copied
	url                     string // of a published port
	main                    bool
}

// key tells rows apart over time, when what they count goes on.
func (l link) key() string {
	if l.what == received || l.what == sent {
		return l.what
	}
	return l.what + " " + l.here + " " + l.there
}

const (
	received = "received"
	sent     = "sent"
)

// links are the rows in their order.
func (t *Network) links() []link {
	d := &t.last.detail
	out := networkLinks(d)
	out = append(out, portLinks(d.NetworkSettings.Ports)...)
	if !d.State.Status.Live() {
		return out
	}
	out = append(out, t.traffic()...)
	return append(out, connectionLinks(t.last.conns, t.last.no)...)
}

// networkLinks are the container's networks; a further line for each further
// address, and one for the names.
func networkLinks(d *engine.ContainerDetail) []link {
	mode := d.HostConfig.NetworkMode
	if mode == engine.NetworkHost || strings.HasPrefix(mode, engine.NetworkContainer) {
		return []link{{what: "network", here: safe(mode), there: "shared", main: true}}
	}
	var out []link
	for _, name := range slices.Sorted(maps.Keys(d.NetworkSettings.Networks)) {
		p := d.NetworkSettings.Networks[name]
		one := link{what: "network", here: safe(name), main: true, there: "loopback only"}
		if name != engine.NetworkNone {
			one.there = "no address while it does not run"
		}
		addrs := addresses(p)
		if len(addrs) > 0 {
			one.there, one.address = addrs[0], bare(addrs[0])
			one.more = "gateway " + cmp.Or(p.Gateway, p.IPv6Gateway, glyph.Dash)
		}
		out = append(out, one)
		for _, a := range addrs[min(1, len(addrs)):] {
			out = append(out, link{here: "", there: a, address: bare(a)})
		}
		if names := (endpoint{at: p}).names(); len(names) > 0 {
			out = append(out, link{what: "names", here: safe(strings.Join(names, " ")), address: safe(names[0])})
		}
		if p.MacAddress != "" {
			out = append(out, link{what: "mac", here: p.MacAddress, address: p.MacAddress})
		}
	}
	return out
}

func addresses(p engine.EndpointSettings) (out []string) {
	if p.IPAddress != "" {
		out = append(out, fmt.Sprintf("%s/%d", p.IPAddress, p.IPPrefixLen))
	}
	if p.GlobalIPv6Address != "" {
		out = append(out, fmt.Sprintf("%s/%d", p.GlobalIPv6Address, p.GlobalIPv6PrefixLen))
	}
	return out
}

// bare is an address without the length of its subnet.
func bare(cidr string) string {
	addr, _, _ := strings.Cut(cidr, "/")
	return addr
}

// portLinks are the ports, published ones first.
func portLinks(ports engine.PortMap) []link {
	var open, closed []link
	for _, port := range SortedPorts(ports) {
		if len(ports[port]) == 0 {
			closed = append(closed, link{what: "exposed", here: glyph.Dash, there: safe(port), more: "not published"})
		}
		for _, b := range ports[port] {
			here := net.JoinHostPort(cmp.Or(b.HostIP, "0.0.0.0"), b.HostPort)
			l := link{what: "port", here: here, there: safe(port), address: here, main: true}
			if l.url = PortURL(port, b); l.url != "" {
				l.more = l.url
			}
			open = append(open, l)
		}
	}
	return append(open, closed...)
}

// SortedPorts are the ports of a container by number.
func SortedPorts(ports engine.PortMap) []string {
	number := func(s string) (n int) {
		fmt.Sscanf(s, "%d", &n)
		return n
	}
	return slices.SortedFunc(maps.Keys(ports), func(a, b string) int { return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a, b)) })
}

// otherPorts are those inside a container by which something else than a browser
// gets in: ssh, mail, DNS, databases, queues and caches.
var otherPorts = []string{"22", "25", "53", "143", "465", "587", "993", "1433", "1521", "1883", "2379", "3306", "4222", "5432", "5672", "6379", "9042", "9092", "11211", "27017"}

// PortURL is how a browser on this machine reaches a published port, "" when it
// does not. A port that is known for TLS gets https.
func PortURL(port string, b engine.PortBinding) string {
	inside, proto, _ := strings.Cut(port, "/")
	if proto != "" && proto != "tcp" || b.HostPort == "" || slices.Contains(otherPorts, inside) {
		return ""
	}
	host := b.HostIP
	switch host {
	case "", "0.0.0.0", "::", "127.0.0.1", "::1":
		host = "localhost"
	}
	scheme, plain := "http", "80"
	if inside == "443" || inside == "8443" {
		scheme, plain = "https", "443"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if b.HostPort != plain {
		host += ":" + b.HostPort
	}
	return scheme + "://" + host
}

// traffic is what goes through all interfaces but lo.
func (t *Network) traffic() []link {
	n := t.last.sample.Network
	if t.last.sample.Time.IsZero() {
		return nil
	}
	row := func(what string, rate float64, bytes, packets uint64) link {
		return link{what: what, here: widgets.Bytes(rate) + "/s", there: widgets.Bytes(float64(bytes)) + " in all", more: fmt.Sprintf("%d packets", packets)}
	}
	return []link{row(received, t.rates.RxBytes, n.RxBytes, n.RxPackets), row(sent, t.rates.TxBytes, n.TxBytes, n.TxPackets)}
}

// connectionLinks are the sockets: first those that wait for somebody.
func connectionLinks(conns []engine.Connection, no error) []link {
	if no != nil {
		return []link{{what: "sockets", here: glyph.Dash, there: "not known", more: safe(no.Error())}}
	}
	var waiting, open []link
	for _, c := range conns {
		l := link{what: c.Proto, here: c.Local, more: c.State, address: c.Local}
		if c.Remote == "" {
			l.there, l.more = glyph.Dash, cmp.Or(c.State, "open")
			waiting = append(waiting, l)
			continue
		}
		l.there = c.Remote
		open = append(open, l)
	}
	by := func(a, b link) int {
		return cmp.Or(strings.Compare(a.what, b.what), strings.Compare(a.here, b.here), strings.Compare(a.there, b.there))
	}
	slices.SortFunc(waiting, by)
	slices.SortFunc(open, by)
	return append(waiting, open...)
}
