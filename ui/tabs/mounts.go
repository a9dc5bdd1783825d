package tabs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Mounts lists what is attached to a container's root file system.
type Mounts struct {
	reading[engine.ContainerDetail]
	frame
	styles func() styles.Styles
	list   list
	rows   []engine.MountPoint // by target
}

// NewMounts makes the tab. It shows nothing before Open.
func NewMounts(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Mounts {
	return &Mounts{styles: s, reading: readDetail(eng)}
}

// Name implements Panel.
func (t *Mounts) Name() string { return "Mounts" }

// Open implements Tab.
func (t *Mounts) Open(ctx context.Context, id engine.ID) tea.Cmd {
	cmd := t.open(ctx, string(id))
	t.choose()
	return cmd
}

// Close implements Panel.
func (t *Mounts) Close() { t.close() }

// Refresh implements Panel.
func (t *Mounts) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *Mounts) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok {
		t.choose()
	}
	return ok, cmd
}

func (t *Mounts) choose() {
	t.rows = mountsOf(t.value)
	t.list.n = len(t.rows)
	t.list.put(t.list.at, t.room())
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

func (t *Mounts) room() int { return max(1, t.height-1) }

// Key implements Panel.
func (t *Mounts) Key(key string) (bool, tea.Cmd) {
	if t.list.key(key, t.room()) {
		return true, nil
	}
	if key != "y" && key != "Y" || len(t.rows) == 0 {
		return false, nil
	}
	m := t.rows[t.list.at]
	if key == "Y" {
		return true, copyText(m.Destination, "target "+safe(m.Destination))
	}
	if m.Source == "" {
		return true, nil
	}
	return true, copyText(m.Source, "source "+safe(m.Source))
}

// Typing implements Panel.
func (t *Mounts) Typing() bool { return false }

// Keys implements Panel.
func (t *Mounts) Keys() []KeyHelp {
	return []KeyHelp{{"y", "copy the source"}, {"Y", "copy the target"}, pageKeys}
}

// Status implements Panel.
func (t *Mounts) Status() string {
	if !t.loaded {
		return ""
	}
	return count(len(t.rows), "mount", "mounts")
}

// View implements Panel.
func (t *Mounts) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "container", width, height); instead {
		return lines
	}
	if len(t.rows) == 0 {
		return stack(notice(s, width, "Nothing is mounted.", "What it writes goes into its own layer, and is removed with it."), nil, height)
	}
	table := widgets.Table{
		Columns: []widgets.Column{
			{Title: "TARGET", Grow: true, Min: 10, Name: true, Style: s.Text}, {Title: "SOURCE", Grow: true, Min: 10, Name: true, Style: s.Text},
			{Title: "TYPE", Rank: 2, Style: s.Muted}, {Title: "RW", Style: s.Text}, {Title: "PROPAGATION", Rank: 3, Style: s.Muted},
			{Title: "OPTIONS", Rank: 4, Max: 32, Style: s.Muted},
		},
		Cursor: t.list.at, Offset: t.list.offset, Focused: !t.unfocused, Styles: tableStyles(s, !t.unfocused),
	}
	var foot []string
	for _, m := range t.rows {
		table.Rows = append(table.Rows, mountRow(m))
	}
	if table.Cut(width) {
		row := table.Rows[t.list.at]
		foot = full(s, strings.Join([]string{row[0], "from", row[1], "·", row[2], row[3], row[4], row[5]}, " "), width, height)
	}
	return stack(table.Render(width, height-len(foot)), foot, height)
}

func mountRow(m engine.MountPoint) []string {
	mode := "ro"
	if m.RW {
		mode = "rw"
	}
	source := m.Source
	if m.Name != "" {
		source = m.Name
	}
	return []string{safe(m.Destination), safe(cmp.Or(source, "–")), safe(m.Type), mode, safe(cmp.Or(m.Propagation, "–")), safe(m.Mode)}
}
