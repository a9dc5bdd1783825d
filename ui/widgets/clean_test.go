package widgets_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"gantry/ui/widgets"
)

func TestPrint(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, text, safe string }{
		{"plain", "hello", "hello", ""},
		{"colours go", "\x1b[1;31mred\x1b[0m \x1b[38;5;200mpink\x1b[m", "red pink", ""},
		{"screen and cursor", "a\x1b[2J\x1b[H\x1b[10;10Hb\x1b[?1049hc\x1b[6n", "abc", ""},
		{"a title, ended by BEL", "a\x1b]0;title\x07b", "ab", ""},
		{"a link, ended by ST", "\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "text", ""},
		{"a string that never ends hides nothing", "\x1b]0;evil", "0;evil", ""},
		{"device control", "a\x1bP1$r0m\x1b\\b", "ab", ""},
		{"character sets", "\x1b(B\x1b)0x\x1b#8y", "xy", ""},
		{"one letter", "\x1b7\x1b8\x1bc\x1bMz", "z", ""},
		{"C1 in UTF-8", "a\u009b2Jb\u009d0;t\u009cc\u0085d", "abcd", ""},
		{"C1 as bytes", "a\x9b2Jb", "a\uFFFD2Jb", ""},
		{"cut in the middle", "a\x1b[38;5", "a", ""},
		{"a control inside", "a\x1b[3\x071mb", "a1mb", ""},
		{"tabs", "a\tb\t\tc", "a       b               c", ""},
		{"the last state of a line", "10 %\r20 %\r30 %\r", "30 %", "10 %20 %30 %"},
		{"bell, backspace, delete", "a\a\bb\x7f", "ab", ""},
		{"direction", "a\u202eb\u2066c\u200fd", "abcd", ""},
		{"invisible tags", "a\U000e0041\U000e007fb", "ab", ""},
		{"not UTF-8", "a\xffb", "a\uFFFDb", ""},
		{"wide", "日本 漢字", "日本 漢字", ""},
	} {
		want := c.safe
		if want == "" {
			want = c.text
		}
		if got := widgets.Print(c.in).Text; got != c.text {
			t.Errorf("%s: Print gives %q, want %q", c.name, got, c.text)
		}
		if got := widgets.Safe([]byte(c.in)); got != want {
			t.Errorf("%s: Safe gives %q, want %q", c.name, got, want)
		}
	}
}

// TestLooks: what a program's colours become, written by us.
func TestLooks(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\x1b[31mx":                   "\x1b[31mx\x1b[m",
		"\x1b[1;4;94mx":               "\x1b[1;4;94;4mx\x1b[m",
		"\x1b[38;5;123;1mx":           "\x1b[1;38;5;123mx\x1b[m",
		"\x1b[38;2;1;2;3mx":           "\x1b[38;2;1;2;3mx\x1b[m",
		"\x1b[38:2::1:2:3mx":          "\x1b[38;2;1;2;3mx\x1b[m",
		"\x1b[48:5:9mx":               "\x1b[101mx\x1b[m",
		"\x1b[31m\x1b[39mx":           "x",
		"\x1b[1m\x1b[22mx":            "x",
		"\x1b[5;8mx":                  "x", // nothing blinks, nothing is hidden
		"\x1b[31;41mx":                "\x1b[31mx\x1b[m",
		"\x1b[38;5;300mx":             "x",
		"\x1b[38;2;1mx":               "x",
		"\x1b[>4;2mx":                 "x",
		"\x1b[99999999999999999999mx": "x",
	} {
		p := widgets.Print(in)
		look := widgets.Look{}
		if len(p.Runs) > 0 {
			look = p.Runs[0].Look
		}
		if got := look.Over(lipgloss.NewStyle()).Render(p.Text); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// FuzzPrint: whatever a container prints, what is shown of it is one row of
// the width that it takes, has no control character, and its colours say
// nothing but colours.
func FuzzPrint(f *testing.F) {
	for _, s := range []string{
		"\x1b[31mred\x1b[2J\x1b[H escapes\tits pane? 漢字", "\x1b]0;t\x07\x1bP\x1b\\\u009b3m\xff\r\n", "e\u0301🇩🇪👩‍👩‍👧‍👦\u202e\x1b[38;2;1;2;3;48:5:7m", "a\rb\x1b[1", "\x1b\x1b[\x1b]",
	} {
		f.Add(s, uint8(20))
	}
	f.Fuzz(func(t *testing.T, in string, width uint8) {
		for _, s := range []string{widgets.Print(in).Text, widgets.Safe([]byte(in))} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
				t.Fatalf("%q became %q", in, s)
			}
		}
		p := widgets.Print(in)
		if again := widgets.Print(p.Text); again.Text != p.Text || len(again.Runs) > 0 {
			t.Errorf("%q is not harmless: it becomes %q", p.Text, again.Text)
		}
		last := 0
		for _, r := range p.Runs {
			if r.From < last || r.From > len(p.Text) {
				t.Errorf("%q: runs %v of %d bytes", in, p.Runs, len(p.Text))
			}
			last = r.From
			if out := r.Look.Over(lipgloss.NewStyle()).Render("x"); ansi.Strip(out) != "x" || ansi.StringWidth(out) != 1 || strings.Count(out, "\x1b") > 2 {
				t.Errorf("%q draws %q", in, out)
			}
		}
		w := 2 + int(width)
		rows := widgets.Rows(p.Text, w)
		for i, from := range rows {
			to := len(p.Text)
			if i+1 < len(rows) {
				to = rows[i+1]
			}
			if got := ansi.StringWidth(p.Text[from:to]); got > w {
				t.Errorf("row %d of %q is %d cells wide, of %d", i, p.Text, got, w)
			}
		}
	})
}

func TestRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"", 5, ""}, {"abcde", 5, "abcde"}, {"abcdef", 5, "abcde|f"}, {"日本語", 4, "日本|語"}, {"日本語", 5, "日本|語"},
		{"ae\u0301bc", 2, "ae\u0301|bc"}, {"a👩‍👩‍👧‍👦b", 3, "a👩‍👩‍👧‍👦|b"}, {"abcdefghij", 3, "abc|def|ghi|j"},
	} {
		var parts []string
		rows := widgets.Rows(c.s, c.width)
		for i, from := range rows {
			to := len(c.s)
			if i+1 < len(rows) {
				to = rows[i+1]
			}
			parts = append(parts, c.s[from:to])
		}
		if got := strings.Join(parts, "|"); got != c.want {
			t.Errorf("%q in %d cells is %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	for name, s := range map[string]string{
		"plain":               strings.Repeat("GET /cart 200 12ms ", 6),
		"strings without end": strings.Repeat("\x1b]", 8<<10), "overwritten": strings.Repeat("\r", 16<<10) + "x",
		"colours": strings.Repeat("\x1b[32mINFO\x1b[0m GET /cart ", 6),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				widgets.Print(s)
			}
		})
	}
}
