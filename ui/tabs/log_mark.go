package tabs

import (
	"slices"
	"sort"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/feed"
	"gantry/ui/widgets"
)

// marks are the lines of each container that were marked, in the order of its
// log.
type marks map[engine.ID][]feed.Line

// place is where a line stands among those that are marked, or would stand.
func (m marks) place(id engine.ID, l feed.Line) (int, bool) {
	lines := m[id]
	i := sort.Search(len(lines), func(i int) bool { return !earlier(lines[i], l) })
	for j := i; j < len(lines) && !earlier(l, lines[j]); j++ {
		if same(lines[j], l) {
			return j, true
		}
	}
	return i, false
}

// turn marks a line, or takes its mark away.
func (m marks) turn(id engine.ID, l feed.Line) {
	i, has := m.place(id, l)
	if has {
		m[id] = slices.Delete(m[id], i, i+1)
		return
	}
	m[id] = slices.Insert(m[id], i, l)
}

// next is the mark after a line, or before it; around the ends.
func (m marks) next(id engine.ID, l feed.Line, step int) (mark feed.Line, around bool) {
	lines := m[id]
	i, on := m.place(id, l)
	switch {
	case step < 0:
		i--
	case on:
		i++
	}
	n := len(lines)
	return lines[(i+n)%n], i < 0 || i >= n
}

// hasMark tells whether a line is marked.
func (t *Log) hasMark(l feed.Line) bool {
	if len(t.marks[t.id]) == 0 {
		return false
	}
	_, has := t.marks.place(t.id, l)
	return has
}

// turnMark marks the chosen line. Where none is chosen it is the last one that
// is shown; a view that follows goes on with that, because one marks what is
// there before doing what prints more.
func (t *Log) turnMark() tea.Cmd {
	l, ok := t.atHand()
	if !ok {
		t.note = "no line is shown"
		return nil
	}
	t.marks.turn(t.id, l)
	return nil
}

// atHand is the chosen line, or the last on the screen that was printed.
func (t *Log) atHand() (feed.Line, bool) {
	win := t.window(t.width, t.room())
	if t.inSight() {
		return win.lines[t.here-win.first], true
	}
	for n := min(win.end-win.first, int64(len(win.lines))) - 1; n >= 0; n-- {
		if !win.lines[n].Mark {
			return win.lines[n], true
		}
	}
	return feed.Line{}, false
}

// toMark shows the next marked line, from the chosen one or the edge of the
// screen on.
func (t *Log) toMark(step int) tea.Cmd {
	win := t.window(t.width, t.room())
	if len(win.rows) == 0 {
		return nil
	}
	from := win.lines[win.top.line-win.first]
	if l, ok := t.atHand(); ok && (t.inSight() || step < 0 || t.still == nil) {
		from = l
	}
	to, around := t.marks.next(t.id, from, step)
	cmd := t.hold(anchor{line: to, above: t.room() / 2, chosen: true})
	switch {
	case around && step > 0:
		t.note = "from the top again"
	case around:
		t.note = "from the end again"
	}
	return cmd
}

func (t *Log) noMarks() string {
	if len(t.marks[t.id]) == 0 {
		return "no line is marked"
	}
	return ""
}

// copyMarks copies the marked lines, also those that are not among what is
// shown.
func (t *Log) copyMarks() tea.Cmd {
	var b strings.Builder
	lines := t.marks[t.id]
	for _, l := range lines {
		b.WriteString(widgets.Print(l.Raw).Text + "\n")
	}
	return copyText(b.String(), count(len(lines), "marked line", "marked lines"))
}
