package glyph

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Set is what a screen may be drawn with.
type Set int

const (
	// Unicode draws everything as it is.
	Unicode Set = iota
	// ASCII draws gantry's own signs in ASCII. What containers print stays as
	// they print it.
	ASCII
	// Foreign is ASCII for terminals that cannot show anything else: text of
	// others that is not ASCII becomes question marks.
	Foreign
)

// twin is the ASCII of a glyph; 0 when r is none. The two are equally wide.
func twin(r rune) byte {
	switch r {
	case '●', '•':
		return '*'
	case '◐':
		return '~'
	case '✚', '✓', '✔', '╭', '╮', '╰', '╯', '┌', '┐', '└', '┘', '├', '┤', '┬', '┴', '┼', '╍':
		return '+'
	case '↻':
		return '@'
	case '‖', '━':
		return '='
	case '○':
		return 'o'
	case '✖', '×':
		return 'x'
	case '▲', '▴', '↑':
		return '^'
	case '▾', '↓':
		return 'v'
	case '▌', '▸', '›', '→', '≥':
		return '>'
	case '◂', '←', '≤', '‹':
		return '<'
	case '▏', '▁':
		return '_'
	case '…':
		return '~'
	case '·', '–', '—', '─', '▄':
		return '-'
	case '│':
		return '|'
	case '┃':
		return '!'
	case '┈', '▂', '░':
		return '.'
	case '▃':
		return ':'
	case '▅':
		return '='
	case '▆':
		return '+'
	case '▇':
		return '*'
	case '█', '◆':
		return '#'
	}
	return 0
}

// HasTwin tells whether a character can be drawn in both sets.
func HasTwin(r rune) bool { return r < utf8.RuneSelf || twin(r) != 0 }

// Screen turns a finished screen, escape sequences and all, into one of the
// set.
func (s Set) Screen(text string) string {
	if s == Unicode || ascii(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		if t := twin(r); t != 0 {
			b.WriteByte(t)
			text = text[n:]
			continue
		}
		cluster, width := ansi.FirstGraphemeCluster(text, ansi.GraphemeWidth)
		if s == Foreign {
			b.WriteString(strings.Repeat("?", width))
		} else {
			b.WriteString(cluster)
		}
		text = text[len(cluster):]
	}
	return b.String()
}

// Text is Screen for one line before it is laid out, where an ellipsis may
// take the three cells that it has in typewritten text.
func (s Set) Text(line string) string {
	if s == Unicode {
		return line
	}
	return s.Screen(strings.ReplaceAll(line, Ellipsis, "..."))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
