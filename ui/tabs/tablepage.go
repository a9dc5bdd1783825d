package tabs

import (
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// tablePage is a table with a cursor, a filter and a strip below: what the
// tabs that list things have in common.
type tablePage struct {
	frame
	filter prompt
	list   list
	shown  [][]string // the rows, as they are shown
	// remake makes the rows anew, because the filter is another one.
	remake func()
	// columns are the table's; their styles do not matter for measuring.
	columns func(s styles.Styles) []widgets.Column
}

// put takes new rows; at is where the cursor's row is now, -1 when it is gone.
func (p *tablePage) put(rows [][]string, at int) {
	p.shown, p.list.n = rows, len(rows)
	if at < 0 {
		at = p.list.at
	}
	p.list.put(at, p.room())
}

func (p *tablePage) table(s styles.Styles) widgets.Table {
	return widgets.Table{
		Columns: p.columns(s), Rows: p.shown, Cursor: p.list.at, Offset: p.list.offset, Focused: !p.unfocused,
		Styles: widgets.TableStyles{Header: s.Muted, Bar: s.Bar(!p.unfocused), Selected: s.Selected},
	}
}

// room is the number of rows that are visible, as far as Place has told.
func (p *tablePage) room() int {
	cuts := p.table(styles.Styles{}).Cuts(p.width)
	return max(1, p.height-1-footRows(cuts, &p.filter, p.height))
}

// tableBindings are what all of them can do.
var tableBindings = bindings[*tablePage]{
	{Action: keys.Action{ID: "table.filter", Keys: []string{"/"}, Title: "Filter rows", Help: "Show only rows that hold a text", Short: "filter"},
		do: shows(func(p *tablePage) { p.filter.open() })},
}

// Move implements Panel.
func (p *tablePage) Move(steps func(page int) int) tea.Cmd {
	p.list.move(steps, p.room())
	return nil
}

// Typing implements Panel.
func (p *tablePage) Typing() bool { return p.filter.typing }

// Type implements Panel: rows follow as one types.
func (p *tablePage) Type(key string) tea.Cmd {
	if p.filter.key(key) {
		p.remake()
	}
	return nil
}

// Back implements Panel: it takes the filter away.
func (p *tablePage) Back() bool {
	had := p.filter.clear()
	if had {
		p.remake()
	}
	return had
}

// noRow is why nothing can be done to the chosen row.
func (p *tablePage) noRow() string {
	if len(p.shown) == 0 {
		return "there is no row"
	}
	return ""
}

// view draws the table; whole is the selected row without cutting, none what
// to say when there is no row.
func (p *tablePage) view(s styles.Styles, whole, none string, cell func(row, column int) (lipgloss.Style, bool), width, height int) []string {
	t := p.table(s)
	t.Cell = cell
	if len(p.shown) == 0 {
		if p.filter.text != "" {
			none = "Nothing matches /" + safe(p.filter.text) + "/."
		}
		return stack(notice(s, width, none, ""), foot(s, &p.filter, "filter", "", false, width, height), height)
	}
	below := foot(s, &p.filter, "filter", whole, t.Cuts(width), width, height)
	return stack(t.Render(width, height-len(below)), below, height)
}

// matches tells whether one of the values holds what is filtered by.
func (p *tablePage) matches(values ...string) bool {
	for _, v := range values {
		if widgets.Find(v, p.filter.text) >= 0 {
			return true
		}
	}
	return false
}
