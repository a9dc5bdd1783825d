package tabs

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
	"gantry/ui/logtext"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// inks are the pens that a log is drawn with: usually, and in the marked line.
// They are made once per theme.
type inks struct {
	made        *styles.Making
	focused     bool
	usual, here inkSet
}

type inkSet struct {
	text, muted, border, stderr, bar, match widgets.Pen
	level                                   [logtext.Error + 1]widgets.Pen
	looks                                   map[widgets.Look]widgets.Pen // of the container's own
	base                                    lipgloss.Style
	on                                      func(lipgloss.Style) lipgloss.Style
}

// mix makes the pens of a theme, when it is not the one that they are of.
func (i *inks) mix(s *styles.Styles, focused bool) {
	if i.made == s.Made && i.focused == focused && i.made != nil {
		return
	}
	selected := s.Selected
	lit := func(style lipgloss.Style) lipgloss.Style { return style }
	i.usual = newInkSet(s, s.Match, focused, lit)
	if focused {
		lit = func(style lipgloss.Style) lipgloss.Style { return widgets.Lit(style, selected) }
	}
	i.here = newInkSet(s, s.MatchHere, focused, lit)
	i.made, i.focused = s.Made, focused
}

func newInkSet(s *styles.Styles, match lipgloss.Style, focused bool, on func(lipgloss.Style) lipgloss.Style) inkSet {
	pen := func(style lipgloss.Style) widgets.Pen { return widgets.NewPen(on(style)) }
	set := inkSet{
		text: pen(s.Text), muted: pen(s.Muted), border: pen(s.Border), stderr: pen(s.Stderr), match: pen(match),
		bar: widgets.NewPen(s.Bar(focused)), base: s.Text, on: on, looks: make(map[widgets.Look]widgets.Pen),
	}
	for level, style := range map[logtext.Level]lipgloss.Style{logtext.Debug: s.LogDebug, logtext.Info: s.LogInfo, logtext.Warn: s.LogWarn, logtext.Error: s.LogError} {
		set.level[level] = pen(style)
	}
	return set
}

// mostLooks is more than a program uses; one that mixes its own colours has no
// end of them.
const mostLooks = 256

func (s *inkSet) look(l widgets.Look) widgets.Pen {
	if l == (widgets.Look{}) {
		return s.text
	}
	p, ok := s.looks[l]
	if !ok {
		if len(s.looks) >= mostLooks {
			clear(s.looks)
		}
		p = widgets.NewPen(s.on(l.Over(s.base)))
		s.looks[l] = p
	}
	return p
}

// linePainter draws a part of a line: in the colours of its program, its level
// word in ours where it has none, what is searched for above all.
type linePainter struct {
	in    *inkSet
	k     *looked
	width int
	b     strings.Builder
}

// draw fills width cells with text[from:to], or as much as fits.
func (p *linePainter) draw(from, to int) {
	text := p.k.text.Text
	n, cells := widgets.Head(text[from:to], p.width)
	more := from+n < to
	if more {
		n, cells = widgets.Head(text[from:to], p.width-1)
	}
	for at := from; at < from+n; {
		pen, next := p.penAt(at)
		next = min(next, from+n)
		pen.Draw(&p.b, text[at:next])
		at = next
	}
	if more {
		pen := p.in.muted
		if i := len(p.k.places); i > 0 && p.k.places[i-1][1] > from+n {
			pen = p.in.match // what is searched for is out of sight
		}
		pen.Draw(&p.b, glyph.Ellipsis)
		cells++
	}
	if cells < p.width {
		p.in.text.Draw(&p.b, strings.Repeat(" ", p.width-cells))
	}
}

// penAt is what the text at a byte is drawn with, and where another pen begins.
func (p *linePainter) penAt(at int) (widgets.Pen, int) {
	next := len(p.k.text.Text)
	for _, m := range p.k.places {
		if at >= m[0] && at < m[1] {
			return p.in.match, m[1]
		}
		if m[0] > at {
			next = min(next, m[0])
			break
		}
	}
	runs := p.k.text.Runs
	i, on := slices.BinarySearchFunc(runs, at, func(r widgets.Run, at int) int { return r.From - at })
	if on {
		i++
	}
	if i < len(runs) {
		next = min(next, runs[i].From)
	}
	if i > 0 && runs[i-1].Look != (widgets.Look{}) {
		return p.in.look(runs[i-1].Look), next
	}
	switch l := p.k.level; {
	case at < l.From:
		next = min(next, l.From)
	case at < l.To:
		return p.in.level[l.Level], min(next, l.To)
	}
	return p.in.text, next
}
