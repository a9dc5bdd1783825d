package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/docker/go-units"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(m.styles.Glyphs.Screen(m.screen()))
	v.AltScreen = true
	v.WindowTitle = "gantry"
	return v
}

func (m *Model) screen() string {
	if m.width == 0 || m.height < 4 {
		return ""
	}
	lines := []string{m.header()}
	if m.help {
		lines = append(lines, m.helpPage()...)
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
	return strings.Join(append(lines, m.footer()), "\n")
}

func (m *Model) body() []string {
	l := m.layout()
	var left []string
	if l.containers.h > 0 {
		left = append(left, m.containersPane(l.containers)...)
	}
	if l.images.h > 0 {
		left = append(left, m.imagesPane(l.images)...)
	}
	if l.log.h == 0 {
		return left
	}
	right := m.detailPane(l.log)
	if l.log.x == 0 {
		return append(left, right...)
	}
	for i := range left {
		if i < len(right) {
			left[i] += right[i]
		}
	}
	return left
}

func (m *Model) pane(p pane, r rect, title, position string) widgets.Pane {
	w := widgets.Pane{Title: title, Position: position, Width: r.w, Height: r.h, Focused: m.focus == p, Border: m.styles.Border, Bold: m.styles.Muted}
	if w.Focused {
		w.Border, w.Bold = m.styles.Focus, m.styles.FocusTitle
	}
	if m.zoom && w.Focused {
		w.Title += "  zoomed"
	}
	return w
}

// header: what engine this is, the counts by state, the control groups.
func (m *Model) header() string {
	var running, stopped, failed int
	for _, c := range m.state.Containers {
		switch {
		case c.Status.Running:
			running++
		case c.Status.Status == engine.Exited && c.Status.ExitCode != 0:
			failed++
		default:
			stopped++
		}
	}
	s := m.styles
	name := " " + s.Title.Render("gantry") + "  "
	about := m.info.Name
	if m.info.Cgroup != "" {
		about += glyph.Sep + "cgroup " + m.info.Cgroup + glyph.Sep + m.info.Storage
	}
	counts := s.OK.Render(glyph.Running) + fmt.Sprintf(" %d  ", running) + s.Muted.Render(glyph.Exited) + fmt.Sprintf(" %d  ", stopped)
	countsWidth := 10 + len(fmt.Sprint(running, stopped)) - 3
	if failed > 0 {
		counts += s.Bad.Render(glyph.Failed) + fmt.Sprintf(" %d  ", failed)
		countsWidth += 4 + len(fmt.Sprint(failed))
	}
	room := m.width - 9 - lipgloss.Width(counts)
	if room < 1 {
		return name
	}
	return name + s.Muted.Render(widgets.Fit(about, room)) + counts
}

// footer: the keys of what has the focus, most useful first, and at the right
// what was just done.
func (m *Model) footer() string {
	if m.state.Err != nil {
		return " " + m.styles.Bad.Render(widgets.Fit(glyph.Problem+" "+m.state.Err.Error(), m.width-1))
	}
	if m.filtering {
		return " " + m.styles.Accent.Render("/") + widgets.Fit(m.filter[m.focus]+glyph.Caret+"  words, !not, status:exited; enter keep, esc clear", m.width-2)
	}
	toast, style := m.toast, m.styles.OK
	if m.busy > 0 && toast == "" {
		toast, style = m.styles.Wait("working"), m.styles.Busy
	}
	if m.toastBad {
		style = m.styles.Bad
	}
	toast = strings.TrimRight(widgets.Fit(toast, min(widgets.Width(toast), m.width*2/3)), " ")
	line := m.hintLine(m.width - 2 - widgets.Width(toast))
	gap := max(1, m.width-1-lipgloss.Width(line)-widgets.Width(toast))
	return line + strings.Repeat(" ", gap) + style.Render(toast)
}

// hintLine shows as many hints as there is room for, and always the last one:
// it leads to all others.
func (m *Model) hintLine(room int) string {
	hints := m.hints()
	last := len(hints) - 1
	if last < 0 {
		return ""
	}
	line, left := "", room-widgets.Width(hints[last])-2
	for i, h := range hints {
		if i < last {
			if left -= widgets.Width(h) + 2; left < 0 {
				continue
			}
		}
		key, text, _ := strings.Cut(h, " ")
		line += " " + m.styles.Key.Render(key) + " " + m.styles.Muted.Render(text) + " "
	}
	return line
}

// hints are at most seven, "?" always last; a dialog has its own.
func (m *Model) hints() []string {
	if n := len(m.dialogs); n > 0 {
		return m.dialogs[n-1].Hints()
	}
	const most = 6
	var out []string
	add := func(list []keys.Action) {
		for _, a := range list {
			if a.Short != "" && len(a.Keys) > 0 && len(out) < most && a.ID != "help" {
				out = append(out, a.Keys[0]+" "+a.Short)
			}
		}
	}
	if m.inPanel() {
		out = append(out, m.panelHints()...)
		out = out[:min(len(out), most-1)]
	}
	add(m.keys.In(m.scope()))
	add(m.keys.In(keys.Global))
	return append(out, "? help")
}

func (m *Model) containersPane(r rect) []string {
	rows := m.rows()
	p := m.pane(containersPane, r, m.listTitle("1 Containers", containersPane, len(rows), len(m.state.Containers)), position(m.containers.cursor, len(rows)))
	w, h := p.Inner()
	if len(rows) == 0 && len(m.state.Containers) > 0 {
		return p.Render(m.empty(w, "The filter lets none of them through.", "esc clears it."))
	}
	if len(rows) == 0 {
		return p.Render(m.empty(w, "No containers yet.", "n runs one."))
	}
	offset := widgets.Window(len(rows), h, m.containers.cursor, m.containers.offset)
	lines := make([]string, 0, h)
	for i := offset; i < min(len(rows), offset+h); i++ {
		lines = append(lines, m.containerRow(rows[i], w, i == m.containers.cursor))
	}
	return p.Render(lines)
}

// containerRow: state, name, what it says of itself, image, age.
func (m *Model) containerRow(c engine.ContainerSummary, w int, cursor bool) string {
	sign, word, style := m.styles.Status(c.Status)
	if c.Status.Status == engine.Exited && c.Status.ExitCode != 0 {
		word = fmt.Sprintf("exited %d", c.Status.ExitCode)
		if c.Status.OOMKilled {
			word = "OOM killed"
		}
	}
	since := c.Created
	if c.Status.Running {
		since = c.Status.StartedAt
	} else if !c.Status.FinishedAt.IsZero() {
		since = c.Status.FinishedAt
	}
	const fixed = 3 + 1 + 10 + 1 + 5 + 1
	nameWidth, imageWidth := w-fixed, 0
	if nameWidth > 28 { // an image in fewer than 14 cells tells nothing
		nameWidth = min(nameWidth/2, 32)
		imageWidth = w - fixed - nameWidth
	}
	lead := " "
	if m.marks[c.ID] {
		lead = glyph.Marked
	}
	row := cells{
		{lead + sign + " ", 3, style}, {widgets.Fit(c.Name, nameWidth), nameWidth, m.styles.Text}, {" ", 1, m.styles.Text},
		{widgets.Fit(word, 10), 10, style}, {" ", 1, m.styles.Text},
		{widgets.FitName(c.Image, imageWidth), imageWidth, m.styles.Muted}, {widgets.FitLeft(age(m.now().Sub(since)), 5) + " ", 6, m.styles.Muted},
	}
	return row.render(w, cursor, m.focus == containersPane, m.styles)
}

func (m *Model) imagesPane(r rect) []string {
	rows := m.imageRows()
	p := m.pane(imagesPane, r, m.listTitle("2 Images", imagesPane, len(rows), len(m.state.Images)), position(m.images.cursor, len(rows)))
	w, h := p.Inner()
	if len(rows) == 0 && len(m.state.Images) > 0 {
		return p.Render(m.empty(w, "The filter lets none of them through.", "esc clears it."))
	}
	if len(rows) == 0 {
		return p.Render(m.empty(w, "No images yet.", "2, then P, pulls one."))
	}
	offset := widgets.Window(len(rows), h, m.images.cursor, m.images.offset)
	lines := make([]string, 0, h)
	for i := offset; i < min(len(rows), offset+h); i++ {
		lines = append(lines, m.imageRow(rows[i], w, i == m.images.cursor))
	}
	return p.Render(lines)
}

func (m *Model) imageRow(img engine.ImageSummary, w int, cursor bool) string {
	name, style := "<none>", m.styles.Muted
	if len(img.Tags) > 0 {
		name, style = img.Tags[0], m.styles.Text
		if n := len(img.Tags) - 1; n > 0 {
			name += fmt.Sprintf(" +%d", n)
		}
	}
	used := ""
	if len(img.Containers) > 0 {
		used = "used"
	}
	nameWidth := max(8, w-2-9-6-6)
	row := cells{
		{"  ", 2, m.styles.Text}, {widgets.FitName(name, nameWidth), nameWidth, style},
		{widgets.FitLeft(units.HumanSizeWithPrecision(float64(img.Size), 3), 9), 9, m.styles.Text},
		{widgets.FitLeft(age(m.now().Sub(img.Created)), 6), 6, m.styles.Muted}, {widgets.FitLeft(used, 5) + " ", 6, m.styles.Muted},
	}
	return row.render(w, cursor, m.focus == imagesPane, m.styles)
}

// cell is a piece of a row that fits its width.
type cell struct {
	text  string
	width int
	style lipgloss.Style
}

type cells []cell

// render joins the cells. The row under the cursor has a bar; where the pane
// has the focus also a background.
func (c cells) render(w int, cursor, focused bool, s styles.Styles) string {
	var b strings.Builder
	used := 0
	for i, cell := range c {
		if used+cell.width > w {
			break
		}
		text := cell.text
		if cursor && i == 0 {
			b.WriteString(s.Bar(focused).Render(glyph.Bar))
			_, size := utf8.DecodeRuneInString(text)
			text = text[size:]
		}
		style := cell.style
		if cursor && focused {
			style = s.On(style)
		}
		b.WriteString(style.Render(text))
		used += cell.width
	}
	pad := strings.Repeat(" ", max(0, w-used))
	if cursor && focused {
		pad = s.On(s.Text).Render(pad)
	}
	return b.String() + pad
}

func (m *Model) empty(w int, what, next string) []string {
	if !m.loaded {
		return nil
	}
	return []string{"", " " + widgets.Fit(what, w-1), " " + m.styles.Muted.Render(widgets.Fit(next, w-1))}
}

func position(cursor, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", cursor+1, n)
}

// age is a short duration: 5s, 3m, 2h, 4d, 1y.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
	return fmt.Sprintf("%dy", int(d.Hours()/24/365))
}

// listTitle is the title of a list: how many rows, how many of all when a
// filter hides some, how many are marked, and the filter itself.
func (m *Model) listTitle(name string, p pane, shown, all int) string {
	t := fmt.Sprintf("%s %d", name, shown)
	if shown != all {
		t += fmt.Sprintf("/%d", all)
	}
	if p == containersPane && len(m.marks) > 0 {
		t += fmt.Sprintf("  "+glyph.Marked+" %d marked", len(m.marks))
	}
	if f := m.filter[p]; f != "" {
		t += "  /" + f
	}
	return t
}

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
