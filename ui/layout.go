package ui

// rect is a part of the screen, in cells from its upper left corner.
type rect struct{ x, y, w, h int }

// inner is the number of rows inside the border.
func (r rect) inner() int { return max(0, r.h-2) }

func (r rect) holds(x, y int) bool { return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h }

// layout is where the panes are; one that is not shown is empty. bar is the
// line that names those.
type layout struct {
	panes [panes]rect
	bar   rect
}

func (l layout) of(p pane) rect { return l.panes[p] }

// shape is what a layout depends on besides the size of the screen.
type shape struct {
	focus pane
	zoom  bool
	under pane       // the lower list that is shown where there is room for one
	rows  [panes]int // that the lists would like to have; no jobs: no pane for them
	quiet bool
	// What splitters were dragged to; 0: not yet.
	left, lower, right int
}

// narrow is the width below which panes stand one above the other, wide the
// one from which the log has a column of its own; below small only the focused
// pane is shown.
const (
	narrow     = 72
	wide       = 180
	small      = 16
	smallWidth = 44
	tall       = 44 // from which all lists have a place
)

// listsInOrder are the lists from the top to the bottom.
var listsInOrder = []pane{containersPane, imagesPane, volumesPane, networksPane, jobsPane}

// isLower tells whether a list stands below the containers, one in the place of
// the other where there is room for one only.
func isLower(p pane) bool { return p == imagesPane || p == volumesPane || p == networksPane }

func (m *Model) layout() layout {
	s := shape{
		focus: m.focus, zoom: m.zoom, under: m.under, quiet: !m.jobsRun() && m.focus != jobsPane,
		left: m.split.left, lower: m.split.lower, right: m.split.right,
	}
	for _, p := range listsInOrder {
		s.rows[p] = m.list(p).All()
	}
	s.rows[containersPane] = max(s.rows[containersPane], m.containers.Lines()) // headings too; a filter moves nothing
	return arrange(m.width, m.height, s)
}

// below is the topmost list below the containers.
func (l layout) below() rect {
	for _, p := range listsInOrder[1:] {
		if r := l.panes[p]; r.h > 0 {
			return r
		}
	}
	return rect{}
}

// arrange is a pure function: the first line is the header, the last the
// footer.
func arrange(width, height int, s shape) layout {
	body := rect{0, 1, width, max(0, height-2)}
	var l layout
	switch {
	case s.zoom:
		l.panes[s.focus] = body
	case height < small || width < smallWidth:
		l.single(body, s)
	case width < narrow:
		l.stack(body, s)
	default:
		l.columns(body, s)
	}
	return l
}

// single shows one pane at a time.
func (l *layout) single(body rect, s shape) {
	if body.h >= 8 {
		body.h--
		l.bar = rect{0, body.y + body.h, body.w, 1}
	}
	l.panes[s.focus] = body
}

// stack shows a list above the detail.
func (l *layout) stack(body rect, s shape) {
	body.h--
	l.bar = rect{0, body.y + body.h, body.w, 1}
	top := rect{body.x, body.y, body.w, body.h * 2 / 5}
	list := s.focus
	if list == detailPane || list == sidePane {
		list = containersPane
	}
	l.panes[list] = top
	l.panes[detailPane] = rect{0, top.y + top.h, body.w, body.h - top.h}
}

// columns shows the lists at the left, the detail beside them and, where there
// is room, the log beside that.
func (l *layout) columns(body rect, s shape) {
	left := min(max(body.w*45/100, 40), 84)
	if body.w >= wide {
		left = min(body.w*32/100, 72)
	}
	if s.left > 0 {
		left = max(30, min(s.left, body.w-30))
	}
	l.lists(rect{0, body.y, left, body.h}, s)
	rest := rect{left, body.y, body.w - left, body.h}
	if body.w >= wide && rest.w >= 90 {
		side := rest.w * 55 / 100
		if s.right > 0 {
			side = max(40, min(s.right, rest.w-40))
		}
		rest.w -= side
		l.panes[sidePane] = rect{rest.x + rest.w, body.y, side, body.h}
	}
	l.panes[detailPane] = rest
}

// lists stacks the lists; containers have what the others leave. What has no
// place is named in the bar: lower lists but one where the screen is not tall,
// and jobs that are all over.
func (l *layout) lists(col rect, s shape) {
	jobs := s.rows[jobsPane]
	lower := []pane{imagesPane}
	for _, p := range []pane{s.under, s.focus} {
		if isLower(p) {
			lower[0] = p
		}
	}
	if col.h >= tall {
		lower = []pane{imagesPane, volumesPane, networksPane}
	}
	if len(lower) == 1 || jobs > 0 && s.quiet {
		col.h--
		l.bar = rect{col.x, col.y + col.h, col.w, 1}
	}
	bottom := col.y + col.h
	place := func(p pane, h int) {
		bottom -= h
		l.panes[p] = rect{col.x, bottom, col.w, h}
	}
	const frame, least = 2, 5 // of the containers
	const titled = frame + 1  // with the titles of the columns
	if jobs > 0 && !s.quiet {
		place(jobsPane, min(jobs+frame, max(3, col.h/5)))
	}
	spare := bottom - col.y - max(col.h/3, s.rows[containersPane]+titled)
	heights := make([]int, len(lower))
	for i, p := range lower {
		share := col.h / 3
		if len(lower) > 1 {
			share /= 2
		}
		heights[i] = max(5, min(s.rows[p]+titled, share))
		spare -= heights[i]
	}
	for i, p := range lower { // what containers leave empty goes to lists that are cut
		more := max(0, min(spare, s.rows[p]+titled-heights[i]))
		heights[i] += more
		spare -= more
	}
	if s.lower > 0 {
		heights[0] = s.lower
	}
	for i := len(lower) - 1; i >= 0; i-- {
		place(lower[i], max(4, min(heights[i], bottom-col.y-least)))
	}
	l.panes[containersPane] = rect{col.x, col.y, col.w, bottom - col.y}
}
