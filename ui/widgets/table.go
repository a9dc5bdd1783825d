package widgets

import (
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
)

// Column is one column of a Table.
type Column struct {
	Title string
	Right bool // numbers
	Min   int  // cells below which it is not squeezed; 0: its title's
	Max   int  // 0: as wide as its widest value
	Soft  bool // squeezed when room is short, the widest first
	Rank  int  // the highest leaves first when there is no room; 0 stays
	Name  bool // cut at its front, for paths and image names
	Style lipgloss.Style
}

// TableStyles are the colours of a Table.
type TableStyles struct{ Header, Bar, Selected, Match lipgloss.Style }

// Table draws rows in columns below a header. Widths come from all rows, not
// from the visible ones, so that nothing jumps while scrolling.
type Table struct {
	Columns []Column
	Rows    [][]string // as many values as there are columns
	Cursor  int
	Offset  int // the first row that was shown last
	Focused bool
	Styles  TableStyles
	// Cell gives a value another style than its column's; nil: none does.
	Cell func(row, column int) (lipgloss.Style, bool)
}

// Render draws at most height lines, each width cells wide, the header first.
func (t Table) Render(width, height int) []string {
	if width < 2 || height <= 0 {
		return nil
	}
	gap := strings.Repeat(" ", t.gap(width))
	widths := t.widths(width-1, len(gap))
	lines := []string{t.header(widths, gap, width)}
	room := height - 1
	offset := Window(len(t.Rows), room, t.Cursor, t.Offset)
	pens := make([]Pen, len(t.Columns))
	for i, c := range t.Columns {
		pens[i] = NewPen(c.Style)
	}
	for i := offset; i < min(len(t.Rows), offset+room); i++ {
		lines = append(lines, t.row(i, pens, widths, gap, width))
	}
	return lines
}

// Cuts tells whether some row does not show in full.
func (t Table) Cuts(width int) bool {
	got := t.widths(width-1, t.gap(width))
	for i, c := range t.Columns {
		c.Max = 0
		if c.natural(t.Rows, i) > max(got[i], c.least()) {
			return true
		}
	}
	return false
}

// ColumnAt is the column that stands at x, -1 when none does.
func (t Table) ColumnAt(x, width int) int {
	at := 1
	gap := t.gap(width)
	for i, w := range t.widths(width-1, gap) {
		if w > 0 && x >= at && x < at+w+gap {
			return i
		}
		if w > 0 {
			at += w + gap
		}
	}
	return -1
}

// gap is the blanks between columns.
func (t Table) gap(width int) int {
	if width < 60 {
		return 1
	}
	return 2
}

// widths gives every column its cells; 0 leaves it out.
func (t Table) widths(width, gap int) []int {
	w := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		w[i] = c.natural(t.Rows, i)
	}
	for t.total(w, gap) > width && t.drop(w, width, gap) {
	}
	for over := t.total(w, gap) - width; over > 0; over-- {
		widest := -1
		for i, c := range t.Columns {
			if c.Soft && w[i] > c.least() && (widest < 0 || w[i] > w[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		w[widest]--
	}
	return w
}

func (c Column) least() int { return max(c.Min, Width(c.Title), 1) }

// natural is what the values of the column, the i-th, want.
func (c Column) natural(rows [][]string, i int) int {
	w := max(Width(c.Title), 1)
	for _, row := range rows {
		w = max(w, Width(row[i]))
	}
	if c.Max > 0 {
		w = min(w, max(c.Max, Width(c.Title)))
	}
	return w
}

func (t Table) total(w []int, gap int) int {
	sum := -gap
	for _, n := range w {
		if n > 0 {
			sum += n + gap
		}
	}
	return sum
}

// drop leaves out the column of the highest rank, when squeezing the soft ones
// is not enough.
func (t Table) drop(w []int, width, gap int) bool {
	squeezed, worst := t.total(w, gap), -1
	for i, c := range t.Columns {
		if w[i] == 0 {
			continue
		}
		if c.Soft {
			squeezed -= max(0, w[i]-c.least())
		}
		if c.Rank > 0 && (worst < 0 || c.Rank > t.Columns[worst].Rank) {
			worst = i
		}
	}
	if squeezed <= width || worst < 0 {
		return false
	}
	w[worst] = 0
	return true
}

func (t Table) header(widths []int, gap string, width int) string {
	var b strings.Builder
	b.WriteString(" ")
	for i, c := range t.Columns {
		if widths[i] == 0 {
			continue
		}
		if b.Len() > 1 {
			b.WriteString(gap)
		}
		b.WriteString(c.fit(c.Title, widths[i]))
	}
	return t.Styles.Header.Render(Fit(b.String(), width))
}

func (c Column) fit(s string, width int) string {
	switch {
	case c.Right:
		return FitLeft(s, width)
	case c.Name:
		return Fit(FitName(s, width), width)
	}
	return Fit(s, width)
}

func (t Table) row(i int, pens []Pen, widths []int, gap string, width int) string {
	var b strings.Builder
	b.Grow(2 * width)
	if i == t.Cursor {
		b.WriteString(t.Styles.Bar.Render(glyph.Bar))
	} else {
		b.WriteString(" ")
	}
	var blank Pen
	if t.lit(i) {
		blank = NewPen(Lit(lipgloss.NewStyle(), t.Styles.Selected))
	}
	used := 1
	for col, c := range t.Columns {
		n := min(widths[col], width-used)
		if n <= 0 {
			continue
		}
		t.pen(i, col, pens).Draw(&b, c.fit(t.Rows[i][col], n))
		used += n
		if between := min(len(gap), width-used); between > 0 {
			blank.Draw(&b, gap[:between])
			used += between
		}
	}
	if used < width {
		blank.Draw(&b, blanks(width-used))
	}
	return b.String()
}

func (t Table) lit(row int) bool { return row == t.Cursor && t.Focused }

// pen is what a value is drawn with: that of its column, unless the value has
// its own or its row is lit.
func (t Table) pen(row, col int, pens []Pen) Pen {
	style, own := t.Columns[col].Style, false
	if t.Cell != nil {
		if s, ok := t.Cell(row, col); ok {
			style, own = s, true
		}
	}
	switch {
	case t.lit(row):
		return NewPen(Lit(style, t.Styles.Selected))
	case own:
		return NewPen(style)
	}
	return pens[col]
}
