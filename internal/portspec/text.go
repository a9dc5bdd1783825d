package portspec

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
)

// entry is one line of a map.
type entry struct {
	private uint16
	proto   string
	host    string // "": exposed only
	public  uint16
}

// entries of a map, in docker's order. Keys that nobody can read are left out.
func entries(m engine.PortMap) []entry {
	var all []entry
	for key, bindings := range m {
		r, proto, err := Parse(key)
		if err != nil {
			continue
		}
		if len(bindings) == 0 {
			all = append(all, entry{private: r.First, proto: proto})
		}
		for _, b := range bindings {
			public, _ := strconv.ParseUint(b.HostPort, 10, 16)
			all = append(all, entry{r.First, proto, b.HostIP, uint16(public)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.private, b.private), strings.Compare(a.host, b.host), cmp.Compare(a.public, b.public), strings.Compare(a.proto, b.proto))
	})
	return all
}

// Text is the PORTS column: ports in a row are folded where host and container
// have the same number.
func Text(m engine.PortMap) string {
	type group struct{ host, proto string }
	open := map[group]*Range{}
	var order []group
	var folded, mapped []string
	for _, e := range entries(m) {
		if e.host != "" && e.public != e.private {
			mapped = append(mapped, fmt.Sprintf("%s->%d/%s", hostPort(e.host, Range{e.public, e.public}), e.private, e.proto))
			continue
		}
		g := group{e.host, e.proto}
		r := open[g]
		switch {
		case r == nil:
			open[g] = &Range{e.private, e.private}
			order = append(order, g)
		case e.private == r.Last+1:
			r.Last = e.private
		case e.private != r.Last:
			folded = append(folded, fold(g.host, g.proto, *r))
			*r = Range{e.private, e.private}
		}
	}
	for _, g := range order {
		folded = append(folded, fold(g.host, g.proto, *open[g]))
	}
	return strings.Join(append(folded, mapped...), ", ")
}

func fold(host, proto string, r Range) string {
	if host == "" {
		return r.String() + "/" + proto
	}
	return hostPort(host, r) + "->" + r.String() + "/" + proto
}

func hostPort(host string, r Range) string { return net.JoinHostPort(host, r.String()) }

// Published is a line of `port` for each published port, and what of it follows
// the arrow.
type Published struct{ Port, Host string }

// List is all that is published, in docker's order: by text.
func List(m engine.PortMap) []Published {
	var all []Published
	for _, e := range entries(m) {
		if e.host != "" {
			all = append(all, Published{Key(e.private, e.proto), net.JoinHostPort(e.host, strconv.Itoa(int(e.public)))})
		}
	}
	slices.SortStableFunc(all, func(a, b Published) int { return strings.Compare(a.Port, b.Port) })
	return all
}
