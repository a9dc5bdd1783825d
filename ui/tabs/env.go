package tabs

import (
	"context"
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

// Env lists the environment that a container was made with.
type Env struct {
	readTable[engine.ContainerDetail]
	styles func() styles.Styles

	unsorted bool // as the container has them
	reveal   bool
	rows     []variable // what the filter leaves, in order
}

// NewEnv makes the tab. It shows nothing before Open.
func NewEnv(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Env {
	t := &Env{styles: s, readTable: readTable[engine.ContainerDetail]{reading: readDetail(eng)}}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{{Title: "NAME", Soft: true, Min: 12, Style: s.Name}, {Title: "VALUE", Soft: true, Min: 8, Style: s.Text}}
	}
	t.remake = t.choose
	return t
}

// Name implements Panel.
func (t *Env) Name() string { return "Env" }

// Open implements Tab. Another container's secrets are hidden again.
func (t *Env) Open(ctx context.Context, id engine.ID) tea.Cmd {
	if string(id) != t.ref {
		t.reveal = false
	}
	return t.open(ctx, string(id))
}

// choose makes the rows; the cursor stays on its variable.
func (t *Env) choose() {
	before := t.selected().name
	t.rows = t.rows[:0]
	for _, s := range t.value.Config.Env {
		v := parseVariable(s)
		// A hidden value must not be found by trying letters.
		if t.matches(v.name, v.shown(t.reveal)) {
			t.rows = append(t.rows, v)
		}
	}
	if !t.unsorted {
		slices.SortStableFunc(t.rows, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	}
	shown := make([][]string, len(t.rows))
	for i, v := range t.rows {
		shown[i] = []string{safe(v.name), v.shown(t.reveal)}
	}
	t.put(shown, slices.IndexFunc(t.rows, func(v variable) bool { return v.name == before }))
}

func (t *Env) selected() variable {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return variable{}
}

// envBindings are what can be done there.
var envBindings = bindings[*Env]{
	{Action: keys.Action{ID: "env.copy", Keys: []string{"y"}, Title: "Copy the value", Help: "Copy the value of the variable, also where it is hidden", Short: "copy"},
		why: (*Env).noRow, do: func(t *Env) tea.Cmd { return t.copy(false) }},
	{Action: keys.Action{ID: "env.reveal", Keys: []string{"v"}, Title: "Show secrets", Help: "Show what looks secret, or hide it again", Short: "show secrets"},
		do: shows(func(t *Env) { t.reveal = !t.reveal; t.choose() })},
	{Action: keys.Action{ID: "env.sort", Keys: []string{"o"}, Title: "Sort by name, or not", Help: "By name, or as the container has them", Short: "sort"},
		do: shows(func(t *Env) { t.unsorted = !t.unsorted; t.choose() })},
	{Action: keys.Action{ID: "env.copy.both", Keys: []string{"Y"}, Title: "Copy NAME=value", Help: "Copy the variable as --env takes it"},
		why: (*Env).noRow, do: func(t *Env) tea.Cmd { return t.copy(true) }},
}

// Scope implements Panel.
func (t *Env) Scope() keys.Scope { return keys.Env }

// Bind implements Panel.
func (t *Env) Bind(id keys.ID) (Bound, bool) {
	return bindRow(envBindings, t, &t.tablePage, id, t.loaded)
}

// copy takes the true value also where it is hidden: that is what it is
// copied for.
func (t *Env) copy(whole bool) tea.Cmd {
	v := t.selected()
	switch {
	case len(t.rows) == 0:
		return nil
	case whole:
		return copyText(v.name+"="+v.value, safe(v.name)+" with its value")
	}
	return copyText(v.value, "value of "+safe(v.name))
}

// Status implements Panel.
func (t *Env) Status() string {
	if !t.loaded {
		return ""
	}
	s := ofFilter(len(t.rows), len(t.value.Config.Env), t.filter.text, "variable", "variables")
	if t.unsorted {
		s += glyph.Sep + "as given"
	}
	if t.reveal {
		s += glyph.Sep + "secrets shown"
	}
	return s
}

// View implements Panel.
func (t *Env) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "container", width, height); instead {
		return lines
	}
	v := t.selected()
	muted := s.Muted // s itself is large, and would go to the heap
	hide := func(row, column int) (lipgloss.Style, bool) {
		return muted, column == 1 && t.rows[row].masked() && !t.reveal
	}
	return t.view(s, safe(v.name)+"="+v.shown(t.reveal), "It has no environment of its own.", hide, width, height)
}
