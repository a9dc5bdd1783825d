// Package styles turns a theme into the styles that pages draw with. It is the
// only place of the user interface where colours are named.
package styles

import (
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/themes"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// Styles by meaning.
type Styles struct {
	// The page: most text, facts of second rank, the one colour that draws the
	// eye, headings, and the name of a key.
	Text, Muted, Accent, Title, Key lipgloss.Style
	// Panes: the border, the border and the title of the one with the focus,
	// and a page behind a dialog.
	Border, Focus, FocusTitle, Backdrop lipgloss.Style
	// Rows: the one under the cursor, and the sign of a marked one. Draw the
	// former with On, which knows themes without colours.
	Selected, Marked lipgloss.Style
	// Status, and nothing else.
	OK, Busy, Warn, Bad lipgloss.Style
	// What a search found, and the find under the cursor.
	Match, MatchHere lipgloss.Style
	// Logs by level, and the gutter of standard error.
	LogError, LogWarn, LogInfo, LogDebug, Stderr lipgloss.Style
	// Trees of values: JSON, YAML.
	Name, String, Number, Word, Punct lipgloss.Style
	// What a layer, a file system or a comparison changed.
	Added, Modified, Removed lipgloss.Style
	// Series are the curves of a chart, Limit the line they should not cross.
	Series [3]lipgloss.Style
	Limit  lipgloss.Style
	// Sources tell merged streams apart.
	Sources [8]lipgloss.Style

	Glyphs glyph.Set
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
	s := Styles{
		Text: fg(t.Text), Muted: fg(t.Muted), Accent: fg(t.Accent), Title: fg(t.Accent).Bold(true),
		OK: fg(t.OK), Busy: fg(t.Busy), Bad: fg(t.Bad), Selected: lipgloss.NewStyle().Background(lipgloss.Color(t.Select)),
	}
	s.Key, s.Border, s.Focus, s.FocusTitle, s.Backdrop, s.Marked = s.Accent, s.Muted, s.Accent, s.Title, s.Muted, s.Accent
	s.Warn, s.Match, s.MatchHere = s.Busy, s.Accent.Underline(true), s.Title.Reverse(true)
	s.LogError, s.LogWarn, s.LogInfo, s.LogDebug, s.Stderr = s.Bad, s.Busy, s.Text, s.Muted, s.Bad
	s.Name, s.String, s.Number, s.Word, s.Punct = s.Accent, s.Text, s.Text.Bold(true), s.Text.Italic(true), s.Muted
	s.Added, s.Modified, s.Removed = s.OK, s.Busy, s.Bad
	s.Series, s.Limit = [3]lipgloss.Style{s.Accent, s.Text, s.Text}, s.Bad
	for i := range s.Sources {
		s.Sources[i] = []lipgloss.Style{s.Accent, s.OK, s.Busy, s.Bad}[i%4]
	}
	return s
}

// On is a style as it looks in the row under the cursor.
func (s Styles) On(style lipgloss.Style) lipgloss.Style { return widgets.Lit(style, s.Selected) }

// Bar is the mark of the row under the cursor.
func (s Styles) Bar(focused bool) lipgloss.Style {
	if focused {
		return s.On(s.Accent)
	}
	return s.Muted
}

// Wait says that something is under way.
func (s Styles) Wait(what string) string { return s.Glyphs.Text(what + " " + glyph.Ellipsis) }

// ASCII tells charts to draw without braille.
func (s Styles) ASCII() bool { return s.Glyphs != glyph.Unicode }

// Status is a container's state as a glyph, a word and a style: never by
// colour alone.
func (s Styles) Status(c engine.ContainerState) (sign, word string, style lipgloss.Style) {
	switch c.Status {
	case engine.Running:
		return glyph.Running, "running", s.OK
	case engine.Paused:
		return glyph.Paused, "paused", s.Busy
	case engine.Restarting:
		return glyph.Restarting, "restarting", s.Busy
	case engine.Removing:
		return glyph.Starting, "removing", s.Busy
	case engine.Created:
		return glyph.Exited, "created", s.Muted
	case engine.Exited:
		if c.ExitCode == 0 {
			return glyph.Exited, "exited 0", s.Muted
		}
		return glyph.Failed, "exited", s.Bad
	}
	return glyph.Problem, string(c.Status), s.Bad
}
