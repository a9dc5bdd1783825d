package tabs

import (
	"cmp"
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// GoTo asks the root to show a container.
type GoTo struct{ Container engine.ID }

func goTo(id engine.ID) tea.Cmd {
	return func() tea.Msg { return GoTo{id} }
}

// VolumeUsers lists the containers that mount a volume, and where.
type VolumeUsers struct {
	readTable[[]engine.ContainerSummary]
	styles func() styles.Styles
	rows   []use // what the filter leaves
	all    int
}

// use is a volume in one place of one container.
type use struct {
	container *engine.ContainerSummary
	mount     engine.MountPoint
}

// NewVolumeUsers makes the tab. It shows nothing before Open.
func NewVolumeUsers(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *VolumeUsers {
	read := func(ctx context.Context, name string) ([]engine.ContainerSummary, error) {
		list, err := eng.Containers().List(ctx, engine.ListOptions{All: true, Filters: engine.Filters{"volume": {name}}})
		return list.Items, err
	}
	t := &VolumeUsers{styles: s, readTable: readTable[[]engine.ContainerSummary]{reading: reading[[]engine.ContainerSummary]{read: read}}}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Style: s.Muted}, {Title: "CONTAINER", Soft: true, Min: 12, Style: s.Text}, {Title: "AT", Soft: true, Min: 10, Name: true, Style: s.Text},
			{Title: "RW", Style: s.Text}, {Title: "STATE", Rank: 2, Style: s.Muted}, {Title: "IMAGE", Rank: 3, Soft: true, Min: 12, Name: true, Style: s.Muted},
		}
	}
	t.remake = t.choose
	return t
}

// Name implements Panel.
func (t *VolumeUsers) Name() string { return "Containers" }

// Open implements ObjectTab.
func (t *VolumeUsers) Open(ctx context.Context, name string) tea.Cmd { return t.open(ctx, name) }

// choose makes the rows; the cursor stays on its use.
func (t *VolumeUsers) choose() {
	before := t.selected()
	t.rows, t.all = nil, 0
	var shown [][]string
	for i := range t.value {
		c := &t.value[i]
		for _, m := range c.Mounts {
			if m.Type != "volume" || m.Name != t.ref {
				continue
			}
			t.all++
			if row := t.row(use{c, m}); t.matches(row...) {
				t.rows, shown = append(t.rows, use{c, m}), append(shown, row)
			}
		}
	}
	t.put(shown, slices.IndexFunc(t.rows, func(u use) bool {
		return before.container != nil && u.container.ID == before.container.ID && u.mount.Destination == before.mount.Destination
	}))
}

func (t *VolumeUsers) row(u use) []string {
	sign, word, _ := t.styles().Status(u.container.Status)
	return []string{sign, safe(u.container.Name), safe(u.mount.Destination), mode(u.mount), word, safe(u.container.Image)}
}

func mode(m engine.MountPoint) string {
	if m.RW {
		return "rw"
	}
	return "ro"
}

func (t *VolumeUsers) selected() use {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return use{}
}

// userBindings are what can be done there.
var userBindings = bindings[*VolumeUsers]{
	{Action: keys.Action{ID: "users.go", Keys: []string{"enter"}, Title: "Go to the container", Help: "Show the container in its list", Short: "go there"},
		why: (*VolumeUsers).noRow, do: func(t *VolumeUsers) tea.Cmd { return goTo(t.selected().container.ID) }},
	{Action: keys.Action{ID: "users.copy", Keys: []string{"y"}, Title: "Copy the name", Help: "Copy the name of the container", Short: "copy the name"},
		why: (*VolumeUsers).noRow, do: func(t *VolumeUsers) tea.Cmd {
			name := t.selected().container.Name
			return copyText(name, safe(name))
		}},
}

// Scope implements Panel.
func (t *VolumeUsers) Scope() keys.Scope { return keys.Users }

// Bind implements Panel.
func (t *VolumeUsers) Bind(id keys.ID) (Bound, bool) {
	return bindRow(userBindings, t, &t.tablePage, id, t.loaded)
}

// Status implements Panel.
func (t *VolumeUsers) Status() string {
	if !t.loaded {
		return ""
	}
	return ofFilter(len(t.rows), t.all, t.filter.text, "mount", "mounts")
}

// View implements Panel.
func (t *VolumeUsers) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "volume", width, height); instead {
		return lines
	}
	whole := ""
	if u := t.selected(); u.container != nil {
		whole = u.container.Name + " at " + u.mount.Destination + glyph.Sep + cmp.Or(u.mount.Mode, mode(u.mount)) + glyph.Sep + u.container.Image
	}
	return t.view(s, safe(whole), "No container mounts it.", t.cell(s), width, height)
}

// cell gives the sign of a container's state its colour.
func (t *VolumeUsers) cell(s styles.Styles) func(row, column int) (lipgloss.Style, bool) {
	return func(row, column int) (lipgloss.Style, bool) {
		if column != 0 {
			return lipgloss.Style{}, false
		}
		_, _, style := s.Status(t.rows[row].container.Status)
		return style, true
	}
}

// DoubleClick implements Pointer: it goes to the container.
func (t *VolumeUsers) DoubleClick(x, y int) (bool, tea.Cmd) {
	if ok, cmd := t.Click(x, y); !ok {
		return false, cmd
	}
	return true, goTo(t.selected().container.ID)
}
