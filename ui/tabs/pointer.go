package tabs

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/styles"
)

// Pointer is what panels implement that take the mouse. Cells count from the
// upper left corner of what View draws, at the size that Place has told.
type Pointer interface {
	// Wheel scrolls by lines, downwards where they are positive.
	Wheel(lines int) tea.Cmd
	// Click selects what is under the pointer.
	Click(x, y int) (handled bool, cmd tea.Cmd)
	// DoubleClick does with it what its usual key does.
	DoubleClick(x, y int) (handled bool, cmd tea.Cmd)
}

var (
	_ Pointer = (*Log)(nil)
	_ Pointer = (*Inspect)(nil)
	_ Pointer = (*Env)(nil)
	_ Pointer = (*Mounts)(nil)
	_ Pointer = (*Processes)(nil)
	_ Pointer = (*ImageConfig)(nil)
	_ Pointer = (*ImageHistory)(nil)
	_ Pointer = (*Events)(nil)
	_ Pointer = (*ObjectEvents)(nil)
)

// wheel scrolls the window; the cursor stays where it is as long as it is in
// sight.
func (l *list) wheel(lines, room int) {
	room = max(1, room)
	l.offset = max(0, min(l.offset+lines, l.n-room))
	l.at = max(0, min(max(l.offset, min(l.at, l.offset+room-1)), l.n-1))
}

// Wheel implements Pointer.
func (p *tablePage) Wheel(lines int) tea.Cmd {
	p.list.wheel(lines, p.room())
	return nil
}

// Click implements Pointer.
func (p *tablePage) Click(_, y int) (bool, tea.Cmd) {
	row := p.list.offset + y - 1
	if y < 1 || y > p.room() || row >= p.list.n {
		return false, nil
	}
	p.list.put(row, p.room())
	return true, nil
}

// DoubleClick implements Pointer.
func (p *tablePage) DoubleClick(x, y int) (bool, tea.Cmd) { return p.Click(x, y) }

// columnAt is the column whose title is at x, -1 when none is.
func (p *tablePage) columnAt(x int) int { return p.table(styles.Styles{}).ColumnAt(x, p.width) }

// Wheel implements Pointer.
func (p *jsonPage) Wheel(lines int) tea.Cmd {
	l := list{at: p.tree.Cursor(), offset: p.offset, n: p.tree.Len()}
	l.wheel(lines, p.room())
	p.tree.SetCursor(l.at)
	p.offset = l.offset
	return nil
}

// Click implements Pointer: on the mark before a name it folds.
func (p *jsonPage) Click(x, y int) (bool, tea.Cmd) {
	row := p.offset + y
	if y < 0 || y >= p.room() || row >= p.tree.Len() {
		return false, nil
	}
	p.tree.SetCursor(row)
	if p.tree.OnMark(x, p.width) {
		p.tree.Toggle()
	}
	p.scroll()
	return true, nil
}

// DoubleClick implements Pointer.
func (p *jsonPage) DoubleClick(x, y int) (bool, tea.Cmd) {
	ok, _ := p.Click(x, y)
	if ok && !p.tree.OnMark(x, p.width) {
		p.tree.Toggle()
		p.scroll()
	}
	return ok, nil
}
