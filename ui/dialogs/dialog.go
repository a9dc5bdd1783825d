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
	View(width, height int, s styles.Styles) []string
	Title() string
	// Hints are its keys, for the footer.
	Hints() []string
}

// Result is what came of a dialog. Its Tag is that of the dialog.
type Result struct {
	Tag  any  // what the root gave the dialog to know it again
	OK   bool // false: left
	Text string
	Pick int
}

// Draw lays a dialog over a page: the page dimmed, the dialog in its middle.
func Draw(page []string, width, height int, d Dialog, s styles.Styles) []string {
	innerW := min(width-8, 76)
	if width < 50 {
		innerW = width - 4
	}
	body := d.View(max(10, innerW), max(3, height-6), s)
	w := widgets.Width(d.Title()) + 4
	for _, l := range body {
		w = max(w, lipgloss.Width(l))
	}
	w = min(w, innerW)
	lines := make([]string, len(body))
	for i, l := range body {
		lines[i] = " " + l + strings.Repeat(" ", max(0, w-lipgloss.Width(l))) + " "
	}
	pane := widgets.Pane{Title: d.Title(), Width: w + 4, Height: len(lines) + 2, Focused: true, Border: s.Focus, Bold: s.FocusTitle}
	return over(page, pane.Render(lines), width, height, s)
}

// over puts box in the middle of a page whose colours are taken away.
func over(page, box []string, width, height int, s styles.Styles) []string {
	top := max(0, (height-len(box))/2)
	out := make([]string, 0, height)
	for y := range height {
		line := ""
		if y < len(page) {
			line = widgets.Plain(page[y])
		}
		i := y - top
		if i < 0 || i >= len(box) {
			out = append(out, s.Backdrop.Render(widgets.Fit(line, width)))
			continue
		}
		w := lipgloss.Width(box[i])
		left := max(0, (width-w)/2)
		out = append(out, s.Backdrop.Render(widgets.Fit(widgets.Slice(line, 0, left), left))+box[i]+
			s.Backdrop.Render(widgets.Fit(widgets.Slice(line, left+w, width), max(0, width-left-w))))
	}
	return out
}
