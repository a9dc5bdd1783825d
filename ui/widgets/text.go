package widgets

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/glyph"
)

// tabWidth of shown text.
const tabWidth = 8

// Safe makes text of unknown origin harmless: control sequences and control
// characters are removed, tabs become blanks, and bytes that are not UTF-8
// become U+FFFD. A container can thus not draw outside its pane.
func Safe(line []byte) string {
	if plain(line) {
		return string(line)
	}
	s := ansi.Strip(strings.ToValidUTF8(string(line), "\uFFFD"))
	var b strings.Builder
	col := 0
	for _, r := range s {
		switch {
		case r == '\t':
			n := tabWidth - col%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			col += n
		case r < 0x20 || r >= 0x7f && r < 0xa0:
		case bidi(r):
		default:
			b.WriteRune(r)
			col++
		}
	}
	return b.String()
}

// bidi reports the characters that reorder the text around them: with them a
// line can show something else than it says (CVE-2021-42574).
func bidi(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// plain reports printable ASCII, which nearly every line of a log is.
func plain(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// Width in cells. The check for ASCII comes first because measuring by
// grapheme costs fifty times as much (ARCHITECTURE.md, "Text width").
func Width(s string) int {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// Fit cuts s at its end with an ellipsis, or fills it with blanks, to exactly
// width cells.
func Fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	w := Width(s)
	if w > width {
		s = ansi.Truncate(s, width, glyph.Ellipsis)
		w = Width(s)
	}
	return s + strings.Repeat(" ", max(0, width-w))
}

// FitLeft is Fit with s at the right end.
func FitLeft(s string, width int) string {
	w := Width(s)
	if w >= width {
		return Fit(s, width)
	}
	return strings.Repeat(" ", width-w) + s
}

// FitName cuts a name in the middle of its front part so that its end, the tag
// or the last part of a path, stays readable.
func FitName(s string, width int) string {
	if Width(s) <= width || width < 8 {
		return Fit(s, width)
	}
	cut := Width(s) - width + 1
	return glyph.Ellipsis + ansi.Cut(s, cut, Width(s))
}

// Plain takes the escape sequences of our own styles off.
func Plain(s string) string { return ansi.Strip(s) }

// Slice is the part of s between two columns.
func Slice(s string, from, to int) string {
	if from >= to {
		return ""
	}
	return ansi.Cut(s, from, to)
}

// Break breaks text into lines of at most width cells, at blanks where it can.
func Break(s string, width int) []string {
	if width < 1 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, width, ""), "\n")
}
