// Package styles turns a theme into the styles that pages draw with. It is the
// only place of the user interface where colours are named.
package styles

import (
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/themes"
)

// Styles by meaning.
type Styles struct {
	Text, Muted, Accent, Title, OK, Busy, Bad, Selected lipgloss.Style
}

// New makes the styles of a theme.
func New(t themes.Theme) Styles {
	fg := func(c string) lipgloss.Style {
		s := lipgloss.NewStyle()
		if c != "" {
			s = s.Foreground(lipgloss.Color(c))
		}
		return s
	}
	return Styles{
		Text: fg(t.Text), Muted: fg(t.Muted), Accent: fg(t.Accent), Title: fg(t.Accent).Bold(true),
		OK: fg(t.OK), Busy: fg(t.Busy), Bad: fg(t.Bad), Selected: lipgloss.NewStyle().Background(lipgloss.Color(t.Select)),
	}
}

// Bar is the mark of the row under the cursor.
func (s Styles) Bar(focused bool) lipgloss.Style {
	if focused {
		return s.Accent.Background(s.Selected.GetBackground())
	}
	return s.Muted
}

// Status is a container's state as a glyph, a word and a style: never by
// colour alone.
func (s Styles) Status(c engine.ContainerState) (glyph, word string, style lipgloss.Style) {
	switch c.Status {
	case engine.Running:
		return "●", "running", s.OK
	case engine.Paused:
		return "‖", "paused", s.Busy
	case engine.Restarting:
		return "↻", "restarting", s.Busy
	case engine.Removing:
		return "◐", "removing", s.Busy
	case engine.Created:
		return "○", "created", s.Muted
	case engine.Exited:
		if c.ExitCode == 0 {
			return "○", "exited 0", s.Muted
		}
		return "✖", "exited", s.Bad
	}
	return "▲", string(c.Status), s.Bad
}
