package svg_test

import (
	"bytes"
	"encoding/xml"
	"image/color"
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"gantry/internal/vt"
	"gantry/internal/vt/svg"
)

func draw(t *testing.T, cells ...vt.Cell) string {
	t.Helper()
	s := vt.Screen{Width: len(cells), Height: 1, Cells: [][]vt.Cell{cells}, CursorHidden: true, Fg: color.White, Bg: color.Black}
	var out bytes.Buffer
	if err := svg.Write(&out, s, `a "title" & more`); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(out.Bytes())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v\n%s", err, &out)
		}
	}
	return out.String()
}

func plain(text string) []vt.Cell {
	var out []vt.Cell
	for _, r := range text {
		out = append(out, vt.Cell{Text: string(r), Width: 1})
	}
	return out
}

func TestTextIsStretchedToItsCells(t *testing.T) {
	t.Parallel()
	got := draw(t, plain("one two  x<y")...)
	for _, want := range []string{`textLength="58.8"`, ">one two</text>", ">x&lt;y</text>", `x="75.6"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
}

func TestColoursAndAttributes(t *testing.T) {
	t.Parallel()
	got := draw(t,
		vt.Cell{Text: "a", Width: 1, Fg: ansi.BasicColor(1), Attrs: vt.Attrs{Bold: true}},
		vt.Cell{Text: "b", Width: 1, Fg: color.RGBA{1, 2, 3, 255}, Bg: color.RGBA{4, 5, 6, 255}, Attrs: vt.Attrs{Reverse: true, Underline: true}},
	)
	for _, want := range []string{`fill="#f7768e" class="b"`, `height="18" fill="#010203"`, `fill="#040506"`, `stroke="#040506"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
}

// TestWhatMustMeetItsNeighboursIsNoText: its shape reaches the edge of the cell.
func TestWhatMustMeetItsNeighboursIsNoText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"─": "M4.2 9L8.4 9M4.2 9L0 9", "│": "M4.2 9L4.2 0M4.2 9L4.2 18", "╭": "M4.2 18V13.2Q4.2 9 8.4 9",
		"█": "M0 0h8.4v18h-8.4z", "▁": "M0 15.75h8.4v2.25h-8.4z", "▌": "M0 0h4.2v18h-4.2z", "⣀": "M2.1 15.75h0M6.3 15.75h0",
	} {
		got := draw(t, plain(text)...)
		if strings.Contains(got, "<text") || !strings.Contains(got, `d="`+want+`"`) {
			t.Errorf("%s: %s is missing in\n%s", text, want, got)
		}
	}
	if got := draw(t, plain("●✖")...); strings.Count(got, "<text") != 2 {
		t.Errorf("signs are text, each for itself:\n%s", got)
	}
}

// TestWideCharactersTakeTwoCells.
func TestWideCharactersTakeTwoCells(t *testing.T) {
	t.Parallel()
	got := draw(t, vt.Cell{Text: "界", Width: 2}, vt.Cell{}, vt.Cell{Text: "x", Width: 1})
	if !strings.Contains(got, `<text x="8.4" y="13.5" text-anchor="middle"`) || !strings.Contains(got, `<text x="16.8"`) {
		t.Error(got)
	}
}
