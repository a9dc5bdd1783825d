package dialogs

import (
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Dialog is one window of the stack.
type Dialog interface {
	// Key takes a key and returns the dialog as it is then, or nil with what
	// came of it when it is over.
	Key(key, text string) (Dialog, Result)
	// View draws the inside, at most width cells wide and height lines high.
	View(width, height int, s styles.Styles) Body
	Title() string
	// Hints are its keys, for the footer.
	Hints() []string
}

// Paster is a dialog into which text can be pasted.
type Paster interface {
	Paste(text string) Dialog
}

// Sized is a dialog that must know its room when a key comes: one that scrolls.
type Sized interface {
	Sized(width, height int) Dialog
}

// allOfIt is the width of a dialog that takes the whole screen.
const allOfIt = 1 << 16

// Widest is a dialog that may be wider than others.
type Widest interface {
	Widest() int
}

// Bright is a dialog that leaves the page behind it as it is, because the page
// is what it is about.
type Bright interface {
	Bright() bool
}

// Press gives a key to a dialog on a page of the given size.
func Press(d Dialog, width, height int, key, text string) (Dialog, Result) {
	if s, ok := d.(Sized); ok {
		d = s.Sized(room(d, width, height))
	}
	return d.Key(key, text)
}

// Body is the inside of a dialog: what is shown, and what can be clicked.
type Body struct {
	Lines []string
	Spots []Spot
}

// Spot is a part of a line. A click on it is a press of its key.
type Spot struct {
	Line, From, To int
	Key            string
}

// Result is what came of a dialog. Its Tag is that of the dialog.
type Result struct {
	Tag    any  // what the root gave the dialog to know it again
	OK     bool // false: left
	Pick   int
	Key    string // of the button that was pressed, where there are several
	Values Values // of a form
	Copy   string // text for the clipboard; the dialog stays
	// Line is what was typed into a palette; Arguments tells that it has some.
	Line      string
	Arguments bool
}

// frame is where a dialog stands on the screen.
type frame struct {
	x, y, width int // of the box, border included
	body        Body
}

const widest = 84

// room is the room inside a dialog on a page.
func room(d Dialog, width, height int) (int, int) {
	most := widest
	if w, ok := d.(Widest); ok {
		most = w.Widest()
	}
	inner := min(width-8, most)
	if width < 60 || most == allOfIt {
		inner = width - 4
	}
	return max(inner, 8), max(1, height-2)
}

// lay puts a dialog into the middle of a page.
func lay(width, height int, d Dialog, s styles.Styles) frame {
	inner, rows := room(d, width, height)
	body := d.View(inner, rows, s)
	w := widgets.Width(d.Title()) + 4
	for _, l := range body.Lines {
		w = max(w, lipgloss.Width(l))
	}
	w = min(w, inner) + 4
	return frame{x: max(0, (width-w)/2), y: max(0, (height-len(body.Lines)-2)/2), width: w, body: body}
}

// Draw lays a dialog over a page: the page dimmed, the dialog in its middle.
func Draw(page []string, width, height int, d Dialog, s styles.Styles) []string {
	f := lay(width, height, d, s)
	lines := make([]string, len(f.body.Lines))
	for i, l := range f.body.Lines {
		lines[i] = " " + l + strings.Repeat(" ", max(0, f.width-4-lipgloss.Width(l))) + " "
	}
	pane := widgets.Pane{Title: d.Title(), Width: f.width, Height: len(lines) + 2, Focused: true, Border: s.Focus, Bold: s.FocusTitle}
	behind := func(line string, width int) string { return s.Backdrop.Render(widgets.Fit(line, width)) }
	if b, ok := d.(Bright); ok && b.Bright() {
		behind = widgets.Fit
	} else {
		page = plain(page)
	}
	return over(page, pane.Render(lines), width, height, f, behind)
}

func plain(page []string) []string {
	out := make([]string, len(page))
	for i, line := range page {
		out[i] = widgets.Plain(line)
	}
	return out
}

// Hit is the key that a click at x, y of the page stands for, "" for none.
// inside tells whether the dialog was hit at all.
func Hit(width, height int, d Dialog, s styles.Styles, x, y int) (key string, inside bool) {
	f := lay(width, height, d, s)
	line, col := y-f.y-1, x-f.x-2
	inside = x >= f.x && x < f.x+f.width && y >= f.y && y < f.y+len(f.body.Lines)+2
	for _, spot := range f.body.Spots {
		if spot.Line == line && col >= spot.From && col < spot.To {
			return spot.Key, true
		}
	}
	return "", inside
}

// over puts box onto a page, of which behind draws what is seen.
func over(page, box []string, width, height int, f frame, behind func(line string, width int) string) []string {
	out := make([]string, 0, height)
	for y := range height {
		line := ""
		if y < len(page) {
			line = page[y]
		}
		i := y - f.y
		if i < 0 || i >= len(box) {
			out = append(out, behind(line, width))
			continue
		}
		out = append(out, behind(widgets.Slice(line, 0, f.x), f.x)+box[i]+
			behind(widgets.Slice(line, f.x+f.width, width), max(0, width-f.x-f.width)))
	}
	return out
}
