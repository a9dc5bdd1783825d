package tabs

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Log shows what a container prints.
type Log struct {
	frame
	eng    engine.Engine
	styles func() styles.Styles

	id     engine.ID
	feed   *feed.LogFeed   // nil while closed
	parent context.Context // what Open was given
	ctx    context.Context // of this generation
	cancel context.CancelFunc
	gen    *generation

	below int // lines between the bottom of the view and the newest; 0 follows
	seen  int // lines that the view has accounted for
}

// NewLog makes the tab. It shows nothing before Open.
func NewLog(eng engine.Engine, s func() styles.Styles, _ func() time.Time) *Log {
	return &Log{eng: eng, styles: s}
}

// Name implements Panel.
func (t *Log) Name() string { return "Log" }

// Scope of the actions that the keys registry has for this tab.
func (t *Log) Scope() keys.Scope { return keys.Log }

// Open implements Tab.
func (t *Log) Open(ctx context.Context, id engine.ID) tea.Cmd {
	t.Close()
	t.id, t.below, t.parent = id, 0, ctx
	return t.begin()
}

// begin reads the log from where its last lines are.
func (t *Log) begin() tea.Cmd {
	t.seen = 0
	if t.id == "" {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(t.parent)
	t.feed = feed.NewLog(t.ctx, t.eng, t.id, widgets.Safe)
	return t.next()
}

// Close implements Panel.
func (t *Log) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.gen, t.feed = nil, nil, nil, nil
}

// Refresh implements Panel: what ended with its container is read anew, since
// it may have been started again.
func (t *Log) Refresh() tea.Cmd {
	if t.feed == nil {
		return nil
	}
	if _, _, ended, _ := t.feed.Status(); !ended {
		return nil
	}
	t.Close()
	return t.begin()
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

// Update implements Panel. A log that is scrolled back stays where it is while
// new lines arrive below.
func (t *Log) Update(msg tea.Msg) (bool, tea.Cmd) {
	m, ok := msg.(linesMsg)
	if !ok || t.gen == nil || m.gen != t.gen {
		return false, nil
	}
	total, kept, _, _ := t.feed.Status()
	if t.below > 0 && t.seen > 0 {
		t.below = min(t.below+total-t.seen, max(0, kept-1))
	}
	t.seen = total
	return true, t.next()
}

// Key implements Panel.
func (t *Log) Key(key string) (bool, tea.Cmd) {
	if t.feed == nil {
		return false, nil
	}
	if step, ok := steps(key, max(1, t.height-1)); ok {
		t.scroll(step)
		return true, nil
	}
	if key != "f" {
		return false, nil
	}
	if t.below > 0 {
		t.below = 0
	} else { // one line behind is not following
		t.scroll(-1)
	}
	return true, nil
}

func (t *Log) scroll(step int) {
	_, kept, _, _ := t.feed.Status()
	t.below = max(0, min(t.below-step, kept-t.height))
}

// Typing implements Panel.
func (t *Log) Typing() bool { return false }

// Keys implements Panel.
func (t *Log) Keys() []KeyHelp { return nil }

// Status implements Panel.
func (t *Log) Status() string {
	if t.feed == nil {
		return ""
	}
	total, kept, ended, _ := t.feed.Status()
	s := count(total, "line", "lines")
	if total > kept {
		s += fmt.Sprintf(", last %d here", kept)
	}
	switch {
	case t.below > 0:
		s += fmt.Sprintf(glyph.Sep+"%d below", t.below)
	case ended:
		s += glyph.Sep + "ended"
	default:
		s += glyph.Sep + "following"
	}
	return s
}

// View implements Panel.
func (t *Log) View(width, height int) []string {
	if width < 4 || height < 1 {
		return nil
	}
	s := t.styles()
	if t.feed == nil {
		return stack(notice(s, width, "No container is chosen.", ""), nil, height)
	}
	total, _, _, err := t.feed.Status()
	switch {
	case err != nil:
		return stack(problem(s, width, err), nil, height)
	case total == 0:
		return stack(notice(s, width, "Nothing has been printed yet.", ""), nil, height)
	}
	lines := make([]string, 0, height)
	for _, l := range t.feed.Window(height, t.below) {
		lines = append(lines, logLine(l, width, s))
	}
	return lines
}

func logLine(l feed.Line, w int, s styles.Styles) string {
	if l.Mark {
		const rule = glyph.Horizontal + glyph.Horizontal + " "
		text := rule + l.Time.Local().Format("15:04:05") + " " + rule + l.Text + " "
		return s.Muted.Render(widgets.Fit(text+strings.Repeat(glyph.Horizontal, max(0, w-widgets.Width(text))), w))
	}
	const stamp = 13
	if w < 40 {
		return widgets.Fit(l.Text, w)
	}
	bar := s.Border.Render(glyph.Gutter + " ")
	if l.Stderr {
		bar = s.Stderr.Render(glyph.GutterError + " ")
	}
	return s.Muted.Render(l.Time.Local().Format("15:04:05.000")+" ") + bar + s.Text.Render(widgets.Fit(l.Text, w-stamp-2))
}
