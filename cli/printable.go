package cli

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable makes text of images, containers and registries fit to be shown:
// what a terminal would obey (CVE-2003-0063 and its many successors) or show in
// another order is written as in Go, \x1b or \u202e. Control characters in keep
// stay; they are the layout's.
//
// Logs, and what a program in a container prints, go to the terminal as they
// are: that is what they are for. So does a --format without "table".
func printable(s, keep string) string {
	if strings.IndexFunc(s, obeyed) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case strings.ContainsRune(keep, r):
			b.WriteString(s[:n])
		case r == utf8.RuneError && n == 1, obeyed(r):
			quoted := strconv.QuoteToASCII(s[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// obeyed tells of the characters that do something.
func obeyed(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
