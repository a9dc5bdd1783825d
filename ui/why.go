package ui

import (
	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// why says over the detail what nobody finds in a log: that a container never
// began, was killed for its memory, or ended unseen. Where the pane is low the
// tab needs its lines more.
func (m *Model) why(r rect) []string {
	const least, most = 8, 3
	c := m.containers.Current()
	if m.detail.side != containersPane || c == nil || r.inner() < least {
		return nil
	}
	text := reason(c.Status)
	if text == "" {
		return nil
	}
	var lines []string
	for _, l := range widgets.WrapFit(glyph.Problem+" "+widgets.Safe([]byte(text)), r.w-4, most) {
		lines = append(lines, " "+m.styles.Bad.Render(l)+" ")
	}
	return lines
}

// reason is why a container does not run, beyond the code that it ended with.
func reason(s engine.ContainerState) string {
	switch {
	case s.Running || s.Restarting:
		return ""
	case s.OOMKilled:
		return "It was killed for want of memory."
	case s.Status == engine.Created && s.Error != "":
		return "It did not start: " + s.Error
	}
	return s.Error
}
