package ui

import (
	"cmp"
	"net/netip"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/lists"
	"gantry/ui/widgets"
)

// networkSpec is the list of networks.
func (m *Model) networkSpec() lists.Spec[engine.Network] {
	type row = engine.Network
	byName := func(a, b *row) int {
		return cmp.Or(cmp.Compare(btoi(a.Predefined()), btoi(b.Predefined())), natural(a.Name, b.Name))
	}
	muted := func(f func(*row) string) func(*row, int) lists.Cell {
		return func(n *row, _ int) lists.Cell { return lists.Cell{Text: f(n), Style: m.styles.Muted} }
	}
	return lists.Spec[row]{
		ID:   func(n *row) string { return string(n.ID) },
		Keys: []string{"name", "id", "subnet", "container", "driver", "label"}, Named: []string{"id", "driver", "label"},
		Field: func(n *row, key string) string {
			switch key {
			case "name":
				return n.Name
			case "id":
				return string(n.ID)
			case "subnet":
				return strings.Join(append(subnets(n, false), subnets(n, true)...), " ")
			case "container":
				return strings.Join(namesOf(m.members(n)), " ")
			case "driver":
				return n.Driver
			}
			return labelText(n.Labels)
		},
		Orders: []lists.Order[row]{
			{ID: "name", Title: "by name", Compare: byName},
			{ID: "used", Title: "by use", Compare: func(a, b *row) int { return cmp.Compare(len(m.members(a)), len(m.members(b))) }, Down: true},
			{ID: "subnet", Title: "by subnet", Compare: bySubnet},
			{ID: "age", Title: "by age", Compare: func(a, b *row) int { return b.Created.Compare(a.Created) }},
		},
		Columns: []lists.Column[row]{
			{Min: 1, Cell: func(n *row, _ int) lists.Cell {
				if len(n.Containers) > 0 {
					return lists.Cell{Text: glyph.Running, Style: m.styles.OK}
				}
				return lists.Cell{Text: " ", Style: m.styles.Muted}
			}},
			{Title: "name", Order: "name", Min: 10, Max: 40, Measure: func(n *row) int { return widgets.Width(n.Name) }, Cell: func(n *row, _ int) lists.Cell {
				return lists.Cell{Text: n.Name, Style: m.networkStyle(n)}
			}},
			{Title: "subnet", Order: "subnet", Min: 13, Max: 18, Measure: func(n *row) int { return widgets.Width(subnetText(n)) }, Cell: func(n *row, _ int) lists.Cell {
				return lists.Cell{Text: subnetText(n), Style: m.styles.Text}
			}},
			{Title: "used by", Order: "used", Min: 8, Gap: 2, Grow: true, Cell: m.membersCell},
			{Title: "driver", Min: 6, Rank: 3, Cell: muted(func(n *row) string { return n.Driver })},
			{Min: 2, Max: 13, Rank: 2, Measure: func(n *row) int { return widgets.Width(traits(n)) }, Cell: muted(traits)},
			{Title: "age", Order: "age", Min: 4, Right: true, Rank: 4, Cell: muted(func(n *row) string { return m.networkAge(n) })},
		},
	}
}

// networkStyle keeps what every engine has in the background.
func (m *Model) networkStyle(n *engine.Network) lipgloss.Style {
	if n.Predefined() {
		return m.styles.Muted
	}
	return m.styles.Text
}

func (m *Model) membersCell(n *engine.Network, _ int) lists.Cell {
	names := namesOf(m.members(n))
	switch len(names) {
	case 0:
		return lists.Cell{Text: glyph.Dash, Style: m.styles.Muted}
	case 1:
		return lists.Cell{Text: names[0], Style: m.styles.Muted}
	}
	return lists.Cell{Text: strings.Join(names, ", "), Else: []string{itoa(len(names)) + " containers", itoa(len(names))}, Style: m.styles.Muted}
}

// networkAge is empty for what nobody made.
func (m *Model) networkAge(n *engine.Network) string {
	if n.Predefined() || n.Created.IsZero() {
		return ""
	}
	return m.age(n.Created)
}

// subnets are those of IPv6, or the others.
func subnets(n *engine.Network, v6 bool) []string {
	var out []string
	for _, c := range n.IPAM.Config {
		if c.Subnet != "" && strings.Contains(c.Subnet, ":") == v6 {
			out = append(out, c.Subnet)
		}
	}
	return out
}

// subnetText is the network's first range of addresses.
func subnetText(n *engine.Network) string {
	all := append(subnets(n, false), subnets(n, true)...)
	if len(all) == 0 {
		return glyph.Dash
	}
	return all[0]
}

func bySubnet(a, b *engine.Network) int {
	x, errX := netip.ParsePrefix(subnetText(a))
	y, errY := netip.ParsePrefix(subnetText(b))
	return cmp.Or(cmp.Compare(btoi(errX != nil), btoi(errY != nil)), x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()))
}

// traits are what is special about a network.
func traits(n *engine.Network) string {
	var out []string
	if n.EnableIPv6 || len(subnets(n, true)) > 0 {
		out = append(out, "v6")
	}
	if n.Internal {
		out = append(out, "internal")
	}
	return strings.Join(out, " ")
}
