package tabs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Mounts lists what is attached to a container's root file system.
type Mounts struct {
	readTable[engine.ContainerDetail]
	styles func() styles.Styles
	rows   []engine.MountPoint // what the filter leaves, by target
	all    int
}

// NewMounts makes the tab. It shows nothing before Open.
func NewMounts(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Mounts {
	t := &Mounts{styles: s, readTable: readTable[engine.ContainerDetail]{reading: readDetail(eng)}}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Title: "TARGET", Soft: true, Min: 14, Name: true, Style: s.Text}, {Title: "SOURCE", Soft: true, Min: 14, Name: true, Style: s.Text},
			{Title: "TYPE", Rank: 2, Style: s.Muted}, {Title: "RW", Style: s.Text}, {Title: "PROPAGATION", Rank: 3, Style: s.Muted},
			{Title: "OPTIONS", Rank: 4, Max: 32, Style: s.Muted},
		}
	}
	t.remake = t.choose
	return t
}

// Name implements Panel.
func (t *Mounts) Name() string { return "Mounts" }

// Open implements Tab.
func (t *Mounts) Open(ctx context.Context, id engine.ID) tea.Cmd { return t.open(ctx, string(id)) }

// choose makes the rows; the cursor stays on its target.
func (t *Mounts) choose() {
	before := t.selected().Destination
	mounts := mountsOf(t.value)
	t.rows, t.all = t.rows[:0], len(mounts)
	var shown [][]string
	for _, m := range mounts {
		if row := mountRow(m); t.matches(row...) {
			t.rows, shown = append(t.rows, m), append(shown, row)
		}
	}
	t.put(shown, slices.IndexFunc(t.rows, func(m engine.MountPoint) bool { return m.Destination == before }))
}

// mountsOf are the mounts of a container with the tmpfs that docker keeps
// apart from them (--tmpfs).
func mountsOf(d engine.ContainerDetail) []engine.MountPoint {
	rows := slices.Clone(d.Mounts)
	for target, opts := range d.HostConfig.Tmpfs {
		if !slices.ContainsFunc(rows, func(m engine.MountPoint) bool { return m.Destination == target }) {
			rows = append(rows, engine.MountPoint{Type: "tmpfs", Destination: target, Mode: opts, RW: !slices.Contains(strings.Split(opts, ","), "ro")})
		}
	}
	slices.SortFunc(rows, func(a, b engine.MountPoint) int { return strings.Compare(a.Destination, b.Destination) })
	return rows
}

func mountRow(m engine.MountPoint) []string {
	mode := "ro"
	if m.RW {
		mode = "rw"
	}
	source := cmp.Or(m.Name, m.Source, glyph.Dash)
	return []string{safe(m.Destination), safe(source), safe(m.Type), mode, safe(cmp.Or(m.Propagation, glyph.Dash)), safe(m.Mode)}
}

func (t *Mounts) selected() engine.MountPoint {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return engine.MountPoint{}
}

// mountBindings are what can be done there.
var mountBindings = bindings[*Mounts]{
	{Action: keys.Action{ID: "mounts.copy", Keys: []string{"y"}, Title: "Copy the source", Help: "Copy where on the host it comes from", Short: "copy the source"},
		why: (*Mounts).noSource, do: func(t *Mounts) tea.Cmd { m := t.selected(); return copyText(m.Source, "source "+safe(m.Source)) }},
	{Action: keys.Action{ID: "mounts.copy.target", Keys: []string{"Y"}, Title: "Copy the target", Help: "Copy where in the container it is", Short: "the target"},
		why: (*Mounts).noRow, do: func(t *Mounts) tea.Cmd {
			m := t.selected()
			return copyText(m.Destination, "target "+safe(m.Destination))
		}},
}

func (t *Mounts) noSource() string {
	if why := t.noRow(); why != "" || t.selected().Source != "" {
		return why
	}
	return "it comes from nowhere on the host"
}

// Scope implements Panel.
func (t *Mounts) Scope() keys.Scope { return keys.Mounts }

// Bind implements Panel.
func (t *Mounts) Bind(id keys.ID) (Bound, bool) {
	return bindRow(mountBindings, t, &t.tablePage, id, t.loaded)
}

// Status implements Panel.
func (t *Mounts) Status() string {
	if !t.loaded {
		return ""
	}
	return ofFilter(len(t.rows), t.all, t.filter.text, "mount", "mounts")
}

// View implements Panel.
func (t *Mounts) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "container", width, height); instead {
		return lines
	}
	whole := ""
	if m := t.selected(); m.Destination != "" {
		row := mountRow(m)
		whole = row[0] + " from " + row[1] + glyph.Sep + strings.Join(row[2:], " ")
	}
	return t.view(s, whole, "Nothing is mounted. What it writes goes into its own layer, and is removed with it.", nil, width, height)
}
