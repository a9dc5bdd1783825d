package svg

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gantry/internal/vt"
)

// The size of a cell and of what is around the screen, in pixels.
const (
	cellW, cellH = 8.4, 18.0
	baseline     = 13.5
	margin       = 10.0
	fontSize     = 14.0
)

// The sixteen colours that a program names by number, as terminals with a dark
// and with a light background have them.
var (
	onDark = [16]string{
		"#1d2026", "#f7768e", "#9ece6a", "#e0af68", "#7aa2f7", "#bb9af7", "#7dcfff", "#c0c5d0",
		"#565c6b", "#ff899d", "#b5e27f", "#f0c383", "#93b4ff", "#cdb3ff", "#a0dcff", "#eceff4",
	}
	onLight = [16]string{
		"#24292f", "#c4314b", "#2f7d1f", "#94600a", "#2457c5", "#7a3fc0", "#0b7285", "#6b7280",
		"#57606a", "#d6455d", "#3d8f2b", "#a8710f", "#3a6cd8", "#8f57d3", "#14889c", "#8c959f",
	}
)

// light tells whether a background is nearer to white than to black.
func light(c color.Color) bool {
	if c == nil {
		return false
	}
	y := color.GrayModel.Convert(c).(color.Gray).Y
	return y > 0x80
}

// Write draws a screen. title is for people who cannot see it.
func Write(w io.Writer, s vt.Screen, title string) error {
	p := &picture{screen: s, palette: onDark}
	if light(s.Bg) {
		p.palette = onLight
	}
	width, height := float64(s.Width)*cellW+2*margin, float64(s.Height)*cellH+2*margin
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s">`+"\n",
		num(width), num(height), num(width), num(height), html.EscapeString(title))
	p.printf("<title>%s</title>\n", html.EscapeString(title))
	p.printf(`<style>text{font:%spx "DejaVu Sans Mono","JetBrains Mono",Menlo,Consolas,"Liberation Mono",monospace;white-space:pre}.b{font-weight:bold}.i{font-style:italic}</style>`+"\n", num(fontSize))
	p.printf(`<rect width="%s" height="%s" rx="8" fill="%s"/>`+"\n", num(width), num(height), p.hex(s.Bg, ""))
	p.printf(`<g transform="translate(%s %s)">`+"\n", num(margin), num(margin))
	for y := range s.Cells {
		p.backgrounds(y)
	}
	for y := range s.Cells {
		p.row(y)
	}
	p.shapes()
	p.cursor()
	p.printf("</g>\n</svg>\n")
	_, err := p.out.WriteTo(w)
	return err
}

type picture struct {
	screen  vt.Screen
	palette [16]string
	out     bytes.Buffer
	paths   map[string]*strings.Builder // by their attributes: see add
	order   []string                    // in which attributes came
}

func (p *picture) printf(format string, args ...any) { fmt.Fprintf(&p.out, format, args...) }

// look is what decides how a cell is drawn.
type look struct {
	fg, bg string // "" is the screen's own background
	vt.Attrs
}

func (p *picture) look(c vt.Cell) look {
	own := p.hex(p.screen.Fg, "")
	l := look{fg: p.hex(c.Fg, own), bg: p.hex(c.Bg, ""), Attrs: c.Attrs}
	if c.Reverse {
		back := l.bg
		if back == "" {
			back = p.hex(p.screen.Bg, "")
		}
		l.fg, l.bg = back, l.fg
	}
	return l
}

// hex is a colour as SVG writes it, or what stands for none.
func (p *picture) hex(c color.Color, none string) string {
	switch c := c.(type) {
	case nil:
		return none
	case ansi.BasicColor:
		return p.palette[c%16]
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// num writes a length without needless digits.
func num(f float64) string {
	s := strings.TrimRight(fmt.Sprintf("%.2f", f), "0")
	return strings.TrimSuffix(s, ".")
}

// backgrounds fills runs of cells that have a background.
func (p *picture) backgrounds(y int) {
	row := p.screen.Cells[y]
	for x := 0; x < len(row); {
		bg, end := p.look(row[x]).bg, x+1
		for end < len(row) && p.look(row[end]).bg == bg {
			end++
		}
		if bg != "" {
			p.printf(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`+"\n",
				num(float64(x)*cellW), num(float64(y)*cellH), num(float64(end-x)*cellW), num(cellH), bg)
		}
		x = end
	}
}

// row draws what stands in a row: shapes one by one, text in runs.
func (p *picture) row(y int) {
	row := p.screen.Cells[y]
	for x := 0; x < len(row); {
		c := row[x]
		switch {
		case c.Text == "" || c.Text == " ":
			if c.Underline || c.Strike {
				p.line(x, x+1, y, p.look(c))
			}
			x++
		case p.shape(x, y, c):
			x++
		default:
			x = p.text(x, y)
		}
	}
}

// text draws the run of characters that begins at x and returns where it ends.
// Only ASCII runs on: of other characters a font may have none of its own, and
// another's is of another width.
func (p *picture) text(x, y int) int {
	row := p.screen.Cells[y]
	l, end := p.look(row[x]), x+1
	text := row[x].Text
	if ascii(text) {
		for end < len(row) && ascii(row[end].Text) && p.look(row[end]) == l && !(row[end].Text == " " && end+1 < len(row) && row[end+1].Text == " ") {
			text += row[end].Text
			end++
		}
	}
	for end < len(row) && row[end].Width == 0 && row[end].Text == "" {
		end++ // the second half of a wide character
	}
	trimmed := strings.TrimRight(text, " ")
	width := float64(end-x-(len(text)-len(trimmed))) * cellW
	if ascii(text) {
		p.printf(`<text x="%s" y="%s" textLength="%s"`, num(float64(x)*cellW), num(float64(y)*cellH+baseline), num(width))
	} else {
		p.printf(`<text x="%s" y="%s" text-anchor="middle"`, num(float64(x)*cellW+width/2), num(float64(y)*cellH+baseline))
	}
	p.printf(` fill="%s"`, l.fg)
	if class := classes(l); class != "" {
		p.printf(` class="%s"`, class)
	}
	if l.Faint {
		p.printf(` opacity=".6"`)
	}
	p.printf(">%s</text>\n", html.EscapeString(trimmed))
	if l.Underline || l.Strike {
		p.line(x, end, y, l)
	}
	return end
}

func classes(l look) string {
	var out []string
	if l.Bold {
		out = append(out, "b")
	}
	if l.Italic {
		out = append(out, "i")
	}
	return strings.Join(out, " ")
}

func ascii(s string) bool {
	return len(s) == 1 && s[0] >= ' ' && s[0] < 0x7f || len(s) > 1 && s[0] < 0x7f
}

// line underlines cells, or strikes them through.
func (p *picture) line(x, end, y int, l look) {
	at := baseline + 2.5
	if l.Strike {
		at = baseline - 4.5
	}
	p.printf(`<path d="M%s %sH%s" stroke="%s"/>`+"\n", num(float64(x)*cellW), num(float64(y)*cellH+at), num(float64(end)*cellW), l.fg)
}

func (p *picture) cursor() {
	s := p.screen
	if s.CursorHidden || s.CursorY >= s.Height || s.CursorX >= s.Width {
		return
	}
	p.printf(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s" opacity=".7"/>`+"\n",
		num(float64(s.CursorX)*cellW), num(float64(s.CursorY)*cellH), num(cellW), num(cellH), p.hex(s.Fg, ""))
}
