package widgets

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Pen draws with one style what is drawn much of: the escape sequences before
// and behind a text are made once. A text is one line without control
// characters.
type Pen struct{ before, behind string }

// NewPen makes the pen of a style of colours and weights.
func NewPen(s lipgloss.Style) Pen {
	before, behind, _ := strings.Cut(s.Render("x"), "x")
	return Pen{before, behind}
}

// Draw writes text.
func (p Pen) Draw(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	b.WriteString(p.before)
	b.WriteString(text)
	b.WriteString(p.behind)
}

// Text is what Draw writes.
func (p Pen) Text(text string) string {
	if text == "" {
		return ""
	}
	return p.before + text + p.behind
}
