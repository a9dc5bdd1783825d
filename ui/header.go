package ui

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// facts are pieces of the header, each with its width.
type fact struct {
	text  string
	width int
}

func plain(style lipgloss.Style, text string) fact {
	return fact{style.Render(text), widgets.Width(text)}
}

func (f fact) add(g fact) fact { return fact{f.text + g.text, f.width + g.width} }

// header: what engine this is, how many containers are in which state, what is
// wrong, and how the host does. What matters least leaves first when there is
// no room.
func (m *Model) header() string {
	s := m.styles
	name := plain(s.Title, " gantry ").add(plain(s.Muted, " "))
	counts := m.counts()
	room := m.width - name.width - counts.width - 1
	var right []fact
	for _, g := range m.gauges() {
		if room-g.width-2 < 0 {
			break
		}
		room -= g.width + 2
		right = append(right, g)
	}
	about := m.about(room - 2)
	line := name.add(plain(s.Muted, about))
	tail := fact{}
	for _, g := range right {
		tail = tail.add(plain(s.Text, "  ")).add(g)
	}
	// The counts stand in the middle where that is free: the eye looks for
	// them at one place.
	gap := max(2, (m.width-counts.width)/2-line.width)
	if len(right) == 0 || line.width+gap+counts.width+tail.width+1 > m.width {
		gap = m.width - 1 - line.width - counts.width - tail.width
		if len(right) > 0 {
			gap /= 2
		}
	}
	line = line.add(plain(s.Text, strings.Repeat(" ", max(0, gap)))).add(counts)
	fill := max(0, m.width-1-line.width-tail.width)
	return line.text + strings.Repeat(" ", fill) + tail.text
}

// about is what engine this is, as much of it as there is room for.
func (m *Model) about(room int) string {
	parts := []string{m.info.Name}
	if m.info.Cgroup != "" {
		parts = append(parts, "cgroup "+m.info.Cgroup, m.info.Storage)
	}
	for ; len(parts) > 0; parts = parts[:len(parts)-1] {
		if text := strings.Join(parts, glyph.Sep); widgets.Width(text) <= room {
			return text
		}
	}
	return ""
}

// counts are the containers by state; problems stand out.
func (m *Model) counts() fact {
	var running, stopped, failed, problems int
	for i := range m.state.Containers {
		c := &m.state.Containers[i]
		switch {
		case c.Status.Running:
			running++
		case c.Status.Status == engine.Exited && c.Status.ExitCode != 0 || startFailed(c):
			failed++
		default:
			stopped++
		}
		if problem(c) {
			problems++
		}
	}
	s := m.styles
	count := func(style lipgloss.Style, sign string, n int) fact {
		return plain(style, sign).add(plain(s.Text, fmt.Sprintf(" %d", n)))
	}
	out := count(s.OK, glyph.Running, running).add(plain(s.Text, "  ")).add(count(s.Muted, glyph.Exited, stopped))
	if failed > 0 {
		out = out.add(plain(s.Text, "  ")).add(count(s.Bad, glyph.Failed, failed))
	}
	if problems > 0 {
		word := " problems"
		if problems == 1 {
			word = " problem"
		}
		out = out.add(plain(s.Text, "   ")).add(count(s.Warn, glyph.Problem, problems)).add(plain(s.Text, word))
	}
	return out
}

// problem is what somebody should look at: more than a program that ended with
// an error.
func problem(c *engine.ContainerSummary) bool {
	s := c.Status
	return s.OOMKilled || s.Status == engine.Dead || s.Status == engine.Restarting || s.Error != ""
}
