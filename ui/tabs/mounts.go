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
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Mounts lists what is attached to a container's root file system.
type Mounts struct {
	reading[engine.ContainerDetail]
	tablePage
	styles func() styles.Styles
	rows   []engine.MountPoint // what the filter leaves, by target
	all    int
}

// NewMounts makes the tab. It shows nothing before Open.
func NewMounts(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Mounts {
	t := &Mounts{styles: s, reading: readDetail(eng)}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Title: "TARGET", Soft: true, Min: 14, Name: true, Style: s.Text}, {Title: "SOURCE", Soft: true, Min: 14, Name: true, Style: s.Text},
			{Title: "TYPE", Rank: 2, Style: s.Muted}, {Title: "RW", Style: s.Text}, {Title: "PROPAGATION", Rank: 3, Style: s.Muted},
			{Title: "OPTIONS", Rank: 4, Max: 32, Style: s.Muted},
		}
	}
	return t
}

// Name implements Panel.
func (t *Mounts) Name() string { return "Mounts" }

// Open implements Tab.
func (t *Mounts) Open(ctx context.Context, id engine.ID) tea.Cmd { return t.open(ctx, string(id)) }

// Close implements Panel.
func (t *Mounts) Close() { t.close() }

// Refresh implements Panel.
func (t *Mounts) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *Mounts) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok && t.err == nil {
		t.choose()
	}
	return ok, cmd
}

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

// Key implements Panel.
func (t *Mounts) Key(key string) (bool, tea.Cmd) {
	if !t.loaded {
		return false, nil
	}
	if t.key(key, t.choose) {
		return true, nil
	}
	m := t.selected()
	switch key {
	case "/":
		t.filter.open()
	case "y":
		if m.Source != "" {
			return true, copyText(m.Source, "source "+safe(m.Source))
		}
	case "Y":
		if m.Destination != "" {
			return true, copyText(m.Destination, "target "+safe(m.Destination))
		}
	default:
		return false, nil
	}
	return true, nil
}

// Keys implements Panel.
func (t *Mounts) Keys() []KeyHelp {
	return []KeyHelp{{"y", "copy the source"}, {"Y", "copy the target"}, {"/", "filter"}, pageKeys}
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
