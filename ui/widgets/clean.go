package widgets

import (
	"strings"
	"unicode/utf8"
)

// Printed is text of unknown origin made harmless: what can be seen of it, and
// in which colours its author wanted it.
type Printed struct {
	Text string
	Runs []Run
}

// Run is a part of a Printed that begins at a byte of its text, and lasts until
// the next.
type Run struct {
	From int
	Look Look
}

// Print reads a line that a program printed for a terminal. Of its control
// sequences only colours and the like are understood; all others are left out,
// as are control characters and those that turn the direction of text
// (CVE-2021-42574). Of a line that overwrites itself (carriage returns) the
// last state is shown. Bytes that are not UTF-8 become U+FFFD.
func Print(line string) Printed {
	if plain(line) {
		return Printed{Text: line}
	}
	c := cleaner{overwrites: true}
	c.read(strings.TrimRight(line, "\r"))
	return Printed{Text: c.b.String(), Runs: c.runs}
}

// Safe is Print without colours, for names and values: a carriage return in
// them overwrites nothing.
func Safe(line []byte) string {
	s := string(line)
	if plain(s) {
		return s
	}
	var c cleaner
	c.read(s)
	return c.b.String()
}

// tabWidth of shown text.
const tabWidth = 8

// cleaner takes what can be seen out of a line.
type cleaner struct {
	overwrites bool
	b          strings.Builder
	runs       []Run
	look       Look
	column     int
	endless    bool // a string was met that has no end, so no later one has
}

func (c *cleaner) read(s string) {
	for i := 0; i < len(s); {
		b := s[i]
		if b >= 0x20 && b < 0x7f {
			n := i + 1
			for n < len(s) && s[n] >= 0x20 && s[n] < 0x7f {
				n++
			}
			c.text(s[i:n])
			i = n
			continue
		}
		if b < utf8.RuneSelf {
			i += c.control(s[i:])
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r >= 0x80 && r < 0xa0: // C1 is ESC and a letter in one character
			n += c.sequence(byte(r-0x40), s[i+n:])
		case hidden(r):
		case r == utf8.RuneError:
			c.text("\uFFFD")
		default:
			c.text(s[i : i+n])
		}
		i += n
	}
}

// text keeps what is visible.
func (c *cleaner) text(s string) {
	if last := len(c.runs) - 1; last < 0 && c.look != (Look{}) || last >= 0 && c.runs[last].Look != c.look {
		c.runs = append(c.runs, Run{c.b.Len(), c.look})
	}
	c.b.WriteString(s)
	c.column += utf8.RuneCountInString(s)
}

// control reads what begins with a control character of ASCII, and says how
// long it is.
func (c *cleaner) control(s string) int {
	switch s[0] {
	case '\t':
		c.text(strings.Repeat(" ", tabWidth-c.column%tabWidth))
	case '\r':
		if c.overwrites {
			c.b.Reset()
			c.runs, c.column = nil, 0
		}
	case 0x1b:
		if len(s) < 2 {
			return 1
		}
		n := c.sequence(s[1], s[2:])
		if s[1] == '[' && n > 0 && s[1+n] == 'm' {
			c.look = c.look.with(s[2 : 1+n])
		}
		if s[1] < 0x20 || s[1] > 0x7e {
			return 1 // a control of its own, or text
		}
		return 2 + n
	}
	return 1
}

// sequence is how many bytes of s belong to the control sequence that a letter
// has introduced (ECMA-48). One that is not ended hides nothing: what looks
// like its inside is shown.
func (c *cleaner) sequence(letter byte, s string) int {
	switch {
	case letter == '[':
		for i := range len(s) {
			switch {
			case s[i] >= 0x40 && s[i] <= 0x7e:
				return i + 1
			case s[i] < 0x20 || s[i] > 0x3f:
				return i
			}
		}
		return len(s)
	case strings.IndexByte("]PX^_", letter) >= 0 && !c.endless:
		n := stringEnd(s)
		c.endless = n == 0
		return n
	case letter >= 0x20 && letter <= 0x2f: // a character set, and the like
		for i := range len(s) {
			if s[i] < 0x20 || s[i] > 0x2f {
				return min(i+1, len(s))
			}
		}
	}
	return 0
}

// stringEnd is where a string ends, with BEL or ST; 0 when it does not.
func stringEnd(s string) int {
	for i := range len(s) {
		switch {
		case s[i] == 0x07:
			return i + 1
		case s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\', s[i] == 0xc2 && i+1 < len(s) && s[i+1] == 0x9c:
			return i + 2
		}
	}
	return 0
}

// hidden are characters that have no cell of their own but change what the
// cells around them show, or where a line ends.
func hidden(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // direction
		return true
	case r == 0x200e, r == 0x200f, r == 0x061c: // direction
		return true
	case r == 0x2028, r == 0x2029, r == 0xfeff:
		return true
	case r >= 0xe0000 && r <= 0xe007f: // invisible tags
		return true
	}
	return false
}
