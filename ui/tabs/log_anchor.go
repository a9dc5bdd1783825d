package tabs

import (
	"context"
	"sort"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
)

// anchor is a line that a view is held by, when other lines are shown around it.
type anchor struct {
	line   feed.Line
	above  int  // rows between the top of the screen and the line
	chosen bool // it is the chosen line
}

// anchor is where the view stands: at the chosen line where that is in sight,
// else at the first one of the screen; nil where it follows.
func (t *Log) anchor() *anchor {
	if t.still == nil || t.feed == nil {
		return nil
	}
	win := t.window(t.width, t.room())
	chosen := t.inSight()
	for i, r := range win.rows {
		l := win.lines[r.line-win.first]
		if chosen && r.line == t.here || !chosen && !l.Mark {
			return &anchor{l, i, chosen}
		}
	}
	return nil
}

// earlier tells whether one line stands before another in the log. Marks have
// no place, so their time tells.
func earlier(a, b feed.Line) bool {
	if a.Pos.Known() && b.Pos.Known() {
		return a.Pos.Before(b.Pos)
	}
	return a.Time.Before(b.Time)
}

// same tells whether two readings of the log have told of one line.
func same(a, b feed.Line) bool {
	return a.Pos == b.Pos && a.Time.Equal(b.Time) && (a.Pos.Known() || a.Raw == b.Raw)
}

// find is the number of a line, or of the one that follows where it is not
// among these lines; false when what follows may not be here.
func (p past) find(l feed.Line) (int64, bool) {
	i := sort.Search(len(p.lines), func(i int) bool { return !earlier(p.lines[i], l) })
	if i == len(p.lines) || i == 0 && !p.head && !same(p.lines[0], l) {
		return 0, false
	}
	return p.first + int64(i), true
}

// hold shows a line where it was on the screen; it is read when it is not here.
func (t *Log) hold(a anchor) tea.Cmd {
	t.pause()
	t.catchUp()
	if line, ok := t.still.find(a.line); ok {
		return t.holdAt(line, a)
	}
	return t.ask(pageRequest{kind: linePage, line: a})
}

func (t *Log) holdAt(line int64, a anchor) tea.Cmd {
	t.here = nowhere
	if a.chosen {
		t.here = line
	}
	w := t.walker(t.width)
	t.top = w.clamp(w.move(row{line: line}, -a.above), t.room())
	return t.more()
}

// acceptAround takes what is around a line in the place of what is shown.
func (t *Log) acceptAround(m pageMsg) tea.Cmd {
	if len(m.page.Lines) == 0 {
		return t.toEnd() // nothing of what is chosen is there, or later
	}
	t.still = &past{lines: m.page.Lines, head: m.page.Head}
	t.memo = memo{}
	t.meet()
	line, ok := t.still.find(m.line.line)
	if !ok {
		line = t.still.end() - 1
	}
	return t.holdAt(line, m.line)
}

// coming is a feed of other lines of the same log. What is shown stays until it
// has read the first of them.
type coming struct {
	choice
	feed   *feed.LogFeed
	ctx    context.Context
	cancel context.CancelFunc
	from   *anchor
	late   bool
}

// comingMsg tells that a feed has its first lines, or that it takes long.
type comingMsg struct {
	coming *coming
	late   bool
}

// after sends a message later; not at all when ctx has ended by then.
func after(ctx context.Context, d time.Duration, msg tea.Msg) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-time.After(d):
			return msg
		case <-ctx.Done():
			return nil
		}
	}
}

// siftLate is how long a choice may take before the view says that it does.
const siftLate = 300 * time.Millisecond

// resift reads the log anew when other lines are wanted than those that are
// shown. The view stays where it is in the log: who takes a filter away wants
// to see what is around a line that was found by it.
func (t *Log) resift(from *anchor) tea.Cmd {
	want := t.wanted()
	if t.coming != nil && t.coming.choice == want || t.feed == nil {
		return nil
	}
	t.dropComing()
	t.hush()
	if want == t.read {
		return nil
	}
	c := &coming{choice: want, from: from}
	c.ctx, c.cancel = context.WithCancel(t.parent)
	c.feed = feed.NewLog(c.ctx, t.source(want))
	t.coming = c
	return tea.Batch(
		func() tea.Msg {
			if c.feed.Next(c.ctx) {
				return comingMsg{coming: c}
			}
			return nil
		},
		after(c.ctx, siftLate, comingMsg{coming: c, late: true}),
	)
}

// rested looks for what was typed, when no further key has come.
func (t *Log) rested(round int) tea.Cmd {
	if round != t.sift.round {
		return nil
	}
	return t.resift(t.sift.from)
}

func (t *Log) dropComing() {
	if t.coming != nil {
		t.coming.cancel()
	}
	t.coming = nil
}

// acceptComing shows the lines of the other feed.
func (t *Log) acceptComing(m comingMsg) tea.Cmd {
	c := m.coming
	if m.late {
		c.late = true
		return nil
	}
	t.coming = nil
	t.cancel() // what typing waits for goes on
	t.forget()
	t.gen = new(generation)
	t.ctx, t.cancel, t.feed, t.read = c.ctx, c.cancel, c.feed, c.choice
	cmds := []tea.Cmd{t.next(), t.lookOn()}
	if c.from != nil {
		cmds = append(cmds, t.hold(*c.from))
	}
	return tea.Batch(cmds...)
}
