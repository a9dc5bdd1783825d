package widgets

import (
	"math"
	"strings"
	"unicode/utf8"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
)

// Series is one curve of a Plot.
type Series struct {
	Values []float64 // one per dot column, oldest first; NaN is a gap
	Style  lipgloss.Style
	Fill   bool // the area below the curve too
	Dash   int  // dots on and off in turn; 0 is a solid line. It tells curves apart without colour
}

// Plot draws curves in braille: two dots side by side and four above each
// other per cell. The newest value stands at the right edge; later series
// are drawn over earlier ones.
type Plot struct {
	Series     []Series
	Max        float64 // the value at the top; the bottom is 0
	Limit      float64 // drawn as a dotted line; 0, or one above Max, is not
	LimitStyle lipgloss.Style
	ASCII      bool // for terminals without braille; the runes are the twins of glyph.Solid, Dashed, Dotted
}

// brailleDots are the bits of U+2800's dots by row and column (Unicode,
// "Braille Patterns": dots 7 and 8 were added below the old six).
var brailleDots = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// nobody owns a cell without dots.
const nobody = -2

// ofLimit owns a cell that holds nothing but the limit line.
const ofLimit = -1

// canvas is the cells of a plot: their dots and whose colour they take, since
// a cell can only have one.
type canvas struct {
	width, height int
	dots          []rune
	owner         []int
}

func newCanvas(width, height int) *canvas {
	c := &canvas{width: width, height: height, dots: make([]rune, width*height), owner: make([]int, width*height)}
	for i := range c.owner {
		c.owner[i] = nobody
	}
	return c
}

// set draws the dot in column x and level y, which counts from the bottom.
func (c *canvas) set(x, y, owner int) {
	row := 4*c.height - 1 - y
	i := row/4*c.width + x/2
	c.dots[i] |= brailleDots[row%4][x%2]
	c.owner[i] = owner
}

// Render draws the plot into exactly width × height cells.
func (p Plot) Render(width, height int) []string {
	if width <= 0 || height <= 0 {
		return nil
	}
	c := newCanvas(width, height)
	if p.Limit > 0 && p.Limit <= p.Max && height > 1 { // one row has no room for both
		for x := 0; x < 2*width; x += 2 {
			c.set(x, p.level(p.Limit, height), ofLimit)
		}
	}
	for i, s := range p.Series {
		p.draw(c, i, s)
	}
	pens := make([]Pen, 1, 1+len(p.Series))
	pens[0] = NewPen(p.LimitStyle)
	for _, s := range p.Series {
		pens = append(pens, NewPen(s.Style))
	}
	lines := make([]string, height)
	for y := range lines {
		lines[y] = p.line(c, y, pens)
	}
	return lines
}

// level is the dot that a value reaches. Zero has one too, so that "nothing
// used" and "not measured" look different.
func (p Plot) level(v float64, height int) int {
	if p.Max <= 0 {
		return 0
	}
	return int(max(0, min(math.Round(v/p.Max*float64(4*height-1)), float64(4*height-1))))
}

func (p Plot) draw(c *canvas, owner int, s Series) {
	values := s.Values
	if over := len(values) - 2*c.width; over > 0 {
		values = values[over:]
	}
	first, last := 2*c.width-len(values), -1
	for i, v := range values {
		if math.IsNaN(v) {
			last = -1
			continue
		}
		x, y := first+i, p.level(v, c.height)
		from, to := y, y
		switch { // a steep step is joined by a vertical line
		case s.Fill:
			from = 0
		case last >= 0 && last < y:
			from = last + 1
		case last > y:
			to = last - 1
		}
		last = y
		if s.Dash > 0 && x/s.Dash%2 == 1 {
			continue
		}
		for level := from; level <= to; level++ {
			c.set(x, level, owner)
		}
	}
}

// line joins the cells of one row, with one escape sequence per run of a
// colour. The first pen is the limit's.
func (p Plot) line(c *canvas, y int, pens []Pen) string {
	var b strings.Builder
	var run []byte
	for x := 0; x < c.width; {
		owner := c.owner[y*c.width+x]
		run = run[:0]
		for ; x < c.width && c.owner[y*c.width+x] == owner; x++ {
			run = utf8.AppendRune(run, p.glyph(c.dots[y*c.width+x], owner))
		}
		if owner == nobody {
			b.Write(run)
			continue
		}
		pens[owner+1].Draw(&b, string(run))
	}
	return b.String()
}

func (p Plot) glyph(dots rune, owner int) rune {
	switch {
	case owner == nobody:
		return ' '
	case !p.ASCII:
		return 0x2800 | dots
	case owner == ofLimit:
		return '-'
	case p.Series[owner].Fill:
		return '#'
	}
	return rune("=+."[owner%3])
}

// Chart is a plot with its axes. Labels that are empty take no room.
type Chart struct {
	Plot
	Top, Middle, Bottom   string // at the left axis; Middle only where a row is in the middle
	RightTop, RightBottom string // at the right edge, for a second unit
	Since, Until          string // below the left and the right end
	Left, Right           int    // cells that the labels take at least, so that charts above each other have one time axis
	Axis, Labels          lipgloss.Style
}

// Margins is how many of width cells the axes take.
func (c Chart) Margins(width int) int {
	left, right := c.margins(width)
	return left + 1 + right
}

// margins are the cells of the labels at both sides: none where they would
// take half of the room, because the curve matters more.
func (c Chart) margins(width int) (left, right int) {
	left = max(Width(c.Top), Width(c.Middle), Width(c.Bottom), c.Left)
	if right = max(Width(c.RightTop), Width(c.RightBottom), c.Right); right > 0 {
		right++
	}
	if left+1+right > width/2 {
		return 0, 0
	}
	return left, right
}

// Render draws the chart into exactly width × height cells.
func (c Chart) Render(width, height int) []string {
	left, right := c.margins(width)
	room, rows := width-left-1-right, height
	timed := c.Since != "" && height >= 4
	if timed {
		rows--
	}
	lines := c.Plot.Render(room, rows)
	if room <= 0 {
		return nil
	}
	for y := range lines {
		l, r, tick := c.labels(y, rows)
		lines[y] = c.Labels.Render(FitLeft(l, left)) + c.Axis.Render(tick) + lines[y]
		if right > 0 {
			lines[y] += c.Labels.Render(FitLeft(r, right))
		}
	}
	if timed {
		below := FitLeft(c.Until, max(0, room-Width(c.Since)))
		lines = append(lines, c.Labels.Render(Fit(strings.Repeat(" ", left+1)+Fit(c.Since, min(room, Width(c.Since)))+below, width)))
	}
	return lines
}

// labels of row y, and the piece of the axis beside them.
func (c Chart) labels(y, rows int) (left, right, tick string) {
	axis, mark := glyph.Vertical, glyph.TeeLeft
	switch {
	case y == 0:
		return c.Top, c.RightTop, mark
	case y == rows-1:
		return c.Bottom, c.RightBottom, mark
	case rows >= 5 && rows%2 == 1 && y == rows/2 && c.Middle != "":
		return c.Middle, "", mark
	}
	return "", "", axis
}

// NiceMax is the end of a scale that holds peak: 1, 2 or 5 times a power of
// ten, so that the scale moves rarely and its labels stay short.
func NiceMax(peak, least float64) float64 {
	peak = max(peak, least)
	if peak <= 0 || math.IsNaN(peak) || math.IsInf(peak, 0) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(peak)))
	for _, f := range []float64{1, 2, 5} {
		if peak <= f*unit*(1+1e-9) {
			return f * unit
		}
	}
	return 10 * unit
}

// NiceBinaryMax is NiceMax for memory: a power of two.
func NiceBinaryMax(peak, least float64) float64 {
	peak = max(peak, least)
	if peak <= 1 || math.IsNaN(peak) || math.IsInf(peak, 0) {
		return 1
	}
	return math.Exp2(math.Ceil(math.Log2(peak)))
}
