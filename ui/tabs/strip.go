package tabs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// stripRows is the height of the strip below a list, which shows the selected
// row in full. It is there when any row is cut, not only the selected one, so
// that the list does not jump while the cursor moves.
func stripRows(cuts bool, height int) int {
	if !cuts || height < 8 {
		return 0
	}
	return 1 + max(2, min(height/6, 4))
}

// footRows is what a list has below it: the strip, the prompt, or both.
func footRows(cuts bool, p *prompt, height int) int {
	return max(stripRows(cuts, height), btoi(p.typing))
}

// foot draws the strip and, in its last line, the prompt.
func foot(s styles.Styles, p *prompt, what, text string, cuts bool, width, height int) []string {
	var lines []string
	if rows := stripRows(cuts, height); rows > 0 {
		lines = append(lines, s.Border.Render(strings.Repeat(glyph.Horizontal, width)))
		for _, l := range widgets.WrapFit(text, width-2, rows-1) {
			lines = append(lines, " "+s.Text.Render(l)+" ")
		}
		for len(lines) < rows {
			lines = append(lines, "")
		}
	}
	if typed := p.lines(s, what, width); typed != nil {
		lines = append(lines[:max(0, len(lines)-1)], typed...)
	}
	return lines
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
