package tabs

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
)

// pageKind is which page of the log is read.
type pageKind int

const (
	olderPage pageKind = iota
	newerPage
	oldestPage
	timePage
	linePage // around a line
)

// pageRequest asks for a page beside from.
type pageRequest struct {
	kind  pageKind
	from  past
	hunts bool // for what is looked for, not for the view
	at    time.Time
	line  anchor
}

// pageMsg is the answer.
type pageMsg struct {
	gen *generation
	pageRequest
	page feed.Page
}

// ask reads a page; one at a time.
func (t *Log) ask(r pageRequest) tea.Cmd {
	if t.asked || t.ctx == nil {
		return nil
	}
	t.asked = true
	ctx, gen, src := t.ctx, t.gen, t.source(t.read)
	return func() tea.Msg {
		var p feed.Page
		switch r.kind {
		case olderPage:
			l, place := r.from.oldest()
			p = src.Older(ctx, l, place)
		case newerPage:
			l, place := r.from.newest()
			p = src.Newer(ctx, l, place)
		case timePage:
			p = src.At(ctx, r.at)
		case linePage:
			p = src.Around(ctx, r.line.line)
		default:
			p = src.Oldest(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		return pageMsg{gen, r, p}
	}
}

// more asks for the page that scrolling on would need soon: a screen before the
// lines that are here run out.
func (t *Log) more() tea.Cmd {
	if t.still == nil || t.hunt != nil {
		return nil
	}
	near := int64(2 * t.room())
	_, place := t.still.oldest()
	if t.top.line-t.still.first < near && !t.still.head && t.floor <= t.still.first && place.Known() {
		return t.ask(pageRequest{kind: olderPage, from: *t.still})
	}
	if t.joined() {
		return nil
	}
	if _, place = t.still.newest(); t.still.end()-t.top.line < 2*near && place.Known() {
		return t.ask(pageRequest{kind: newerPage, from: *t.still})
	}
	return nil
}

// acceptPage puts a page where it was asked for.
func (t *Log) acceptPage(m pageMsg) tea.Cmd {
	t.asked = false
	if m.page.Err != nil {
		t.hunt = nil
		t.note = "cannot be read further: " + safe(m.page.Err.Error())
		return nil
	}
	if m.hunts {
		return t.acceptHunted(m)
	}
	switch {
	case t.still == nil:
		return nil // it follows again
	case m.kind == oldestPage:
		t.still = &past{lines: m.page.Lines, head: true}
		t.meet()
		t.top, t.here, t.memo = row{line: t.still.first}, nowhere, memo{}
	case m.kind == timePage && len(m.page.Lines) == 0:
		t.note = "nothing since " + m.at.Local().Format("15:04:05")
		return t.toEnd()
	case m.kind == timePage:
		t.still = &past{lines: m.page.Lines, head: m.page.Head}
		t.meet()
		t.top, t.here, t.memo = row{line: t.still.first}, t.still.first, memo{}
	case m.kind == linePage:
		return tea.Batch(t.acceptAround(m), t.find())
	case m.kind == olderPage && t.still.first == m.from.first:
		*t.still = t.still.withOlder(m.page)
	case m.kind == newerPage && t.still.end() == m.from.end() && !t.joined():
		*t.still = t.still.withNewer(m.page.Lines)
		if !t.meet() && m.page.End && len(m.page.Lines) == 0 {
			return t.follow() // nothing is left to read, and no line in common
		}
	default:
		return nil // what stands still is another part by now
	}
	return tea.Batch(t.more(), t.find())
}

// meet takes over the feed's numbers when what stands still has reached its
// lines.
func (t *Log) meet() bool {
	s := t.feed.Status()
	q, by, ok := t.still.meet(t.feed.Lines(s.First, s.First+100), s.First)
	if !ok {
		return false
	}
	if by != 0 {
		t.top.line += by
		if t.here != nowhere {
			t.here += by
		}
		t.memo = memo{}
	}
	*t.still = q
	return true
}

// hunt is a search that goes on beyond the lines that are here, page by page,
// until it has found something or a key is pressed. The view stays meanwhile.
type hunt struct {
	step int // 1 towards newer lines
	fits func(feed.Line) bool
	what string // one of it
	at   past
}

// goTo shows the next line that fits, from the marked line on, or from the edge
// of the screen where none is in sight.
func (t *Log) goTo(step int, what string, fits func(feed.Line) bool) tea.Cmd {
	win := t.window(t.width, t.room())
	from := t.here
	if !t.inSight() {
		if from = win.end; step > 0 {
			from = win.top.line - 1
		}
	}
	t.pause()
	t.catchUp()
	if line, ok := scan(*t.still, from, step, t.floor, fits); ok {
		return t.show(line)
	}
	return t.lookBeyond(&hunt{step: step, fits: fits, what: what, at: *t.still})
}

// scan goes over lines from the one next to from on.
func scan(p past, from int64, step int, floor int64, fits func(feed.Line) bool) (int64, bool) {
	for n := from + int64(step); n >= max(p.first, floor) && n < p.end(); n += int64(step) {
		if fits(p.lines[n-p.first]) {
			return n, true
		}
	}
	return 0, false
}

// lookBeyond reads the next page for a hunt, or says that there is no more.
func (t *Log) lookBeyond(h *hunt) tea.Cmd {
	_, older := h.at.oldest()
	_, newer := h.at.newest()
	switch {
	case t.asked:
		t.hunt, t.note = nil, "still reading"
		return nil
	case h.step < 0 && !h.at.head && t.floor <= h.at.first && older.Known():
		t.hunt = h
		return t.ask(pageRequest{kind: olderPage, from: h.at, hunts: true})
	case h.step > 0 && newer.Known() && !(h.at.kin && h.at.end() >= t.feed.Status().First):
		t.hunt = h
		return t.ask(pageRequest{kind: newerPage, from: h.at, hunts: true})
	}
	t.hunt = nil
	t.note = "no later " + h.what
	if h.step < 0 {
		t.note = "no earlier " + h.what
	}
	return nil
}

// acceptHunted looks through a page that was read for a hunt.
func (t *Log) acceptHunted(m pageMsg) tea.Cmd {
	h := t.hunt
	if h == nil || h.at.first != m.from.first || h.at.end() != m.from.end() {
		return nil // it was given up
	}
	from := h.at.first
	if m.kind == olderPage {
		h.at = h.at.withOlder(m.page)
	} else {
		from = h.at.end() - 1
		h.at = h.at.withNewer(m.page.Lines)
		if m.page.End && len(m.page.Lines) == 0 {
			h.at.kin, h.at.first = true, t.feed.Status().End // nothing is left to read
		}
	}
	line, ok := scan(h.at, from, h.step, t.floor, h.fits)
	if !ok {
		return t.lookBeyond(h)
	}
	t.hunt = nil
	t.still = &h.at
	t.here = nowhere
	cmd := t.show(line)
	t.meet()
	return tea.Batch(cmd, t.find())
}
