package widgets

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Find is where text stands in s, in bytes, -1 when it does not. Capitals
// count only when text has some. Half a character is nowhere.
func Find(s, text string) int {
	if !utf8.ValidString(text) {
		return -1
	}
	if lower(text) == text {
		s = lower(s)
	}
	return strings.Index(s, text)
}

// lower keeps the length in bytes, so that positions in the result hold in s:
// the few letters whose small form is longer or shorter stay as they are.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); utf8.RuneLen(l) == utf8.RuneLen(r) {
			return l
		}
		return r
	}, s)
}

// WrapFit breaks s at blanks into at most most lines, each filled to width;
// what does not fit ends in an ellipsis.
func WrapFit(s string, width, most int) []string {
	if width <= 0 || most <= 0 {
		return nil
	}
	lines := strings.Split(ansi.Wrap(s, width, ""), "\n")
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], strings.Join(lines[most-1:], " "))
	}
	for i := range lines {
		lines[i] = Fit(lines[i], width)
	}
	return lines
}
