package tabs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Endpoints lists the containers of a network with their addresses and the
// names that they are found by.
type Endpoints struct {
	readTable[[]endpoint]
	styles func() styles.Styles
	rows   []endpoint // what the filter leaves
}

// endpoint is a container's place on the network.
type endpoint struct {
	id     engine.ID
	name   string
	status engine.ContainerState
	at     engine.EndpointSettings
}

// mostEndpoints bounds how many containers are asked for their names on the
// network: each is a read of its own.
const mostEndpoints = 250

// NewEndpoints makes the tab. It shows nothing before Open.
func NewEndpoints(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Endpoints {
	t := &Endpoints{styles: s, readTable: readTable[[]endpoint]{reading: reading[[]endpoint]{read: func(ctx context.Context, ref string) ([]endpoint, error) { return endpoints(ctx, eng, ref) }}}}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Style: s.Muted}, {Title: "CONTAINER", Soft: true, Min: 12, Style: s.Text}, {Title: "IPV4", Style: s.Text},
			{Title: "IPV6", Rank: 2, Style: s.Text}, {Title: "NAMES", Soft: true, Min: 8, Style: s.Text}, {Title: "MAC", Rank: 3, Style: s.Muted},
		}
	}
	t.remake = t.choose
	return t
}

// endpoints reads who is on a network, and who will be when it runs.
func endpoints(ctx context.Context, eng engine.Engine, ref string) ([]endpoint, error) {
	n, err := eng.Networks().Inspect(ctx, ref)
	if err != nil {
		return nil, err
	}
	list, err := eng.Containers().List(ctx, engine.ListOptions{All: true, Filters: engine.Filters{"network": {n.Name}}})
	if err != nil {
		return nil, err
	}
	var out []endpoint
	for i, c := range list.Items {
		p := endpoint{id: c.ID, name: c.Name, status: c.Status}
		if on, ok := n.Containers[c.ID]; ok {
			p.at.IPAddress, p.at.GlobalIPv6Address, p.at.MacAddress = on.IPv4Address, on.IPv6Address, on.MacAddress
		}
		if i < mostEndpoints {
			d, err := eng.Containers().Inspect(ctx, string(c.ID))
			switch {
			case errors.Is(err, engine.ErrNotFound): // it went meanwhile
				continue
			case err != nil:
				return nil, err
			}
			p.at.DNSNames, p.at.Aliases = d.NetworkSettings.Networks[n.Name].DNSNames, d.NetworkSettings.Networks[n.Name].Aliases
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b endpoint) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// Name implements Panel.
func (t *Endpoints) Name() string { return "Containers" }

// Open implements ObjectTab.
func (t *Endpoints) Open(ctx context.Context, ref string) tea.Cmd { return t.open(ctx, ref) }

// choose makes the rows; the cursor stays on its container.
func (t *Endpoints) choose() {
	before := t.selected().id
	t.rows = nil
	var shown [][]string
	for _, p := range t.value {
		if row := t.row(p); t.matches(row...) {
			t.rows, shown = append(t.rows, p), append(shown, row)
		}
	}
	t.put(shown, slices.IndexFunc(t.rows, func(p endpoint) bool { return p.id == before }))
}

func (t *Endpoints) row(p endpoint) []string {
	sign, word, _ := t.styles().Status(p.status)
	v4 := p.at.IPAddress
	if v4 == "" && p.at.GlobalIPv6Address == "" {
		v4 = word // no address: why
	}
	return []string{sign, safe(p.name), cmp.Or(v4, glyph.Dash), cmp.Or(p.at.GlobalIPv6Address, glyph.Dash), safe(strings.Join(p.names(), " ")), cmp.Or(p.at.MacAddress, glyph.Dash)}
}

// names are what the container is found by besides its own name and ID.
func (p endpoint) names() []string {
	var out []string
	for _, n := range slices.Concat(p.at.Aliases, p.at.DNSNames) {
		if n != p.name && n != p.id.Short() && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func (t *Endpoints) selected() endpoint {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return endpoint{}
}

func (t *Endpoints) noAddress() string {
	if why := t.noRow(); why != "" || t.selected().address() != "" {
		return why
	}
	return "it has no address now"
}

// address is without the length of the subnet.
func (p endpoint) address() string {
	addr, _, _ := strings.Cut(cmp.Or(p.at.IPAddress, p.at.GlobalIPv6Address), "/")
	return addr
}

// endpointBindings are what can be done there.
var endpointBindings = bindings[*Endpoints]{
	{Action: keys.Action{ID: "endpoints.go", Keys: []string{"enter"}, Title: "Go to the container", Help: "Show the container in its list", Short: "go there"},
		why: (*Endpoints).noRow, do: func(t *Endpoints) tea.Cmd { return goTo(t.selected().id) }},
	{Action: keys.Action{ID: "endpoints.copy", Keys: []string{"y"}, Title: "Copy the address", Help: "Copy the address of the container on this network", Short: "copy the address"},
		why: (*Endpoints).noAddress, do: func(t *Endpoints) tea.Cmd {
			addr := t.selected().address()
			return copyText(addr, addr)
		}},
}

// Scope implements Panel.
func (t *Endpoints) Scope() keys.Scope { return keys.Endpoints }

// Bind implements Panel.
func (t *Endpoints) Bind(id keys.ID) (Bound, bool) {
	return bindRow(endpointBindings, t, &t.tablePage, id, t.loaded)
}

// Status implements Panel.
func (t *Endpoints) Status() string {
	if !t.loaded {
		return ""
	}
	return ofFilter(len(t.rows), len(t.value), t.filter.text, "container", "containers")
}

// View implements Panel.
func (t *Endpoints) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "network", width, height); instead {
		return lines
	}
	whole := ""
	if p := t.selected(); p.id != "" {
		whole = strings.Join(t.row(p)[1:], "  ")
	}
	signs := func(row, column int) (lipgloss.Style, bool) {
		if column != 0 {
			return lipgloss.Style{}, false
		}
		_, _, style := s.Status(t.rows[row].status)
		return style, true
	}
	return t.view(s, whole, "No container is connected to it.", signs, width, height)
}

// DoubleClick implements Pointer: it goes to the container.
func (t *Endpoints) DoubleClick(x, y int) (bool, tea.Cmd) {
	if ok, cmd := t.Click(x, y); !ok {
		return false, cmd
	}
	return true, goTo(t.selected().id)
}
