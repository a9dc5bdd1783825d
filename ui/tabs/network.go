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
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// mostConnections bounds how many sockets are read and shown.
const mostConnections = 500

// Network shows how a container is reached and what it talks to: its networks
// with addresses and names, its ports, its traffic and its connections, live.
type Network struct {
	eng    engine.Engine
	styles func() styles.Styles
	tablePage

	id     engine.ID
	ctx    context.Context // nil while closed
	cancel context.CancelFunc
	gen    *generation

	last   networkMsg // what was read
	rates  engine.Rates
	loaded bool
	err    error
	rows   []link // what the filter leaves
}

// NewNetwork makes the tab. It shows nothing before Open.
func NewNetwork(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Network {
	t := &Network{eng: eng, styles: s}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Title: "WHAT", Style: s.Muted}, {Title: "HERE", Soft: true, Min: 12, Style: s.Text},
			{Title: "THERE", Soft: true, Min: 10, Style: s.Text}, {Title: "MORE", Soft: true, Min: 6, Rank: 1, Style: s.Muted},
		}
	}
	t.remake = t.choose
	return t
}

// Name implements Panel.
func (t *Network) Name() string { return "Network" }

// Open implements Tab. The filter stays.
func (t *Network) Open(ctx context.Context, id engine.ID) tea.Cmd {
	t.Close()
	if id != t.id {
		t.last, t.rates, t.loaded = networkMsg{}, engine.Rates{}, false
		t.choose()
	}
	t.id, t.err = id, nil
	if id == "" {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t.ask(0)
}

// Close implements Panel.
func (t *Network) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.gen = nil, nil, nil
}

// Refresh implements Panel: one that runs will be asked soon anyway.
func (t *Network) Refresh() tea.Cmd {
	if t.ctx == nil || t.loaded && t.last.detail.State.Status.Live() {
		return nil
	}
	return t.ask(0)
}

// networkMsg is what is known of a container's network at one moment.
type networkMsg struct {
	gen    *generation
	detail engine.ContainerDetail
	sample engine.Sample
	conns  []engine.Connection
	more   bool
	no     error // why there are no connections to be told
	err    error
}

// ask reads everything after a while.
func (t *Network) ask(after time.Duration) tea.Cmd {
	ctx, gen, id, cs := t.ctx, t.gen, t.id, t.eng.Containers()
	return func() tea.Msg {
		if !pause(ctx, after) {
			return nil
		}
		msg := readNetwork(ctx, cs, string(id))
		if ctx.Err() != nil {
			return nil
		}
		msg.gen = gen
		return msg
	}
}

func readNetwork(ctx context.Context, cs engine.Containers, id string) (m networkMsg) {
	if m.detail, m.err = cs.Inspect(ctx, id); m.err != nil || !m.detail.State.Status.Live() {
		return m
	}
	for s, err := range cs.Stats(ctx, id, engine.StatsOptions{}) {
		if err == nil {
			m.sample = s
		}
		break
	}
	reader, ok := cs.(engine.ConnectionReader)
	if !ok {
		m.no = engine.ErrUnsupported
		return m
	}
	m.conns, m.more, m.no = reader.Connections(ctx, id, mostConnections)
	if errors.Is(m.no, engine.ErrConflict) { // it has just ended, which the next state tells
		m.no = nil
	}
	return m
}

// Update implements Panel. A container that does not run is not asked again
// before it changes.
func (t *Network) Update(msg tea.Msg) (bool, tea.Cmd) {
	m, ok := msg.(networkMsg)
	if !ok || t.gen == nil || m.gen != t.gen {
		return false, nil
	}
	if t.err = m.err; m.err != nil {
		return true, nil
	}
	t.rates = engine.Rate(t.last.sample, m.sample)
	if t.last.sample.Time.IsZero() {
		t.rates = engine.Rates{}
	}
	t.last, t.loaded = m, true
	t.choose()
	if !m.detail.State.Status.Live() {
		return true, nil
	}
	return true, t.ask(every)
}

// choose makes the rows; the cursor stays on its link.
func (t *Network) choose() {
	before := t.selected()
	t.rows = nil
	var shown [][]string
	if t.loaded {
		for _, l := range t.links() {
			if row := []string{l.what, l.here, l.there, l.more}; t.matches(row...) {
				t.rows, shown = append(t.rows, l), append(shown, row)
			}
		}
	}
	t.put(shown, slices.IndexFunc(t.rows, func(l link) bool { return l.key() == before.key() }))
}

func (t *Network) selected() link {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return link{}
}

// networkBindings are what can be done there.
var networkBindings = bindings[*Network]{
	{Action: keys.Action{ID: "network.copy", Keys: []string{"y"}, Title: "Copy the address", Help: "Copy the address or the URL under the cursor", Short: "copy"},
		why: (*Network).noCopy, do: func(t *Network) tea.Cmd { l := t.selected(); return copyText(l.copied(), l.copied()) }},
	{Action: keys.Action{ID: "network.copy.there", Keys: []string{"Y"}, Title: "Copy the other end", Help: "Copy what stands on the other side", Short: "the other end"},
		why: (*Network).noRow, do: func(t *Network) tea.Cmd { l := t.selected(); return copyText(l.there, l.there) }},
}

func (t *Network) noCopy() string {
	if why := t.noRow(); why != "" || t.selected().copied() != "" {
		return why
	}
	return "there is no address in this row"
}

// Scope implements Panel.
func (t *Network) Scope() keys.Scope { return keys.Network }

// Bind implements Panel.
func (t *Network) Bind(id keys.ID) (Bound, bool) {
	return bindRow(networkBindings, t, &t.tablePage, id, t.loaded)
}

// Status implements Panel.
func (t *Network) Status() string {
	if !t.loaded {
		return ""
	}
	n := len(t.last.conns)
	s := count(n, "socket", "sockets")
	if t.last.more {
		s = "the first " + s
	}
	if t.filter.text != "" {
		s = ofFilter(len(t.rows), len(t.links()), t.filter.text, "row", "rows")
	}
	return s
}

// View implements Panel.
func (t *Network) View(width, height int) []string {
	s := t.styles()
	if lines, instead := (blank{kind: "container", chosen: t.id != "", err: t.err, known: t.loaded}).lines(s, width, height); instead {
		return lines
	}
	whole := ""
	if l := t.selected(); l.what != "" {
		whole = strings.Join(strings.Fields(strings.Join([]string{l.what, l.here, l.there, l.more}, " ")), " ")
	}
	return t.view(s, whole, "It has no network.", t.cell(s), width, height)
}

// cell brings out what a row is about: a port that is open, a network.
func (t *Network) cell(s styles.Styles) func(row, column int) (lipgloss.Style, bool) {
	return func(row, column int) (lipgloss.Style, bool) {
		switch l := t.rows[row]; {
		case column == 1 && l.url != "":
			return s.Accent, true
		case column == 0 && l.main:
			return s.Name, true
		}
		return lipgloss.Style{}, false
	}
}

func (l link) copied() string { return cmp.Or(l.url, l.address) }
