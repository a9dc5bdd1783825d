package tabs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Events lists what has happened to a container, the newest first, live.
type Events struct{ eventList }

// ObjectEvents is Events for an image, a volume or a network.
type ObjectEvents struct{ eventList }

// NewEvents makes the tab. It shows nothing before Open.
func NewEvents(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Events {
	t := &Events{newEventList(eng, s, now, "container")}
	t.remake = t.choose
	return t
}

// NewImageEvents makes the tab. It shows nothing before Open.
func NewImageEvents(eng engine.Engine, s func() styles.Styles, now func() time.Time) *ObjectEvents {
	return newObjectEvents(eng, s, now, "image")
}

// NewVolumeEvents is NewImageEvents for volumes.
func NewVolumeEvents(eng engine.Engine, s func() styles.Styles, now func() time.Time) *ObjectEvents {
	return newObjectEvents(eng, s, now, "volume")
}

// NewNetworkEvents is NewImageEvents for networks.
func NewNetworkEvents(eng engine.Engine, s func() styles.Styles, now func() time.Time) *ObjectEvents {
	return newObjectEvents(eng, s, now, "network")
}

func newObjectEvents(eng engine.Engine, s func() styles.Styles, now func() time.Time, kind string) *ObjectEvents {
	t := &ObjectEvents{newEventList(eng, s, now, kind)}
	t.remake = t.choose
	return t
}

// Open implements Tab.
func (t *Events) Open(ctx context.Context, id engine.ID) tea.Cmd { return t.open(ctx, string(id)) }

// Open implements ObjectTab.
func (t *ObjectEvents) Open(ctx context.Context, ref string) tea.Cmd { return t.open(ctx, ref) }

// eventList is what the two have in common.
type eventList struct {
	tablePage
	eng    engine.Engine
	styles func() styles.Styles
	now    func() time.Time
	kind   string // of what the events are, as the engine's filters name it

	ref    string
	ctx    context.Context // nil while closed
	cancel context.CancelFunc
	gen    *generation
	feed   *feed.Events

	all  []engine.Event // newest first
	rows []engine.Event // what the filter leaves
	told bool
	err  error
}

func newEventList(eng engine.Engine, s func() styles.Styles, now func() time.Time, kind string) eventList {
	t := eventList{eng: eng, styles: s, now: now, kind: kind}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Title: "WHEN", Style: s.Muted}, {Title: "WHAT", Style: s.Text}, {Title: "DETAILS", Soft: true, Min: 8, Style: s.Text},
		}
	}
	return t
}

// Name implements Panel.
func (t *eventList) Name() string { return "Events" }

// open begins to follow. The filter stays.
func (t *eventList) open(ctx context.Context, ref string) tea.Cmd {
	t.Close()
	if ref != t.ref {
		t.all, t.told = nil, false
		t.choose()
	}
	t.ref, t.err = ref, nil
	if ref == "" {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(ctx)
	t.feed = feed.NewEvents(t.ctx, t.eng, t.about(ref))
	return t.next()
}

// about chooses the events of an object. Containers name their image as they
// were told to, so that all of its names count.
func (t *eventList) about(ref string) func(context.Context) (engine.Filters, error) {
	eng, kind := t.eng, t.kind
	return func(ctx context.Context) (engine.Filters, error) {
		names := []string{ref}
		if kind == "image" {
			img, err := eng.Images().Inspect(ctx, ref)
			if err != nil {
				return nil, err
			}
			names = append(append(names, string(img.ID)), img.RepoTags...)
		}
		return engine.Filters{kind: names}, nil
	}
}

// Close implements Panel.
func (t *eventList) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.gen, t.feed = nil, nil, nil, nil
}

// Refresh implements Panel: events come by themselves.
func (t *eventList) Refresh() tea.Cmd { return nil }

// eventsMsg tells that something has happened.
type eventsMsg struct{ gen *generation }

func (t *eventList) next() tea.Cmd {
	ctx, gen, f := t.ctx, t.gen, t.feed
	return func() tea.Msg {
		if f.Next(ctx) {
			return eventsMsg{gen}
		}
		return nil
	}
}

// Update implements Panel.
func (t *eventList) Update(msg tea.Msg) (bool, tea.Cmd) {
	m, ok := msg.(eventsMsg)
	if !ok || t.gen == nil || m.gen != t.gen {
		return false, nil
	}
	t.all, t.told, t.err = t.feed.State()
	slices.Reverse(t.all)
	t.choose()
	return true, t.next()
}

// choose makes the rows. The cursor stays on its event; at the top it stays
// there, where the newest come.
func (t *eventList) choose() {
	before := t.selected().Seq
	if t.list.at == 0 {
		before = 0
	}
	t.rows = t.rows[:0]
	var shown [][]string
	for _, ev := range t.all {
		if row := t.row(ev); t.matches(row...) {
			t.rows, shown = append(t.rows, ev), append(shown, row)
		}
	}
	t.put(shown, slices.IndexFunc(t.rows, func(ev engine.Event) bool { return ev.Seq == before }))
}

func (t *eventList) selected() engine.Event {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return engine.Event{}
}

func (t *eventList) row(ev engine.Event) []string {
	return []string{stamp(ev.Time, t.now()), safe(strings.ReplaceAll(ev.Action, "_", " ")), t.details(ev)}
}

// stamp is a time of day, with the day where that is another one.
func stamp(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format("Jan 2 15:04:05")
}

// details are the facts that an event carries, those that its action adds
// first, in words. Labels, which are the same in all of them, are left out: by
// custom only they have dots in their names.
func (t *eventList) details(ev engine.Event) string {
	a := ev.Attributes
	var out []string
	say := func(format, key string) {
		if v := a[key]; v != "" {
			out = append(out, fmt.Sprintf(format, safe(v)))
		}
	}
	if t.kind == "image" {
		if ev.Kind == engine.KindContainer {
			out = append(out, "container "+safe(cmp.Or(a["name"], ev.ID)))
		} else {
			say("%s", "name")
		}
	}
	say("exit code %s", "exitCode")
	if d, err := time.ParseDuration(a["execDuration"] + "s"); err == nil {
		out = append(out, "after "+ago(d))
	}
	say("signal %s", "signal")
	say("was %s", "oldName")
	for _, key := range slices.Sorted(maps.Keys(a)) {
		if !strings.Contains(key, ".") && !slices.Contains([]string{"name", "image", "exitCode", "execDuration", "signal", "oldName"}, key) {
			out = append(out, safe(key)+"="+safe(a[key]))
		}
	}
	return strings.Join(out, glyph.Sep)
}

// eventBindings are what can be done there.
var eventBindings = bindings[*eventList]{
	{Action: keys.Action{ID: "events.copy", Keys: []string{"y"}, Title: "Copy the event", Help: "Copy the event as a line of text", Short: "copy the event"},
		why: (*eventList).noRow, do: (*eventList).copy},
}

func (t *eventList) copy() tea.Cmd {
	ev := t.selected()
	return copyText(ev.Time.Format(time.RFC3339Nano)+" "+strings.Join(t.row(ev)[1:], " "), "the event "+safe(ev.Action))
}

// Scope implements Panel.
func (t *eventList) Scope() keys.Scope { return keys.Events }

// Bind implements Panel.
func (t *eventList) Bind(id keys.ID) (Bound, bool) {
	return bindRow(eventBindings, t, &t.tablePage, id, t.ctx != nil)
}

// Status implements Panel.
func (t *eventList) Status() string {
	if !t.told {
		return ""
	}
	s := ofFilter(len(t.rows), len(t.all), t.filter.text, "event", "events")
	if t.err == nil {
		s += glyph.Sep + "live"
	}
	return s
}

// View implements Panel.
func (t *eventList) View(width, height int) []string {
	s := t.styles()
	why := blank{kind: t.kind, chosen: t.ref != "", known: t.told || len(t.all) > 0}
	if len(t.all) == 0 {
		why.err = t.err
	}
	if lines, instead := why.lines(s, width, height); instead {
		return lines
	}
	by := gravity{s.OK, s.Warn, s.Bad}
	grave := func(row, column int) (lipgloss.Style, bool) {
		if column != 1 {
			return lipgloss.Style{}, false
		}
		return by.of(t.rows[row])
	}
	whole := ""
	if ev := t.selected(); ev.Seq != 0 {
		whole = strings.Join(t.row(ev), "  ")
	}
	return t.view(s, whole, "Nothing has happened to it that the journal still knows of.", grave, width, height)
}

// gravity has the styles of beginnings and of what was bad.
type gravity struct{ good, grave, bad lipgloss.Style }

// healthEvent is the action of a new verdict.
func healthEvent(s engine.HealthStatus) string { return engine.ActionHealth + ": " + string(s) }

func (g gravity) of(ev engine.Event) (lipgloss.Style, bool) {
	switch ev.Action {
	case engine.ActionOOM:
		return g.bad, true
	case engine.ActionDie, engine.ActionExecDie:
		if code := ev.Attributes["exitCode"]; code != "" && code != "0" {
			return g.bad, true
		}
	case engine.ActionKill:
		return g.grave, true
	case engine.ActionStart, engine.ActionUnpause, healthEvent(engine.HealthHealthy):
		return g.good, true
	case healthEvent(engine.HealthUnhealthy):
		return g.bad, true
	}
	return lipgloss.Style{}, false
}
