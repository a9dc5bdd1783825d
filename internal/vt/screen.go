package vt

import (
	"image/color"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Cell is one place on the screen.
type Cell struct {
	Text   string // a character with what combines with it; "" behind a wide one
	Width  int    // 0 behind a wide character
	Fg, Bg color.Color
	Attrs
}

// Attrs are how a cell looks beside its colours.
type Attrs struct{ Bold, Faint, Italic, Underline, Reverse, Strike bool }

// Screen is what is shown at one moment.
type Screen struct {
	Width, Height    int
	Cells            [][]Cell // rows, top first
	CursorX, CursorY int
	CursorHidden     bool
	Alternate        bool // the screen that full-screen programs use
	Fg, Bg           color.Color
}

// The bits of a cell's attributes, as the emulator has them.
const (
	bold = 1 << iota
	faint
	italic
	blink
	rapidBlink
	reverse
	conceal
	strike
)

// Screen is what the terminal shows now.
func (t *Terminal) Screen() Screen {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.emu
	at := e.CursorPosition()
	s := Screen{
		Width: e.Width(), Height: e.Height(), CursorX: at.X, CursorY: at.Y, CursorHidden: t.hidden,
		Alternate: e.IsAltScreen(), Fg: e.ForegroundColor(), Bg: e.BackgroundColor(),
	}
	s.Cells = make([][]Cell, s.Height)
	for y := range s.Cells {
		s.Cells[y] = make([]Cell, s.Width)
		for x := range s.Cells[y] {
			c := e.CellAt(x, y)
			if c == nil {
				s.Cells[y][x] = Cell{Text: " ", Width: 1}
				continue
			}
			s.Cells[y][x] = Cell{
				Text: c.Content, Width: c.Width, Fg: c.Style.Fg, Bg: c.Style.Bg,
				Attrs: Attrs{
					Bold: c.Style.Attrs&bold != 0, Faint: c.Style.Attrs&faint != 0, Italic: c.Style.Attrs&italic != 0,
					Reverse: c.Style.Attrs&reverse != 0, Strike: c.Style.Attrs&strike != 0, Underline: c.Style.Underline != ansi.UnderlineNone,
				},
			}
		}
	}
	return s
}

// Line is the text of a row without the blanks at its end.
func (s Screen) Line(y int) string {
	var b strings.Builder
	for _, c := range s.Cells[y] {
		if c.Width > 0 && c.Text == "" {
			b.WriteByte(' ')
		}
		b.WriteString(c.Text)
	}
	return strings.TrimRight(b.String(), " ")
}

// Text is all rows.
func (s Screen) Text() string {
	var b strings.Builder
	for y := range s.Cells {
		b.WriteString(s.Line(y))
		b.WriteByte('\n')
	}
	return b.String()
}

// Has tells whether a text stands on the screen, in one row.
func (s Screen) Has(text string) bool { return strings.Contains(s.Text(), text) }

// Shows makes a condition for Wait: all texts are on the screen.
func Shows(texts ...string) func(Screen) bool {
	return func(s Screen) bool {
		all := s.Text()
		for _, text := range texts {
			if !strings.Contains(all, text) {
				return false
			}
		}
		return true
	}
}
