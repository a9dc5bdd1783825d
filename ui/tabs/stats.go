package tabs

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// pace of the samples.
const pace = time.Second

// Stats draws what a container uses. It samples only while it is open.
type Stats struct {
	eng    engine.Engine
	styles func() styles.Styles
	now    func() time.Time
	frame

	id     engine.ID
	ctx    context.Context // nil while closed
	cancel context.CancelFunc
	feed   *sampler // nil while nothing is sampled
	ring   ring
	host   uint64                 // bytes of memory of the host; 0 unknown
	state  *engine.ContainerState // why the samples have ended, when they have
	err    error
	drawn  drawn
}

// NewStats makes the tab. It shows nothing before Open.
func NewStats(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Stats {
	return &Stats{eng: eng, styles: s, now: now}
}

// Name implements Panel.
func (t *Stats) Name() string { return "Stats" }

// Open implements Tab. Opened again on the same container it goes on with
// the minutes that it has, with a gap.
func (t *Stats) Open(ctx context.Context, id engine.ID) tea.Cmd {
	t.Close()
	if id != t.id {
		t.ring, t.drawn = ring{}, drawn{}
	}
	t.id, t.state, t.err = id, nil, nil
	if id == "" {
		return nil
	}
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t.sample()
}

// Close implements Panel.
func (t *Stats) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.feed = nil, nil, nil
}

// Refresh implements Panel: a container that was not running may run now. What
// is being sampled goes on.
func (t *Stats) Refresh() tea.Cmd {
	if t.ctx == nil || t.feed != nil {
		return nil
	}
	return t.sample()
}

func (t *Stats) sample() tea.Cmd {
	t.feed = newSampler(t.eng, t.id)
	ctx, feed := t.ctx, t.feed
	return func() tea.Msg {
		go feed.run(ctx)
		return feed.next()
	}
}

// Update implements Panel.
func (t *Stats) Update(msg tea.Msg) (bool, tea.Cmd) {
	switch m := msg.(type) {
	case sampleMsg:
		if m.feed != t.feed || t.feed == nil {
			return false, nil
		}
		t.state, t.err = nil, nil
		t.host = m.host
		t.ring.add(m.sample)
		return true, func() tea.Msg { return m.feed.next() }
	case samplesEndedMsg:
		if m.feed != t.feed || t.feed == nil {
			return false, nil
		}
		t.feed, t.state, t.err = nil, m.state, m.err
		return true, nil
	}
	return false, nil
}

// statsBindings are what can be done there.
var statsBindings = bindings[*Stats]{
	{Action: keys.Action{ID: "stats.copy", Keys: []string{"y"}, Title: "Copy the figures", Help: "Copy what the charts say now, as text", Short: "copy the figures"},
		do: (*Stats).copy},
}

// copy takes the figures as they are written above the charts.
func (t *Stats) copy() tea.Cmd {
	var lines []string
	for _, g := range t.gauges(t.styles()) {
		lines = append(lines, g.name+": "+strings.Join(g.parts, ", "))
	}
	return copyText(strings.Join(lines, "\n")+"\n", "the figures")
}

// Scope implements Panel.
func (t *Stats) Scope() keys.Scope { return keys.Stats }

// Bind implements Panel.
func (t *Stats) Bind(id keys.ID) (Bound, bool) {
	b, ok := statsBindings.of(t, id)
	return b.once(!t.ring.empty()), ok
}

// Move implements Panel: there is nowhere to go.
func (t *Stats) Move(func(int) int) tea.Cmd { return nil }

// Back implements Panel.
func (t *Stats) Back() bool { return false }

// Typing implements Panel.
func (t *Stats) Typing() bool { return false }

// Type implements Panel.
func (t *Stats) Type(string) tea.Cmd { return nil }

// Status implements Panel.
func (t *Stats) Status() string {
	switch {
	case t.id == "":
		return ""
	case t.feed == nil:
		return "not sampling"
	}
	return fmt.Sprintf("sampling %d s", int(pace.Seconds()))
}
