package tabs

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"gantry/themes"
	"gantry/ui/feed"
	"gantry/ui/logtext"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// FuzzLogRow: whatever a container prints, each row that is drawn of it is as
// wide as its pane and leaves the terminal as it was.
func FuzzLogRow(f *testing.F) {
	f.Add("\x1b[31mred\x1b[2J\x1b[H escapes\tits pane? 漢字 ERROR", "e", uint8(40), true)
	f.Add("\x1b[38;2;1;2;3m\u202e👩‍👩‍👧‍👦e\u0301\rx\x1b]0;t\x07", ".", uint8(0), false)
	theme := styles.New(themes.Dark())
	f.Fuzz(func(t *testing.T, raw, find string, width uint8, wrap bool) {
		w := 4 + int(width)
		tab := NewLog(nil, func() styles.Styles { return theme }, time.Now)
		tab.wrap, tab.here = wrap, 7
		if p, err := logtext.Compile(find); err == nil {
			tab.search.pattern = p
		}
		tab.inks.mix(&theme, true)
		for n, l := range []feed.Line{{Raw: raw}, {Raw: raw, Stderr: true, Cont: true}, {Raw: raw, Mark: true}} {
			k := tab.look(int64(7+n), l, w)
			for sub := range k.rows {
				row := tab.row(k, row{line: int64(7 + n), sub: sub}, w)
				if got := ansi.StringWidth(row); got != w {
					t.Fatalf("a row of %q is %d cells wide, want %d: %q", raw, got, w, row)
				}
				checkSequences(t, row)
			}
		}
	})
}

// checkSequences: nothing but colours, and none at the end.
func checkSequences(t *testing.T, row string) {
	t.Helper()
	parts := strings.Split(row, "\x1b")
	if widgets.Print(parts[0]).Text != parts[0] {
		t.Fatalf("%q holds controls", row)
	}
	on := false
	for _, part := range parts[1:] {
		params, text, ok := strings.Cut(strings.TrimPrefix(part, "["), "m")
		if !ok || !strings.HasPrefix(part, "[") || strings.Trim(params, "0123456789;:") != "" || widgets.Print(text).Text != text {
			t.Fatalf("%q draws %q", row, part)
		}
		on = params != "" && params != "0"
	}
	if on {
		t.Fatalf("%q leaves a colour on", row)
	}
}
