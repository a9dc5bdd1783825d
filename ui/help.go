package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/widgets"
)

// helpPage lists all keys, from the registry.
func (m *Model) helpPage() []string {
	column := func(title string, scope keys.Scope) []string {
		lines := []string{m.styles.Title.Render(title)}
		for _, a := range m.keys.In(scope) {
			if len(a.Keys) == 0 {
				continue
			}
			asks := ""
			if a.Asks {
				asks = ", asks"
			}
			lines = append(lines, m.styles.Accent.Render(widgets.Fit(strings.Join(a.Keys, " "), 12))+strings.TrimSuffix(a.Title, glyph.Ellipsis)+m.styles.Muted.Render(asks))
		}
		return append(lines, "")
	}
	global := append(column("Everywhere", keys.Global), m.styles.Muted.Render("j k g G pgup pgdn move; any key closes"))
	if m.height < 30 || m.width < 110 { // not everything fits: what has the focus, and what holds everywhere
		name := map[keys.Scope]string{keys.Containers: "Containers", keys.Images: "Images", keys.Log: "Log"}[m.scope()]
		return columns(m.width, m.height-2, column(name, m.scope()), global)
	}
	middle := append(column("Images", keys.Images), column("Log", keys.Log)...)
	return columns(m.width, m.height-2, column("Containers", keys.Containers), middle, global)
}

// columns sets lists side by side where the width allows, else one below the
// other.
func columns(width, height int, lists ...[]string) []string {
	const least = 36
	if width < least*2 {
		var out []string
		for _, l := range lists {
			for _, line := range l {
				out = append(out, "  "+ansi.Truncate(line, width-3, glyph.Ellipsis))
			}
		}
		return out[:min(height, len(out))]
	}
	w := (width - 2) / len(lists)
	out := make([]string, height)
	for y := range height {
		out[y] = "  "
		for _, l := range lists {
			cell := ""
			if y > 0 && y-1 < len(l) {
				cell = ansi.Truncate(l[y-1], w-1, glyph.Ellipsis)
			}
			out[y] += cell + strings.Repeat(" ", w-ansi.StringWidth(cell))
		}
		out[y] = ansi.Truncate(out[y], width, "")
	}
	return out
}
