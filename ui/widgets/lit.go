package widgets

import "charm.land/lipgloss/v2"

// Lit is a style as it looks in the row under the cursor, whose own style is
// selected. Where that reverses or sets a colour for text, the row has it
// throughout: patches of several colours would be harder to read than none.
func Lit(style, selected lipgloss.Style) lipgloss.Style {
	if selected.GetReverse() {
		return style.UnsetForeground().UnsetBackground().UnsetFaint().Reverse(true)
	}
	if _, none := selected.GetBackground().(lipgloss.NoColor); !none {
		style = style.Background(selected.GetBackground())
	}
	if _, none := selected.GetForeground().(lipgloss.NoColor); !none {
		style = style.Foreground(selected.GetForeground()).UnsetFaint()
	}
	if selected.GetBold() {
		style = style.Bold(true)
	}
	if selected.GetUnderline() {
		style = style.Underline(true)
	}
	return style
}
