package ui

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"gantry/engine"
)

// split breaks a command line at blanks; quotes keep blanks, a backslash the
// next character.
func split(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	var mark rune
	in, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && mark != '\'':
			escaped, in = true, true
		case mark != 0 && r == mark:
			mark = 0
		case mark != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			mark, in = r, true
		case r == ' ' || r == '\t':
			if in {
				out = append(out, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if mark != 0 || escaped {
		return nil, fmt.Errorf("%w command: a quote is not closed", engine.ErrInvalid)
	}
	if in {
		out = append(out, word.String())
	}
	return out, nil
}

// quote writes a word so that a shell takes it as one.
func quote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-~", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// orWord quotes a word, or says what would stand there.
func orWord(s, what string) string {
	if s == "" {
		return what
	}
	return quote(s)
}

// quoteAll writes a list of words as a command line.
func quoteAll(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quote(w)
	}
	return strings.Join(out, " ")
}

// size reads "256m", "1g" or a number of bytes, as the command line does; empty
// is none.
func size(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := units.RAMInBytes(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w size %q: want a number with k, m or g, such as 256m", engine.ErrInvalid, s)
	}
	return n, nil
}

// cpus reads a number of processors into billionths; empty is none.
func cpus(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 1e6) {
		return 0, fmt.Errorf("%w number of CPUs %q: want for instance 1.5", engine.ErrInvalid, s)
	}
	return int64(f*1e9 + 0.5), nil
}

// pids reads a number of processes; -1 is no limit, empty none given.
func pids(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < -1 {
		return 0, fmt.Errorf("%w number of processes %q: want a whole number, or -1 for no limit", engine.ErrInvalid, s)
	}
	return n, nil
}

// sizeWord writes a size so that size reads it again, as short as it can.
func sizeWord(n int64) string {
	if n == 0 {
		return ""
	}
	for _, u := range []struct {
		unit string
		size int64
	}{{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}} {
		if n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.unit
		}
	}
	return strconv.FormatInt(n, 10)
}

func cpusWord(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', -1, 64)
}

func pidsWord(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// checked makes the check of a field from a reader of its text.
func checked[T any](read func(string) (T, error)) func(string) string {
	return func(s string) string { _, err := read(s); return errText(err) }
}
