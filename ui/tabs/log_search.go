package tabs

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
	"gantry/ui/logtext"
	"gantry/ui/widgets"
)

// search is what is searched for in the lines that are here.
type search struct {
	prompt
	pattern *logtext.Pattern
	wrong   error   // what is wrong with the text
	matches []int64 // numbers of the lines that hold it
	looked  int64   // lines before this one were looked through
	round   int     // answers to earlier texts are dropped
	busy    bool
	jump    bool // go to the nearest match when the answer is there
	origin  struct {
		still *past
		top   row
		here  int64
		end   int64 // the line below the screen
	}
}

// restart forgets what was found, not what is searched for.
func (s *search) restart() {
	s.matches, s.looked, s.busy = nil, nowhere, false
	s.round++
}

// foundMsg is the answer to a search.
type foundMsg struct {
	gen     *generation
	round   int
	matches []int64
	looked  int64
}

// openSearch begins to type. esc goes back to what is on the screen now.
func (t *Log) openSearch() {
	t.search.open()
	o := &t.search.origin
	o.still, o.top, o.here, o.end = nil, t.top, t.here, t.window(t.width, t.room()).end
	if t.still != nil {
		still := *t.still
		o.still = &still
	}
}

// typed takes a key of the text that is searched for; what it finds is shown
// while one types.
func (t *Log) typed(key string) tea.Cmd {
	s := &t.search
	changed := s.key(key)
	if key == "esc" || !s.typing && s.text == "" {
		t.still, t.top, t.here = s.origin.still, s.origin.top, s.origin.here
	}
	if !changed {
		return nil
	}
	p, err := logtext.Compile(s.text)
	if s.wrong = err; err != nil {
		p = nil
	}
	s.pattern, s.jump = p, s.typing
	t.memo = memo{}
	return t.find()
}

// find looks through all lines that are here, outside Update: an expression can
// be slow.
func (t *Log) find() tea.Cmd {
	t.search.restart()
	return t.lookOn()
}

// lookOn looks through the lines that have come since.
func (t *Log) lookOn() tea.Cmd {
	s := &t.search
	if s.pattern == nil || s.busy || t.feed == nil {
		return nil
	}
	lines, first := t.content(feed.KeptLines)
	if s.looked > first {
		skip := min(s.looked-first, int64(len(lines)))
		lines, first = lines[skip:], first+skip
	}
	if len(lines) == 0 {
		return nil
	}
	s.busy = true
	ctx, gen, round, p := t.ctx, t.gen, s.round, s.pattern
	return func() tea.Msg {
		m := foundMsg{gen: gen, round: round, looked: first + int64(len(lines))}
		for i, l := range lines {
			if i%64 == 0 && ctx.Err() != nil {
				return nil
			}
			if !l.Mark && p.In(widgets.Print(l.Raw).Text) {
				m.matches = append(m.matches, first+int64(i))
			}
		}
		return m
	}
}

func (t *Log) acceptFound(m foundMsg) tea.Cmd {
	s := &t.search
	if m.round != s.round {
		return nil
	}
	s.busy = false
	s.matches, s.looked = append(s.matches, m.matches...), m.looked
	if !s.jump {
		return nil
	}
	s.jump = false
	if len(s.matches) == 0 {
		t.still, t.top, t.here = s.origin.still, s.origin.top, s.origin.here
		return nil
	}
	i, _ := slices.BinarySearch(s.matches, s.origin.end)
	return t.show(s.matches[max(0, i-1)])
}

// nextMatch goes to the next line that holds what is searched for; after the
// last one that can be read to the first again.
func (t *Log) nextMatch(step int) tea.Cmd {
	s, p := &t.search, t.search.pattern
	cmd := t.goTo(step, "match", func(l feed.Line) bool { return !l.Mark && p.In(widgets.Print(l.Raw).Text) })
	if t.note == "" {
		return cmd
	}
	if t.note = ""; len(s.matches) == 0 {
		return cmd // the border says so
	}
	if step > 0 {
		t.note = "from the top again"
		return t.show(s.matches[0])
	}
	t.note = "from the end again"
	return t.show(s.matches[len(s.matches)-1])
}

// endSearch takes the text away; false when there was none.
func (t *Log) endSearch() bool {
	s := &t.search
	if !s.clear() {
		return false
	}
	s.pattern, s.wrong = nil, nil
	s.restart()
	t.memo = memo{}
	t.here = nowhere
	return true
}

// found says which match the mark is on, and of how many in the lines that are
// here.
func (t *Log) found() string {
	s := &t.search
	if s.text == "" {
		return ""
	}
	text := "/" + safe(s.text) + "/ "
	switch {
	case s.wrong != nil:
		return text + "cannot be searched for"
	case t.hunt != nil:
		return strings.TrimSpace(text)
	case len(s.matches) == 0 && s.busy:
		return text + "searching"
	case len(s.matches) == 0:
		return text + "not found"
	}
	if i, on := slices.BinarySearch(s.matches, t.here); on {
		return text + fmt.Sprintf("%d of %s", i+1, thousands(len(s.matches)))
	}
	return text + count(len(s.matches), "match", "matches")
}
