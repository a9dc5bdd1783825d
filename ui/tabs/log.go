package tabs

import (
	"context"
	"math"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/logs"
	"gantry/ui/feed"
	"gantry/ui/logtext"
	"gantry/ui/styles"
)

// Log shows what a container prints: its end as it grows, or a part that stands
// still. Memory is bounded however long the log is; what is older than the
// lines that are kept is read from the journal when one scrolls there.
type Log struct {
	frame
	eng    engine.Engine
	styles func() styles.Styles
	now    func() time.Time

	parent  context.Context // what Open was given
	ctx     context.Context // of this generation; nil while closed
	cancel  context.CancelFunc
	gen     *generation
	id      engine.ID
	without logs.Stream // the stream that is hidden; 0 none
	feed    *feed.LogFeed

	still  *past // what is looked at while it does not follow; nil follows
	top    row   // the first row that is shown of it
	before int   // lines that had been printed when it began to stand still
	floor  int64 // lines before this one were cleared away
	here   int64 // the line that is marked
	asked  bool  // a page is under way
	hunt   *hunt // what is looked for beyond the lines that are here
	note   string

	wrap bool
	bare bool // without timestamps

	json bool // documents are shown over several rows

	sift       sift
	read       choice             // what the feed has
	coming     *coming            // a feed with other lines; nil: none
	stopRest   context.CancelFunc // ends the wait for keys to rest; nil: none
	marks      marks
	jump       prompt // the time to go to
	asksWindow bool   // a digit chooses how much is shown

	search search
	memo   memo
	inks   inks
}

// nowhere is the number of no line. Lines that are older than those that the
// feed began with have negative ones.
const nowhere = math.MinInt64

// row is a row on the screen: the line with its number, and which row of it
// where it is wrapped.
type row struct {
	line int64
	sub  int
}

// NewLog makes the tab. It shows nothing before Open.
func NewLog(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Log {
	return &Log{eng: eng, styles: s, now: now, floor: nowhere, here: nowhere, marks: make(marks)}
}

// Name implements Panel.
func (t *Log) Name() string { return "Log" }

// Open implements Tab. How lines are shown, which, and the search, stay.
func (t *Log) Open(ctx context.Context, id engine.ID) tea.Cmd {
	t.id, t.parent, t.without = id, ctx, 0
	return t.begin()
}

// begin reads the log from its last lines on.
func (t *Log) begin() tea.Cmd {
	t.Close()
	t.forget()
	t.read = t.wanted()
	if t.id == "" {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(t.parent)
	t.feed = feed.NewLog(t.ctx, t.source(t.read))
	return t.next()
}

// forget goes back to following the end.
func (t *Log) forget() {
	t.still, t.floor, t.here, t.note, t.asked, t.hunt = nil, nowhere, nowhere, "", false, nil
	t.search.restart()
	t.memo = memo{}
}

func (t *Log) source(c choice) feed.Source {
	return feed.Source{Engine: t.eng, ID: t.id, Without: c.without, Since: c.since, Keep: c.keep()}
}

// Close implements Panel.
func (t *Log) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.gen, t.feed = nil, nil, nil, nil
	t.dropComing()
	t.unrest()
}

// Refresh implements Panel: what has ended may go on, and what has happened to
// the container is part of the log.
func (t *Log) Refresh() tea.Cmd {
	if t.feed != nil {
		t.feed.Again()
	}
	return nil
}

// linesMsg tells that the open log has something new.
type linesMsg struct{ gen *generation }

func (t *Log) next() tea.Cmd {
	ctx, gen, f := t.ctx, t.gen, t.feed
	return func() tea.Msg {
		if f.Next(ctx) {
			return linesMsg{gen}
		}
		return nil
	}
}

// Update implements Panel.
func (t *Log) Update(msg tea.Msg) (bool, tea.Cmd) {
	if t.gen == nil {
		return false, nil
	}
	switch m := msg.(type) {
	case linesMsg:
		if m.gen == t.gen {
			return true, tea.Batch(t.next(), t.lookOn())
		}
	case pageMsg:
		if m.gen == t.gen {
			return true, t.acceptPage(m)
		}
	case foundMsg:
		if m.gen == t.gen {
			return true, t.acceptFound(m)
		}
	case comingMsg:
		if m.coming == t.coming {
			return true, t.acceptComing(m)
		}
	case siftMsg:
		if m.tab == t {
			return true, t.rested(m.round)
		}
	}
	return false, nil
}

// streams goes on to the next choice of streams: both, the one, the other.
func (t *Log) streams() tea.Cmd {
	t.without = map[logs.Stream]logs.Stream{0: logs.Stderr, logs.Stderr: logs.Stdout, logs.Stdout: 0}[t.without]
	return t.resift(t.anchor())
}

// clear hides what is there; g shows it again.
func (t *Log) clear() tea.Cmd {
	cmd := t.toEnd()
	t.floor = t.feed.Status().End
	return cmd
}

// isError is what e and E go to.
func isError(l feed.Line) bool {
	return !l.Mark && !l.Cont && logtext.LevelOf(levelText(l.Raw)).Level == logtext.Error
}
