package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Button is a way on from a dialog. Its key is shown on it.
type Button struct{ Key, Word string }

// buttons draws a row of buttons with the selected one marked, not by colour
// alone, and tells where each can be clicked. at is the row's line.
func buttons(s styles.Styles, width, line, selected int, list ...Button) (string, []Spot) {
	var b strings.Builder
	var spots []Spot
	col := 0
	for i, it := range list {
		text := it.Key + " " + it.Word
		w := widgets.Width(text) + 3
		if col+w > width && col > 0 {
			break
		}
		if i == selected {
			b.WriteString(s.Bar(true).Render(glyph.Bar) + s.On(s.Text.Bold(true)).Render(" "+it.Key) + s.On(s.Text).Render(" "+it.Word+" "))
		} else {
			b.WriteString("  " + s.Accent.Render(it.Key) + s.Muted.Render(" "+it.Word+" "))
		}
		spots = append(spots, Spot{line, col, col + w, it.Key})
		col += w
		if col+2 <= width {
			b.WriteString("  ")
			col += 2
		}
	}
	return b.String(), spots
}

// hints are buttons as the footer shows them.
func hints(list []Button) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = b.Key + " " + b.Word
	}
	return out
}

// plural is "1 layer" or "3 layers".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}
