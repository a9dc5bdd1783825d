package widgets

import (
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
)

// Pane is a bordered part of the screen. Title stands at the left of the top
// border and Corner at its right, Position in the bottom one.
type Pane struct {
	Title, Position string
	Corner          string // left out when there is no room for both
	Width, Height   int    // outside, in cells
	Focused         bool
	Styled          bool           // Title has its own styles already
	Border, Bold    lipgloss.Style // of the border, of the title
	Note            lipgloss.Style // of Corner and Position: facts, never as loud as the focus
}

// Inner is the room inside the border.
func (p Pane) Inner() (width, height int) { return max(0, p.Width-2), max(0, p.Height-2) }

// Render draws lines inside the border. A line must be exactly as wide as the
// inside, or empty.
func (p Pane) Render(lines []string) []string {
	w, h := p.Inner()
	if w == 0 || p.Height < 2 {
		return nil
	}
	out := make([]string, 0, p.Height)
	bold := p.Bold
	if p.Styled {
		bold = lipgloss.NewStyle()
	}
	out = append(out, p.edge(glyph.TopLeft, glyph.TopRight, p.Title, bold, true))
	side := p.Border.Render(glyph.Vertical)
	blank := strings.Repeat(" ", w)
	for i := range h {
		line := blank
		if i < len(lines) && lines[i] != "" {
			line = lines[i]
		}
		out = append(out, side+line+side)
	}
	return append(out, p.edge(glyph.BottomLeft, glyph.BottomRight, p.Position, p.Note, false))
}

// Holds tells whether a title, or what stands in the bottom border, fits whole.
func (p Pane) Holds(text string) bool { return Width(Plain(text)) <= p.Width-6 }

// edge is a horizontal border with text set into it, at its left or right end.
func (p Pane) edge(left, right, text string, style lipgloss.Style, atLeft bool) string {
	room := p.Width - 2
	if text != "" && room > 6 {
		text = " " + strings.TrimRight(Fit(text, min(Width(text), room-4)), " ") + " "
	} else {
		text = ""
	}
	fill := strings.Repeat(glyph.Horizontal, max(0, room-1-Width(text)))
	if text == "" {
		return p.Border.Render(left + glyph.Horizontal + fill + right)
	}
	if atLeft {
		if corner := Width(p.Corner) + 3; p.Corner != "" && corner < Width(fill) {
			return p.Border.Render(left+glyph.Horizontal) + style.Render(text) + p.Border.Render(strings.Repeat(glyph.Horizontal, Width(fill)-corner)) +
				p.Note.Render(" "+p.Corner+" ") + p.Border.Render(glyph.Horizontal+right)
		}
		return p.Border.Render(left+glyph.Horizontal) + style.Render(text) + p.Border.Render(fill+right)
	}
	return p.Border.Render(left+fill) + style.Render(text) + p.Border.Render(glyph.Horizontal+right)
}

// Window is the part of a list of n rows that height rows can show with the
// cursor in it, moving as little as it can from offset.
func Window(n, height, cursor, offset int) int {
	if height <= 0 {
		return 0
	}
	if cursor < offset {
		offset = cursor
	}
	if cursor >= offset+height {
		offset = cursor - height + 1
	}
	return max(0, min(offset, n-height))
}
