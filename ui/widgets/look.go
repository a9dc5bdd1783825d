package widgets

import (
	"image/color"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Look is what a program may choose for its text: colours and weights. Nothing
// of it can hide text or make it blink.
type Look struct {
	fg, bg                                           ink
	bold, faint, italic, underline, reverse, crossed bool
}

// ink is one colour: of the palette, or as red, green and blue.
type ink struct {
	set     bool
	rgb     bool
	r, g, b uint8 // r is the number in the palette
}

func (i ink) color() color.Color {
	if i.rgb {
		return color.RGBA{i.r, i.g, i.b, 0xff}
	}
	if i.r < 16 { // the user's own sixteen
		return ansi.BasicColor(i.r)
	}
	return ansi.IndexedColor(i.r)
}

// Over is a style with what the look says.
func (l Look) Over(base lipgloss.Style) lipgloss.Style {
	if l.fg.set {
		base = base.Foreground(l.fg.color())
	}
	if l.bg.set && l.bg != l.fg { // text must not vanish
		base = base.Background(l.bg.color())
	}
	if l.bold {
		base = base.Bold(true)
	}
	if l.faint {
		base = base.Faint(true)
	}
	if l.italic {
		base = base.Italic(true)
	}
	if l.underline {
		base = base.Underline(true)
	}
	if l.reverse {
		base = base.Reverse(true)
	}
	if l.crossed {
		base = base.Strikethrough(true)
	}
	return base
}

// with reads the parameters of SGR (ECMA-48, 8.3.117), separated by semicolons
// and, within one, by colons. What it does not know it leaves out.
func (l Look) with(params string) Look {
	if strings.Trim(params, "0123456789;:") != "" {
		return l // a private sequence
	}
	fields := strings.Split(params, ";")
	for i := 0; i < len(fields); i++ {
		code, detail, parts := strings.Cut(fields[i], ":")
		n := number(code)
		switch {
		case n == 38 || n == 48:
			var c ink
			if parts {
				c = inkOf(withoutSpace(strings.Split(detail, ":")))
			} else {
				rest := fields[i+1:]
				c = inkOf(rest)
				i += min(len(rest), inkFields(rest))
			}
			if n == 38 {
				l.fg = c
			} else {
				l.bg = c
			}
		case n == 4 && detail == "0":
			l.underline = false
		default:
			l = l.simple(n)
		}
	}
	return l
}

func number(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// simple takes a code without parameters of its own.
func (l Look) simple(n int) Look {
	switch {
	case n == 0:
		return Look{}
	case n == 1:
		l.bold = true
	case n == 2:
		l.faint = true
	case n == 3:
		l.italic = true
	case n == 4 || n == 21:
		l.underline = true
	case n == 7:
		l.reverse = true
	case n == 9:
		l.crossed = true
	case n == 22:
		l.bold, l.faint = false, false
	case n == 23:
		l.italic = false
	case n == 24:
		l.underline = false
	case n == 27:
		l.reverse = false
	case n == 29:
		l.crossed = false
	case n >= 30 && n <= 37:
		l.fg = ink{set: true, r: uint8(n - 30)}
	case n >= 90 && n <= 97:
		l.fg = ink{set: true, r: uint8(n - 90 + 8)}
	case n == 39:
		l.fg = ink{}
	case n >= 40 && n <= 47:
		l.bg = ink{set: true, r: uint8(n - 40)}
	case n >= 100 && n <= 107:
		l.bg = ink{set: true, r: uint8(n - 100 + 8)}
	case n == 49:
		l.bg = ink{}
	}
	return l
}

// inkFields is how many fields a colour takes: 5;n or 2;r;g;b.
func inkFields(fields []string) int {
	if len(fields) > 0 && number(fields[0]) == 5 {
		return 2
	}
	if len(fields) > 0 && number(fields[0]) == 2 {
		return 4
	}
	return 1
}

// withoutSpace leaves out the colour space that 2::r:g:b has room for.
func withoutSpace(fields []string) []string {
	if len(fields) >= 5 && number(fields[0]) == 2 {
		return append([]string{"2"}, fields[2:]...)
	}
	return fields
}

func inkOf(fields []string) ink {
	if len(fields) < inkFields(fields) {
		return ink{}
	}
	var v [3]uint8
	for i := range inkFields(fields) - 1 {
		n := number(fields[1+i])
		if n < 0 || n > 255 {
			return ink{}
		}
		v[i] = uint8(n)
	}
	switch number(fields[0]) {
	case 5:
		return ink{set: true, r: v[0]}
	case 2:
		return ink{set: true, rgb: true, r: v[0], g: v[1], b: v[2]}
	}
	return ink{}
}
