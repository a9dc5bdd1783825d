package widgets_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/widgets"
)

func TestTable(t *testing.T) {
	t.Parallel()
	table := widgets.Table{
		Columns: []widgets.Column{
			{Title: "NAME", Soft: true, Min: 6}, {Title: "SIZE", Right: true}, {Title: "AGE", Right: true, Rank: 1}, {Title: "PATH", Soft: true, Min: 8, Name: true, Rank: 2},
		},
		Rows:   [][]string{{"a", "1 B", "3d", "/short"}, {"a rather long name", "12 MB", "now", "/a/rather/long/path/to/file"}, {"漢字", "0 B", "1y", "/x"}},
		Cursor: 1, Focused: true,
	}
	for _, c := range []struct {
		width, height int
		cuts          bool
		want          string
	}{
		{70, 5, false, "" +
			" NAME                 SIZE  AGE  PATH\n" +
			" a                     1 B   3d  /short\n" +
			"▌a rather long name  12 MB  now  /a/rather/long/path/to/file\n" +
			" 漢字                  0 B   1y  /x"},
		{40, 5, true, "" +
			" NAME            SIZE AGE PATH\n" +
			" a                1 B  3d /short\n" +
			"▌a rather long… 12 MB now …/path/to/file\n" +
			" 漢字             0 B  1y /x"},
		{25, 5, true, "" +
			" NAME            SIZE AGE\n" +
			" a                1 B  3d\n" +
			"▌a rather long… 12 MB now\n" +
			" 漢字             0 B  1y"},
		{14, 2, true, "" +
			" NAME     SIZE\n" +
			"▌a rath… 12 MB"},
	} {
		got := table.Render(c.width, c.height)
		for i, l := range got {
			if w := ansi.StringWidth(l); w != c.width {
				t.Errorf("%dx%d: line %d is %d cells wide", c.width, c.height, i, w)
			}
			got[i] = strings.TrimRight(ansi.Strip(l), " ")
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("%dx%d: got\n%s\nwant\n%s", c.width, c.height, s, c.want)
		}
		if table.Cuts(c.width) != c.cuts {
			t.Errorf("%dx%d: Cuts is %v", c.width, c.height, !c.cuts)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s, text string
		at      int
	}{
		{"Memory", "mem", 0}, {"Memory", "Mem", 0}, {"Memory", "MEM", -1}, {"", "", 0}, {"x", "", 0}, {"GRÜSSE", "üss", 2}, {"İİ\u212a x", "x", 8}, {"abc", "abcd", -1},
	} {
		if got := widgets.Find(c.s, c.text); got != c.at {
			t.Errorf("Find(%q, %q) is %d, want %d", c.s, c.text, got, c.at)
		}
	}
}

func TestWrapFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s           string
		width, most int
		want        string
	}{
		{"one two three", 7, 5, "one two|three  "}, {"one two three four", 7, 2, "one two|three …"}, {"averylongword", 5, 9, "avery|longw|ord  "}, {"x", 0, 1, ""}, {"x", 5, 0, ""}, {"", 3, 2, "   "},
	} {
		if got := strings.Join(widgets.WrapFit(c.s, c.width, c.most), "|"); got != c.want {
			t.Errorf("WrapFit(%q, %d, %d) is %q, want %q", c.s, c.width, c.most, got, c.want)
		}
	}
}
