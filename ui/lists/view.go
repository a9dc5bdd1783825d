package lists

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Look is what a view depends on besides the list.
type Look struct {
	Styles  styles.Styles
	Focused bool
	// Tally is what stands at the right end of a heading, as cells of a
	// known width; nil: nothing does.
	Tally func(group string) (text string, width int)
	Marks Marks
}

// Marks are the glyphs of a list, each one cell wide.
type Marks struct{ Bar, Marked, Open, Closed, Up, Down string }

// DefaultMarks are the workbench's own.
func DefaultMarks() Marks {
	return Marks{Bar: glyph.Bar, Marked: glyph.Marked, Open: glyph.Unfolded, Closed: glyph.Folded, Up: glyph.Upwards, Down: glyph.Downward}
}

// View draws the visible lines, each exactly as wide as Place said.
func (l *List[T]) View(look Look) []string {
	if l.width <= lead || l.height <= 0 {
		return nil
	}
	widths := l.widths(l.width - l.inset() + 1) // the first column has no gap
	lines := make([]string, 0, l.height)
	if l.titled() {
		lines = append(lines, l.titles(widths, look))
	}
	for i := l.offset; i < min(len(l.entries), l.offset+l.rows()); i++ {
		e := l.entries[i]
		b := l.begin(i, e, look)
		if e.item < 0 {
			l.heading(b, e.group, look)
		} else {
			l.row(b, e, widths)
		}
		lines = append(lines, b.end(l.width))
	}
	return lines
}

// brush writes cells one after another and counts them. The row under the
// cursor has a background where the list has the focus.
type brush struct {
	strings.Builder
	used int
	back func(lipgloss.Style) lipgloss.Style
}

func (b *brush) put(style lipgloss.Style, text string, width int) {
	if width > 0 {
		b.WriteString(b.back(style).Render(text))
		b.used += width
	}
}

func (b *brush) end(width int) string {
	b.put(lipgloss.NewStyle(), strings.Repeat(" ", max(0, width-b.used)), width-b.used)
	return b.String()
}

// begin draws what stands before the first column: the bar of the cursor, or
// the mark.
func (l *List[T]) begin(i int, e entry, look Look) *brush {
	b := &brush{back: func(s lipgloss.Style) lipgloss.Style { return s }}
	if i == l.cursor && look.Focused {
		b.back = look.Styles.On
	}
	marked := e.item >= 0 && l.Marked(l.key(e))
	switch {
	case marked:
		b.put(look.Styles.Marked, look.Marks.Marked, lead)
	case i == l.cursor:
		b.put(look.Styles.Bar(look.Focused), look.Marks.Bar, lead)
	default:
		b.put(lipgloss.NewStyle(), " ", lead)
	}
	return b
}

func (l *List[T]) row(b *brush, e entry, widths []int) {
	item := &l.items[e.item]
	if in := min(l.inset()-lead, l.width-lead); in > 0 {
		b.put(lipgloss.NewStyle(), strings.Repeat(" ", in), in)
	}
	first := true
	for i, c := range l.spec.Columns {
		if widths[i] == 0 {
			continue
		}
		gap := c.gap()
		if first {
			gap, first = 0, false
		}
		room := min(widths[i], l.width-b.used-gap)
		if room <= 0 {
			return
		}
		cell := c.Cell(item, room)
		if cell.Rest {
			room = l.width - b.used - gap - 1
		}
		b.put(cell.Style, strings.Repeat(" ", gap)+c.fit(cell, room), gap+room)
		if cell.Rest {
			return
		}
	}
}

func (c Column[T]) fit(cell Cell, width int) string {
	switch {
	case c.Right && !cell.Rest:
		return widgets.FitLeft(cell.Text, width)
	case cell.Name:
		return widgets.Fit(widgets.FitName(cell.Text, width), width)
	}
	return widgets.Fit(cell.Text, width)
}

// heading is the line above a group: its name, how many it holds when it is
// closed, and the tally.
func (l *List[T]) heading(b *brush, name string, look Look) {
	sign := look.Marks.Open
	if l.folded[name] {
		sign = look.Marks.Closed
	}
	tally, width := "", 0
	if look.Tally != nil {
		tally, width = look.Tally(name)
	}
	room := l.width - lead - 3 - width - 1
	b.put(look.Styles.Muted, widgets.Fit(sign, min(2, l.width-lead)), min(2, l.width-lead))
	if room < 1 {
		return
	}
	text := strings.TrimRight(widgets.Fit(name, min(widgets.Width(name), max(1, room))), " ")
	b.put(look.Styles.Text.Bold(true), text, widgets.Width(text))
	if gap := l.width - 1 - width - b.used; width > 0 && gap > 0 {
		b.put(lipgloss.NewStyle(), strings.Repeat(" ", gap), gap)
		b.put(look.Styles.Muted, tally, width)
	}
}

// titles is the line of column titles; the one that sorts shows which way.
func (l *List[T]) titles(widths []int, look Look) string {
	order, reverse := l.Ordered()
	b := &brush{back: func(s lipgloss.Style) lipgloss.Style { return s }}
	in := min(l.inset(), l.width)
	b.put(look.Styles.Muted, strings.Repeat(" ", in), in)
	first := true
	for i, c := range l.spec.Columns {
		if widths[i] == 0 {
			continue
		}
		gap := c.gap()
		if first {
			gap, first = 0, false
		}
		room := min(widths[i], l.width-b.used-gap)
		if room <= 0 {
			break
		}
		title, style := c.Title, look.Styles.Muted
		if c.Order != "" && c.Order == order.ID {
			arrow := look.Marks.Up
			if order.Down != reverse {
				arrow = look.Marks.Down
			}
			if widgets.Width(title)+1 <= room && title != "" {
				title += arrow
			}
			style = look.Styles.Text
		}
		b.put(style, strings.Repeat(" ", gap)+c.fit(Cell{Text: title}, room), gap+room)
	}
	return b.end(l.width)
}

// Position is for the bottom border of the pane: "3/9".
func (l *List[T]) Position() string {
	if len(l.entries) == 0 {
		return ""
	}
	if l.Grouped() { // headings do not count
		n := 0
		for i := 0; i <= l.cursor; i++ {
			e := l.entries[i]
			if e.item >= 0 {
				n++
			} else if l.folded[e.group] && i < l.cursor {
				n += len(l.groups[e.group].items)
			}
		}
		if _, heading := l.Heading(); heading {
			return fmt.Sprintf(glyph.Dash+"/%d", l.shown)
		}
		return fmt.Sprintf("%d/%d", n, l.shown)
	}
	return fmt.Sprintf("%d/%d", l.cursor+1, l.shown)
}
