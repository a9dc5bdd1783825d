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
	// Tally is what stands at the right end of a heading; nil: nothing does.
	Tally func(group string) []Cell
}

// View draws the visible lines, each exactly as wide as Place said.
func (l *List[T]) View(look Look) []string {
	if l.width <= lead || l.height <= 0 {
		return nil
	}
	widths := l.widths(l.room())
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
		b.put(look.Styles.Marked, glyph.Marked, lead)
	case i == l.cursor:
		b.put(look.Styles.Bar(look.Focused), glyph.Bar, lead)
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
	for i := 0; i < len(l.spec.Columns); i++ {
		c := l.spec.Columns[i]
		if widths[i] == 0 {
			continue
		}
		gap := c.gap()
		if first {
			gap, first = 0, false
		}
		cell := c.Cell(item, widths[i])
		room := widths[i]
		for range cell.Over {
			if i+1 < len(widths) {
				i++
				room += widths[i]
				if widths[i] > 0 {
					room += l.spec.Columns[i].gap()
				}
			}
		}
		if room = min(room, l.width-b.used-gap); room <= 0 {
			return
		}
		b.put(cell.Style, strings.Repeat(" ", gap)+cell.fit(room, c.Right && cell.Over == 0), gap+room)
	}
}

// fit chooses the longest wording that there is room for.
func (c Cell) fit(width int, right bool) string {
	text := c.Text
	for _, other := range c.Else {
		if widgets.Width(text) <= width {
			break
		}
		text = other
	}
	switch {
	case right:
		return widgets.FitLeft(text, width)
	case c.Name:
		return widgets.Fit(widgets.FitName(text, width), width)
	}
	return widgets.Fit(text, width)
}

// heading is the line above a group: its name, how many it holds when it is
// closed, and the tally.
func (l *List[T]) heading(b *brush, name string, look Look) {
	sign := glyph.Unfolded
	if l.folded[name] {
		sign = glyph.Folded
	}
	var tally []Cell
	width := 0
	if look.Tally != nil {
		tally = look.Tally(name)
	}
	for _, c := range tally {
		width += widgets.Width(c.Text)
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
		for _, c := range tally {
			b.put(c.Style, c.Text, widgets.Width(c.Text))
		}
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
			arrow := glyph.Upwards
			if order.Down != reverse {
				arrow = glyph.Downward
			}
			if widgets.Width(title)+1 <= room && title != "" {
				title += arrow
			}
			style = look.Styles.Text
		}
		b.put(style, strings.Repeat(" ", gap)+Cell{Text: title}.fit(room, c.Right), gap+room)
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
			return fmt.Sprint(l.shown)
		}
		return fmt.Sprintf("%d/%d", n, l.shown)
	}
	return fmt.Sprintf("%d/%d", l.cursor+1, l.shown)
}
