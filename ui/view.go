package ui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/docker/go-units"

	"gantry/engine"
	"gantry/ui/feed"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(m.screen())
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
	lines = append(lines[:m.height-1], m.footer())
	return strings.Join(lines, "\n")
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
	right := m.logPane(l.log)
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
	w := widgets.Pane{Title: title, Position: position, Width: r.w, Height: r.h, Focused: m.focus == p, Border: m.styles.Muted, Bold: m.styles.Muted}
	if w.Focused {
		w.Border, w.Bold = m.styles.Accent, m.styles.Title
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
		about += " · cgroup " + m.info.Cgroup + " · " + m.info.Storage
	}
	counts := s.OK.Render("●") + fmt.Sprintf(" %d  ", running) + s.Muted.Render("○") + fmt.Sprintf(" %d  ", stopped)
	countsWidth := 10 + len(fmt.Sprint(running, stopped)) - 3
	if failed > 0 {
		counts += s.Bad.Render("✖") + fmt.Sprintf(" %d  ", failed)
		countsWidth += 4 + len(fmt.Sprint(failed))
	}
	room := m.width - 9 - lipgloss.Width(counts)
	if room < 1 {
		return name
	}
	return name + s.Muted.Render(widgets.Fit(about, room)) + counts
}

// footer: the keys of what has the focus, most useful first.
func (m *Model) footer() string {
	hints := map[pane][]string{
		containersPane: {"enter log", "m log full screen", "tab pane", "j/k move"},
		imagesPane:     {"tab pane", "j/k move", "1 containers"},
		logPane:        {"f follow", "g/G top/bottom", "j/k scroll", "+/_ zoom", "esc back"},
	}[m.focus]
	hints = append(hints, "q quit", "? help")
	if m.state.Err != nil {
		return " " + m.styles.Bad.Render(widgets.Fit("▲ "+m.state.Err.Error(), m.width-1))
	}
	line := ""
	for _, h := range hints {
		key, text, _ := strings.Cut(h, " ")
		if lipgloss.Width(line)+len(h)+2 > m.width-1 {
			break
		}
		line += " " + m.styles.Accent.Render(key) + " " + m.styles.Muted.Render(text) + " "
	}
	return line
}

func (m *Model) containersPane(r rect) []string {
	rows := m.state.Containers
	p := m.pane(containersPane, r, fmt.Sprintf("1 Containers %d", len(rows)), position(m.containers.cursor, len(rows)))
	w, h := p.Inner()
	if len(rows) == 0 {
		return p.Render(m.empty(w, "No containers yet.", "gantry run -d IMAGE starts one."))
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
	glyph, word, style := m.styles.Status(c.Status)
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
	row := cells{
		{" " + glyph + " ", 3, style}, {widgets.Fit(c.Name, nameWidth), nameWidth, m.styles.Text}, {" ", 1, m.styles.Text},
		{widgets.Fit(word, 10), 10, style}, {" ", 1, m.styles.Text},
		{widgets.FitName(c.Image, imageWidth), imageWidth, m.styles.Muted}, {widgets.FitLeft(age(m.now().Sub(since)), 5) + " ", 6, m.styles.Muted},
	}
	return row.render(w, cursor, m.focus == containersPane, m.styles)
}

func (m *Model) imagesPane(r rect) []string {
	rows := m.state.Images
	p := m.pane(imagesPane, r, fmt.Sprintf("2 Images %d", len(rows)), position(m.images.cursor, len(rows)))
	w, h := p.Inner()
	if len(rows) == 0 {
		return p.Render(m.empty(w, "No images yet.", "gantry pull alpine fetches one."))
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
			b.WriteString(s.Bar(focused).Render("▌"))
			text = strings.TrimPrefix(text, " ")
		}
		style := cell.style
		if cursor && focused {
			style = style.Background(s.Selected.GetBackground())
		}
		b.WriteString(style.Render(text))
		used += cell.width
	}
	pad := strings.Repeat(" ", max(0, w-used))
	if cursor && focused {
		pad = s.Selected.Render(pad)
	}
	return b.String() + pad
}

func (m *Model) logPane(r rect) []string {
	c, ok := m.current()
	title := "Log"
	if ok {
		glyph, word, _ := m.styles.Status(c.Status)
		title = "Log  " + c.Name + "  " + glyph + " " + word
	}
	p := m.pane(logPane, r, title, "")
	w, h := p.Inner()
	if m.log.feed == nil {
		if !m.loaded {
			return p.Render(nil)
		}
		return p.Render(m.empty(w, "No container is chosen.", ""))
	}
	total, kept, ended, err := m.log.feed.Status()
	p.Position = logPosition(total, kept, ended, m.log.below)
	if err != nil {
		return p.Render(m.empty(w, "The log cannot be read:", err.Error()))
	}
	if total == 0 {
		return p.Render(m.empty(w, "Nothing has been printed yet.", ""))
	}
	lines := make([]string, 0, h)
	for _, l := range m.log.feed.Window(h, m.log.below) {
		lines = append(lines, m.logLine(l, w))
	}
	return p.Render(lines)
}

func (m *Model) logLine(l feed.Line, w int) string {
	s := m.styles
	if l.Mark {
		text := "── " + l.Time.Local().Format("15:04:05") + " ── " + l.Text + " "
		return s.Muted.Render(widgets.Fit(text+strings.Repeat("─", max(0, w-widgets.Width(text))), w))
	}
	const stamp = 13
	if w < 40 {
		return widgets.Fit(l.Text, w)
	}
	bar := s.Muted.Render("│ ")
	if l.Stderr {
		bar = s.Bad.Render("┃ ")
	}
	return s.Muted.Render(l.Time.Local().Format("15:04:05.000")+" ") + bar + s.Text.Render(widgets.Fit(l.Text, w-stamp-2))
}

func logPosition(total, kept int, ended bool, below int) string {
	s := fmt.Sprintf("%d lines", total)
	if total == 1 {
		s = "1 line"
	}
	if total > kept {
		s += fmt.Sprintf(", last %d here", kept)
	}
	switch {
	case below > 0:
		s += fmt.Sprintf(" · %d below", below)
	case ended:
		s += " · ended"
	default:
		s += " · following"
	}
	return s
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

func (m *Model) helpPage() []string {
	keys := [][2]string{
		{"1  2", "containers, images"}, {"tab  l  →", "next pane"}, {"shift+tab  h  ←", "previous pane"},
		{"j k  ↓ ↑", "move, scroll"}, {"g  G", "first, last"}, {"pgdn  pgup  ctrl+d  ctrl+u", "by pages"},
		{"enter", "into the log of the container"}, {"m", "its log on the full screen"}, {"f", "follow the log, or stop"},
		{"+  _", "zoom the pane, and back"}, {"esc", "back"}, {"ctrl+z", "suspend"}, {"q", "quit; containers run on"},
	}
	lines := []string{"", "  " + m.styles.Title.Render("Keys"), ""}
	for _, k := range keys {
		lines = append(lines, "  "+m.styles.Accent.Render(widgets.Fit(k[0], 28))+widgets.Fit(k[1], max(0, m.width-32)))
	}
	lines = append(lines, "")
	for _, note := range []string{"Everything else is on the command line for now: gantry --help.", "Any key closes this page."} {
		lines = append(lines, "  "+m.styles.Muted.Render(widgets.Fit(note, m.width-4)))
	}
	return lines
}
