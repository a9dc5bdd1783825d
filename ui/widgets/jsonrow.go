package widgets

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
)

// JSONStyles are the colours of a JSONTree.
type JSONStyles struct {
	Key, String, Number, Word, Punct, Bar, Selected, Match lipgloss.Style
}

// JSONPens draw a JSONTree. They are made once for as long as the styles are
// the same.
type JSONPens struct {
	usual, lit jsonPens // in most rows, in the one under the cursor
	bar        Pen
}

type jsonPens struct{ key, text, number, word, punct, match, blank Pen }

// Pens makes the pens of the styles.
func (s JSONStyles) Pens() JSONPens {
	make := func(on func(lipgloss.Style) lipgloss.Style) jsonPens {
		pen := func(style lipgloss.Style) Pen { return NewPen(on(style)) }
		return jsonPens{pen(s.Key), pen(s.String), pen(s.Number), pen(s.Word), pen(s.Punct), pen(s.Match), pen(lipgloss.NewStyle())}
	}
	return JSONPens{
		usual: make(func(style lipgloss.Style) lipgloss.Style { return style }),
		lit:   make(func(style lipgloss.Style) lipgloss.Style { return Lit(style, s.Selected) }),
		bar:   NewPen(s.Bar),
	}
}

// Render draws the rows that fit, each exactly width cells wide; offset is the
// first row that was shown last.
func (t *JSONTree) Render(pens *JSONPens, width, height, offset int, focused bool) []string {
	if width < 4 {
		return nil
	}
	offset = Window(len(t.rows), height, t.cursor, offset)
	lines := make([]string, 0, height)
	for i := offset; i < min(len(t.rows), offset+height); i++ {
		lines = append(lines, t.row(pens, i, width, focused))
	}
	return lines
}

// indent is the cells before a node's name: bar, levels, fold mark. Deep
// levels share what a narrow screen can give.
func indent(n *JSONNode, width int) int { return 3 + min(2*max(0, n.depth), width/3) }

// OnMark tells whether x is on the fold mark of the selected row.
func (t *JSONTree) OnMark(x, width int) bool {
	n := t.Selected()
	if n == nil || !n.Branch() {
		return false
	}
	mark := indent(n, width) - 2
	return x >= mark-1 && x <= mark+1
}

func (t *JSONTree) row(pens *JSONPens, i, width int, focused bool) string {
	n := t.rows[i]
	p := painter{width: width, find: t.find, pens: &pens.usual}
	p.b.Grow(width + 64)
	if i == t.cursor {
		p.put(pens.bar, glyph.Bar)
		if focused {
			p.pens = &pens.lit
		}
	} else {
		p.blank(1)
	}
	mark := "  "
	if n.Branch() {
		mark = glyph.Unfolded + " "
		if t.folded[n.Path] {
			mark = glyph.Folded + " "
		}
	}
	p.blank(indent(n, width) - 3)
	p.put(p.pens.punct, mark)
	key := p.pens.key
	if n.parent != nil && n.parent.Kind == JSONArray {
		key = p.pens.punct
	}
	p.found(key, n.label)
	if n.label != "" && !n.Branch() {
		p.put(p.pens.punct, ": ")
	}
	t.value(&p, n)
	p.blank(width)
	return p.b.String()
}

func (t *JSONTree) value(p *painter, n *JSONNode) {
	switch n.Kind {
	case JSONObject, JSONArray:
		open, end := "{", "}"
		if n.Kind == JSONArray {
			open, end = "[", "]"
		}
		switch {
		case !n.Branch():
			p.put(p.pens.punct, open+end)
		case t.folded[n.Path]:
			p.put(p.pens.punct, fmt.Sprintf(" %s%d%s", open, len(n.Children), end))
		}
	case JSONString:
		p.found(p.pens.text, t.text(n))
	case JSONNumber:
		p.found(p.pens.number, t.text(n))
	default:
		p.found(p.pens.word, t.text(n))
	}
}

// painter writes pieces of one row until its width is used up.
type painter struct {
	b           strings.Builder
	width, used int
	pens        *jsonPens
	find        string
}

// put writes what fits of s.
func (p *painter) put(pen Pen, s string) {
	room := p.width - p.used
	if room <= 0 || s == "" {
		return
	}
	w := Width(s)
	if w > room {
		s, w = Fit(s, room), room
	}
	pen.Draw(&p.b, s)
	p.used += w
}

// found is put with what is searched for marked.
func (p *painter) found(pen Pen, s string) {
	for p.find != "" {
		i := Find(s, p.find)
		if i < 0 || i+len(p.find) > len(s) {
			break
		}
		end := i + len(p.find)
		p.put(pen, s[:i])
		p.put(p.pens.match, s[i:end])
		s = s[end:]
	}
	p.put(pen, s)
}

// blank writes n blanks, as far as they fit.
func (p *painter) blank(n int) {
	if n = min(n, p.width-p.used); n > 0 {
		p.pens.blank.Draw(&p.b, blanks(n))
		p.used += n
	}
}

// blanks are n blanks, for usual widths without making them.
func blanks(n int) string {
	const many = "                                                                                                                                                                                                                                                                "
	if n <= len(many) {
		return many[:n]
	}
	return strings.Repeat(" ", n)
}
