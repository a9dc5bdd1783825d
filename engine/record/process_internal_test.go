package record

import (
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	rest := " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21\n"
	for _, tt := range []struct {
		name, in string
		state    byte
		start    uint64
		ok       bool
	}{
		{"plain", "17 (sleep)" + rest, 'S', 4242, true},
		{"name with spaces", "17 (a b c)" + rest, 'S', 4242, true},
		{"name that closes early", "17 (x) Z 1 (y)" + rest, 'S', 4242, true},
		{"name with a newline", "17 (x\ny)" + rest, 'S', 4242, true},
		{"cut", "17 (sleep) S 1 2 3", 0, 0, false},
		{"no name", strings.ReplaceAll(rest, ")", ""), 0, 0, false},
		{"start is no number", "17 (x)" + strings.Replace(rest, "4242", "now", 1), 0, 0, false},
		{"empty", "", 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, start, err := parseStat([]byte(tt.in))
			if (err == nil) != tt.ok || state != tt.state || start != tt.start {
				t.Errorf("got %c %d %v, want %c %d ok %v", state, start, err, tt.state, tt.start, tt.ok)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (sleep) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _, _ = parseStat(b) })
}
