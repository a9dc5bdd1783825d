package ui

import (
	"fmt"
	"strings"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// why says over the detail what nobody finds in a log: that a container never
// began, was killed for its memory, ended unseen, or fails its
// checks. Where the pane is low the
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

// reason is why a container does not run, beyond the code that it ended with,
// or what its checks find fault with.
func reason(s engine.ContainerState) string {
	switch {
	case s.Status == engine.Running && s.Health != nil && s.Health.FailingStreak > 0:
		return ailment(s.Health)
	case s.Running || s.Restarting:
		return ""
	case s.OOMKilled:
		return "It was killed for want of memory."
	case s.Status == engine.Created && s.Error != "":
		return "It did not start: " + s.Error
	}
	return s.Error
}

// ailment is what the last check said.
func ailment(h *engine.Health) string {
	text := "Its last check failed"
	if h.FailingStreak > 1 {
		text = fmt.Sprintf("Its last %d checks failed", h.FailingStreak)
	}
	if h.Status == engine.HealthStarting {
		text = "It is starting still. " + text
	}
	if len(h.Log) == 0 {
		return text + "."
	}
	last := h.Log[len(h.Log)-1]
	if last.ExitCode > 0 {
		text += fmt.Sprintf(" with code %d", last.ExitCode)
	}
	if out := strings.Join(strings.Fields(last.Output), " "); out != "" {
		return text + ": " + out
	}
	return text + "."
}
