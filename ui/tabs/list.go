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

// steps is how far a key moves; far is beyond any list.
func steps(key string, page int) (step int, ok bool) {
	const far = 1 << 30
	switch key {
	case "j", "down":
		return 1, true
	case "k", "up":
		return -1, true
	case "pgdown":
		return page, true
	case "pgup":
		return -page, true
	case "ctrl+d":
		return max(1, page/2), true
	case "ctrl+u":
		return -max(1, page/2), true
	case "g", "home":
		return -far, true
	case "G", "end":
		return far, true
	}
	return 0, false
}

// key moves the cursor; room is the number of rows that are visible.
func (l *list) key(key string, room int) bool {
	step, ok := steps(key, max(1, room-1))
	if ok {
		l.put(l.at+step, room)
	}
	return ok
}

// put sets the cursor and scrolls as little as that needs.
func (l *list) put(at, room int) {
	l.at = max(0, min(at, l.n-1))
	l.offset = widgets.Window(l.n, max(1, room), l.at, l.offset)
}

// pageKeys is the part of the help that all lists share.
var pageKeys = KeyHelp{"j/k g/G pgdn pgup", "move"}
