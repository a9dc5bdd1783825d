package svg

import (
	"strings"
	"unicode/utf8"

	"gantry/internal/vt"
)

// arms are the lines of box drawing characters, from the middle of the cell
// upward, to the right, down and to the left: 1 is thin, 2 is thick.
var arms = map[rune][4]int{
	'─': {0, 1, 0, 1}, '│': {1, 0, 1, 0}, '┌': {0, 1, 1, 0}, '┐': {0, 0, 1, 1}, '└': {1, 1, 0, 0}, '┘': {1, 0, 0, 1},
	'├': {1, 1, 1, 0}, '┤': {1, 0, 1, 1}, '┬': {0, 1, 1, 1}, '┴': {1, 1, 0, 1}, '┼': {1, 1, 1, 1},
	'━': {0, 2, 0, 2}, '┃': {2, 0, 2, 0}, '┏': {0, 2, 2, 0}, '┓': {0, 0, 2, 2}, '┗': {2, 2, 0, 0}, '┛': {2, 0, 0, 2},
	'╴': {0, 0, 0, 1}, '╵': {1, 0, 0, 0}, '╶': {0, 1, 0, 0}, '╷': {0, 0, 1, 0}, '╸': {0, 0, 0, 2}, '╺': {0, 2, 0, 0},
	'╭': {0, 1, 1, 0}, '╮': {0, 0, 1, 1}, '╯': {1, 0, 0, 1}, '╰': {1, 1, 0, 0},
}

// round are the corners that are quarters of a circle.
const round = "╭╮╯╰"

// shape draws a character that must meet its neighbours, and tells whether it
// is one.
func (p *picture) shape(x, y int, c vt.Cell) bool {
	r, size := utf8.DecodeRuneInString(c.Text)
	if size != len(c.Text) {
		return false
	}
	l := p.look(c)
	left, top := float64(x)*cellW, float64(y)*cellH
	if a, ok := arms[r]; ok {
		p.box(left, top, r, a, l)
		return true
	}
	switch {
	case r >= 0x2580 && r <= 0x259f:
		return p.block(left, top, r, l)
	case r > 0x2800 && r <= 0x28ff:
		p.braille(left, top, int(r-0x2800), l)
		return true
	}
	return false
}

// add gathers the paths that look the same: a border is hundreds of cells.
func (p *picture) add(attributes, path string) {
	if p.paths == nil {
		p.paths = make(map[string]*strings.Builder)
	}
	if p.paths[attributes] == nil {
		p.paths[attributes] = new(strings.Builder)
		p.order = append(p.order, attributes)
	}
	p.paths[attributes].WriteString(path)
}

func (p *picture) shapes() {
	for _, attributes := range p.order {
		p.printf(`<path %s d="%s"/>`+"\n", attributes, p.paths[attributes])
	}
}

func (p *picture) box(left, top float64, r rune, a [4]int, l look) {
	mx, my := left+cellW/2, top+cellH/2
	var d strings.Builder
	thick := 0
	for i, to := range [4][2]float64{{mx, top}, {left + cellW, my}, {mx, top + cellH}, {left, my}} {
		if a[i] > 0 {
			thick = max(thick, a[i])
			d.WriteString("M" + num(mx) + " " + num(my) + "L" + num(to[0]) + " " + num(to[1]))
		}
	}
	path := d.String()
	if strings.ContainsRune(round, r) {
		path = corner(left, top, a)
	}
	p.add(`fill="none" stroke="`+l.fg+`" stroke-width="`+num(float64(thick)*1.1)+`"`+faintness(l), path)
}

// corner is the path of a rounded corner: from the vertical arm's end to the
// horizontal arm's.
func corner(left, top float64, a [4]int) string {
	const radius = cellW / 2
	mx, my := left+cellW/2, top+cellH/2
	from, bend, to := top, my-radius, left
	if a[2] > 0 {
		from, bend = top+cellH, my+radius
	}
	if a[1] > 0 {
		to = left + cellW
	}
	return "M" + num(mx) + " " + num(from) + "V" + num(bend) + "Q" + num(mx) + " " + num(my) + " " + num(to) + " " + num(my)
}

// block draws the characters that fill a part of the cell.
func (p *picture) block(left, top float64, r rune, l look) bool {
	fill := func(x, y, w, h, opacity float64) bool {
		attributes := `fill="` + l.fg + `"`
		if opacity < 1 {
			attributes += ` opacity="` + num(opacity) + `"`
		}
		p.add(attributes, "M"+num(left+x*cellW)+" "+num(top+y*cellH)+"h"+num(w*cellW)+"v"+num(h*cellH)+"h"+num(-w*cellW)+"z")
		return true
	}
	switch {
	case r == '▀':
		return fill(0, 0, 1, 0.5, 1)
	case r >= '▁' && r <= '█':
		h := float64(r-'▁'+1) / 8
		return fill(0, 1-h, 1, h, 1)
	case r >= '▉' && r <= '▏':
		return fill(0, 0, float64(7-(r-'▉'))/8, 1, 1)
	case r == '▐':
		return fill(0.5, 0, 0.5, 1, 1)
	case r >= '░' && r <= '▓':
		return fill(0, 0, 1, 1, float64(r-'░'+1)/4)
	case r == '▔':
		return fill(0, 0, 1, 0.125, 1)
	case r == '▕':
		return fill(0.875, 0, 0.125, 1, 1)
	}
	return false
}

// braille draws the dots whose bits are set; the lowest six go down the left
// column and then the right, the last row came later.
func (p *picture) braille(left, top float64, bits int, l look) {
	places := [8][2]int{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}}
	var d strings.Builder
	for i, at := range places {
		if bits>>i&1 == 1 {
			x, y := left+cellW*(0.25+0.5*float64(at[0])), top+cellH*(0.125+0.25*float64(at[1]))
			d.WriteString("M" + num(x) + " " + num(y) + "h0")
		}
	}
	p.add(`stroke="`+l.fg+`" stroke-width="2.6" stroke-linecap="round"`+faintness(l), d.String())
}

func faintness(l look) string {
	if l.Faint {
		return ` opacity=".6"`
	}
	return ""
}
