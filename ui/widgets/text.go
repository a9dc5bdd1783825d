package widgets

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/glyph"
)

// plain reports printable ASCII, which nearly every line of a log is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// Width in cells. The check for ASCII comes first because measuring by
// grapheme costs fifty times as much (ARCHITECTURE.md, "Text width").
func Width(s string) int {
	if !plain(s) {
		return ansi.StringWidth(s)
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
