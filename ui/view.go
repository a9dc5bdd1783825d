package ui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/dialogs"
	"gantry/ui/widgets"
)

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(m.styles.Glyphs.Screen(m.screen()))
	v.AltScreen = true
	v.WindowTitle = "gantry"
	v.BackgroundColor, v.ForegroundColor = m.styles.Page, m.styles.PageText
	if !m.pointer.off {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

func (m *Model) screen() string {
	if m.width == 0 || m.height < 4 {
		return ""
	}
	lines := []string{m.header()}
	if m.welcoming() {
		lines = append(lines, m.welcome()...)
	} else {
		lines = append(lines, m.body()...)
	}
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = lines[:m.height-1]
	if n := len(m.dialogs); n > 0 {
		lines = dialogs.Draw(lines, m.width, m.height-1, m.dialogs[n-1], m.styles)
	}
	foot := m.footer()
	lines = lines[:max(0, m.height-len(foot))]
	return strings.Join(append(lines, foot...), "\n")
}

// body lays the panes over the screen: those that stand side by side share
// their lines.
func (m *Model) body() []string {
	l := m.layout()
	lines := make([]string, m.height-2)
	lay := func(r rect, drawn []string) {
		for i, line := range drawn {
			if y := r.y - 1 + i; y < len(lines) {
				lines[y] += line
			}
		}
	}
	// From left to right, because a line is made of what stands in it.
	for _, p := range listsInOrder {
		if r := l.of(p); r.h > 0 {
			lay(r, m.drawn(p, r))
		}
	}
	if l.bar.h > 0 {
		lay(l.bar, []string{m.bar(l)})
	}
	for _, p := range []pane{detailPane, sidePane} {
		if r := l.of(p); r.h > 0 {
			lay(r, m.drawn(p, r))
		}
	}
	return lines
}

// entry is a pane in the bar.
type entry struct {
	pane pane
	text string
}

// names are the lists as titles and bar call them.
var names = [panes]string{
	containersPane: "1 Containers", imagesPane: "2 Images", volumesPane: "3 Volumes", networksPane: "4 Networks", jobsPane: "8 Jobs",
}

// shortNames are the same where the bar is narrow.
var shortNames = [panes]string{
	containersPane: "1 Ctrs", imagesPane: "2 Imgs", volumesPane: "3 Vols", networksPane: "4 Nets", jobsPane: "8 Jobs",
}

// hidden are the panes that have no room, as the bar names them: with how much
// they hold, or with as much of their names as there is room for. None is left
// out: what the bar does not name, nobody looks for.
func (m *Model) hidden(l layout) []entry {
	var counted, named, short, bare []entry
	for _, p := range listsInOrder {
		n := m.list(p).All()
		if l.of(p).h > 0 || n == 0 && p == jobsPane {
			continue
		}
		counted = append(counted, entry{p, fmt.Sprintf("%s %d", names[p], n)})
		named = append(named, entry{p, names[p]})
		short = append(short, entry{p, shortNames[p]})
		bare = append(bare, entry{p, names[p][:1]})
	}
	for _, list := range [][]entry{counted, named, short} {
		if barWidth(list) <= l.bar.w {
			return list
		}
	}
	return bare
}

// barWidth is what entries take with the blanks between them.
func barWidth(list []entry) int {
	width := 0
	for _, e := range list {
		width += len(e.text) + 2
	}
	return width
}

// bar names the panes that are not shown, by their keys.
func (m *Model) bar(l layout) string {
	line, used := "", 0
	for _, e := range m.hidden(l) {
		if used+len(e.text)+2 > l.bar.w {
			break
		}
		key, rest, ok := strings.Cut(e.text, " ")
		line += " " + m.styles.Key.Render(key)
		if ok {
			line += m.styles.Muted.Render(" " + rest)
		}
		line += " "
		used += len(e.text) + 2
	}
	return line + strings.Repeat(" ", l.bar.w-used)
}

func (m *Model) drawPane(p pane, r rect) []string {
	switch p {
	case containersPane:
		return m.listPane(p, r, "No containers yet.", "n runs one.")
	case imagesPane:
		return m.listPane(p, r, "No images yet.", "2, then P, pulls one.")
	case volumesPane:
		return m.listPane(p, r, "No volumes.", "n makes one; so does a mount.")
	case networksPane:
		return m.listPane(p, r, "No networks.", "n makes one.")
	case jobsPane:
		return m.listPane(p, r, "No jobs.", "Pulls and pushes show here.")
	case sidePane:
		return m.logColumn(r)
	}
	return m.detailPane(r)
}

func (m *Model) pane(p pane, r rect, title, position string) widgets.Pane {
	w := widgets.Pane{Title: title, Position: position, Width: r.w, Height: r.h, Focused: m.focus == p, Border: m.styles.Border, Bold: m.styles.Muted, Note: m.styles.Muted}
	if w.Focused {
		w.Border, w.Bold = m.styles.Focus, m.styles.FocusTitle
	}
	if zoomed := "  zoomed"; m.zoom && w.Focused && w.Holds(title+zoomed) {
		w.Title += zoomed
	}
	return w
}
