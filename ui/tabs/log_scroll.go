package tabs

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
)

// room is the number of rows that are visible, as far as Place has told.
func (t *Log) room() int { return max(1, t.height-btoi(t.Typing())) }

// content is the lines that can be shown without reading: those that stand
// still, or the last of the feed, of which a screen needs no more than rows.
func (t *Log) content(rows int) (lines []feed.Line, first int64) {
	if t.still != nil {
		skip := max(t.floor, t.still.first) - t.still.first
		skip = min(skip, int64(len(t.still.lines)))
		return t.still.lines[skip:], t.still.first + skip
	}
	end := t.feed.Status().End
	lines = t.feed.Lines(max(t.floor, end-int64(rows)), end)
	return lines, end - int64(len(lines))
}

// pause makes the view stand still where it is: what is on the screen stays,
// and what comes is counted.
func (t *Log) pause() {
	if t.still != nil || t.feed == nil {
		return
	}
	t.top = t.window(t.width, t.room()).top
	s := t.feed.Status()
	lines := t.feed.Lines(s.First, s.End)
	t.still = &past{lines: lines, first: s.End - int64(len(lines)), head: s.Head, kin: true}
	t.before = s.Printed
}

// follow shows the end as it grows.
func (t *Log) follow() tea.Cmd {
	stranger := t.still != nil && !t.still.kin
	t.still = nil
	if !stranger {
		return t.lookOn()
	}
	t.memo, t.here = memo{}, nowhere // the numbers are others now
	return t.find()
}

// joined tells whether the feed goes on where what stands still ends.
func (t *Log) joined() bool {
	return t.still != nil && t.still.kin && t.still.end() >= t.feed.Status().First
}

// catchUp takes over the lines that the feed has got meanwhile.
func (t *Log) catchUp() {
	if t.joined() {
		if more := t.feed.Lines(t.still.end(), t.feed.Status().End); len(more) > 0 {
			*t.still = t.still.withNewer(more)
		}
	}
}

// scroll moves by rows. It follows again when the end is reached, and goes on
// following where everything is on the screen.
func (t *Log) scroll(step int) tea.Cmd {
	if t.still == nil && step >= 0 {
		return nil
	}
	t.pause()
	t.top = t.walker(t.width).move(t.top, step)
	return t.settle(step > 0)
}

// settle keeps the screen full of rows after the top has moved.
func (t *Log) settle(down bool) tea.Cmd {
	w := t.walker(t.width)
	last := w.lastTop(t.room())
	if down && !t.top.before(last) {
		t.catchUp()
		w = t.walker(t.width)
		last = w.lastTop(t.room())
	}
	all := last == row{line: w.first} && t.still.head
	if t.joined() && !t.top.before(last) && (down || all) {
		return t.follow()
	}
	t.top = w.clamp(t.top, t.room())
	return t.more()
}

// toEnd shows the newest lines, toStart the first: they are read when they are
// not here.
func (t *Log) toEnd() tea.Cmd {
	t.here = nowhere
	return t.follow()
}

func (t *Log) toStart() tea.Cmd {
	t.floor = nowhere
	t.pause()
	if t.still.head {
		t.top = row{line: t.still.first}
		return t.settle(false)
	}
	return t.ask(pageRequest{kind: oldestPage})
}

// show marks a line and brings it into view, as little as that needs.
func (t *Log) show(line int64) tea.Cmd {
	t.pause()
	t.here = line
	win := t.window(t.width, t.room())
	if line >= win.top.line && line < win.end && !(line == win.top.line && win.top.sub > 0) && !(line == win.end-1 && win.cut) {
		t.top = win.top
		return nil
	}
	w := t.walker(t.width)
	t.top = w.clamp(w.move(row{line: line}, -t.room()/2), t.room())
	return t.more()
}

// inSight tells whether the marked line is on the screen.
func (t *Log) inSight() bool {
	win := t.window(t.width, t.room())
	return t.here >= win.top.line && t.here < win.end
}

// choose moves the mark to the next line that was printed; it begins at the end
// of the screen.
func (t *Log) choose(step int64) tea.Cmd {
	win := t.window(t.width, t.room())
	lines, first := t.content(t.room())
	at := t.here + step
	if !t.inSight() {
		at, step = win.end-1, -1
	}
	for ; at >= first && at < first+int64(len(lines)); at += step {
		if !lines[at-first].Mark {
			return t.show(at)
		}
		if step == 0 {
			break
		}
	}
	return nil
}

// walker walks over the rows of the content.
type walker struct {
	first int64
	lines []feed.Line
	rows  func(line int64, l feed.Line) int
}

func (t *Log) walker(width int) walker {
	lines, first := t.content(t.room())
	return walker{first: first, lines: lines, rows: func(n int64, l feed.Line) int { return len(t.look(n, l, width).rows) }}
}

func (w walker) end() int64 { return w.first + int64(len(w.lines)) }

func (w walker) count(line int64) int {
	if line < w.first || line >= w.end() {
		return 1
	}
	return w.rows(line, w.lines[line-w.first])
}

func (r row) before(o row) bool { return r.line < o.line || r.line == o.line && r.sub < o.sub }

// move is where one is after so many rows; it stays between the first and the
// last row.
func (w walker) move(at row, step int) row {
	if len(w.lines) == 0 {
		return at
	}
	if at.line < w.first {
		at = row{line: w.first}
	}
	if at.line >= w.end() {
		at = row{line: w.end() - 1}
	}
	at.sub = min(at.sub, w.count(at.line)-1)
	for step > 0 {
		left := w.count(at.line) - 1 - at.sub
		if step <= left {
			at.sub += step
			return at
		}
		if at.line+1 >= w.end() {
			at.sub += left
			return at
		}
		step -= left + 1
		at = row{line: at.line + 1}
	}
	for step < 0 {
		if -step <= at.sub {
			at.sub += step
			return at
		}
		if at.line <= w.first {
			return row{line: w.first}
		}
		step += at.sub + 1
		at = row{line: at.line - 1}
		at.sub = w.count(at.line) - 1
	}
	return at
}

// lastTop is the top of the screen that shows the end.
func (w walker) lastTop(room int) row {
	last := row{line: w.end() - 1}
	last.sub = w.count(last.line) - 1
	return w.move(last, 1-room)
}

// clamp keeps the screen full where there are enough rows.
func (w walker) clamp(top row, room int) row {
	if last := w.lastTop(room); last.before(top) {
		top = last
	}
	return w.move(top, 0)
}

// window is what a screen shows.
type window struct {
	top  row
	end  int64 // behind the last line that is shown
	cut  bool  // rows of the last line are not shown
	rows []row

	// lines, from number first on, are what the rows are of: the feed goes on
	// meanwhile, so that asking it again would give others.
	lines []feed.Line
	first int64
}

// window is worked out from the rows that are visible alone, however many lines
// there are. It does not need Place to have told the size.
func (t *Log) window(width, height int) window {
	w := t.walker(width)
	if t.still == nil {
		w.lines, w.first = t.content(height)
	}
	if len(w.lines) == 0 {
		return window{top: row{line: w.first}, end: w.first}
	}
	at := w.lastTop(height)
	if t.still != nil {
		at = w.clamp(t.top, height)
	}
	win := window{top: at, lines: w.lines, first: w.first}
	for len(win.rows) < height {
		win.rows = append(win.rows, at)
		win.end = at.line + 1
		if at.sub++; at.sub < w.count(at.line) {
			continue
		}
		if at = (row{line: at.line + 1}); at.line >= w.end() {
			return win
		}
	}
	win.cut = at.line == win.end-1
	return win
}
