package tabs

import "gantry/ui/widgets"

// frame is where a tab stands, as Place said.
type frame struct {
	width, height int
	unfocused     bool
}

// Place implements Panel.
func (f *frame) Place(width, height int, focused bool) {
	f.width, f.height, f.unfocused = width, height, !focused
}

// list is a cursor in n rows.
type list struct{ at, offset, n int }

// move goes on by so many rows; room is the number of rows that are visible.
func (l *list) move(steps func(page int) int, room int) {
	l.put(l.at+steps(max(1, room-1)), room)
}

// put sets the cursor and scrolls as little as that needs.
func (l *list) put(at, room int) {
	l.at = max(0, min(at, l.n-1))
	l.offset = widgets.Window(l.n, max(1, room), l.at, l.offset)
}
