// Package styles turns a theme into the styles that pages draw with. It is the
// only place of the user interface where colours are named.
package styles

import (
	"image/color"
	"strings"

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

	// Page and PageText are the colours that the terminal itself takes while
	// the program runs; nil leaves them as they are.
	Page, PageText color.Color

	Glyphs glyph.Set

	// Made tells one making of styles from another: what was worked out of
	// styles holds as long as this is the same.
	Made *Making
}

// Making is known by its address, so it must not be of size zero.
type Making struct{ _ byte }

// New makes the styles of a theme for a terminal that has everything.
func New(t themes.Theme) Styles { return For(t, themes.TrueColor, glyph.Unicode) }

// For makes the styles of a theme for as many colours as there are. Where
// there are none the monochrome theme holds: what a theme says in colours alone
// would be lost.
func For(t themes.Theme, depth themes.Depth, glyphs glyph.Set) Styles {
	if depth == themes.NoColor {
		t = themes.Builtin(themes.Monochrome)
	}
	of := func(token themes.Token) lipgloss.Style { return style(t.Style(token, depth)) }
	s := Styles{
		Text: of(themes.Text), Muted: of(themes.Muted), Accent: of(themes.Accent), Title: of(themes.Title), Key: of(themes.Key),
		Border: of(themes.Border), Focus: of(themes.Focus), FocusTitle: of(themes.FocusTitle), Backdrop: of(themes.Backdrop),
		Selected: of(themes.Selected), Marked: of(themes.Marked),
		OK: of(themes.OK), Busy: of(themes.Busy), Warn: of(themes.Warn), Bad: of(themes.Bad),
		Match: of(themes.Match), MatchHere: of(themes.MatchHere),
		LogError: of(themes.LogError), LogWarn: of(themes.LogWarn), LogInfo: of(themes.LogInfo), LogDebug: of(themes.LogDebug), Stderr: of(themes.Stderr),
		Name: of(themes.Name), String: of(themes.String), Number: of(themes.Number), Word: of(themes.Word), Punct: of(themes.Punctuation),
		Added: of(themes.Added), Modified: of(themes.Modified), Removed: of(themes.Removed),
		Series: [3]lipgloss.Style{of(themes.Series1), of(themes.Series2), of(themes.Series3)}, Limit: of(themes.Limit),
		Glyphs: glyphs, Made: new(Making),
	}
	for i := range s.Sources {
		s.Sources[i] = of(themes.Source1 + themes.Token(i))
	}
	s.Page, s.PageText = page(t, depth)
	return s
}

// style is a theme's style as lipgloss has it.
func style(t themes.Style) lipgloss.Style {
	s := lipgloss.NewStyle()
	if t.Color != "" {
		s = s.Foreground(lipgloss.Color(t.Color))
	}
	if t.On != "" {
		s = s.Background(lipgloss.Color(t.On))
	}
	for _, a := range []struct {
		on  bool
		set func(lipgloss.Style, bool) lipgloss.Style
	}{
		{t.Bold, lipgloss.Style.Bold}, {t.Faint, lipgloss.Style.Faint}, {t.Italic, lipgloss.Style.Italic},
		{t.Underline, lipgloss.Style.Underline}, {t.Reverse, lipgloss.Style.Reverse},
	} {
		if a.on {
			s = a.set(s, true)
		}
	}
	return s
}

// page is what the terminal's own colours become. Only a colour that does not
// come from its palette can be told to a terminal.
func page(t themes.Theme, depth themes.Depth) (background, text color.Color) {
	p := t.Style(themes.Page, depth)
	if strings.HasPrefix(p.On, "#") {
		background = lipgloss.Color(p.On)
	}
	if strings.HasPrefix(p.Color, "#") {
		text = lipgloss.Color(p.Color)
	}
	return background, text
}

// On is a style as it looks in the row under the cursor.
func (s Styles) On(style lipgloss.Style) lipgloss.Style { return widgets.Lit(style, s.Selected) }

// Bar is the mark of the row under the cursor. Beside a row in reverse it is
// not reversed itself: half a cell of light is seen, half a cell of dark is not.
func (s Styles) Bar(focused bool) lipgloss.Style {
	switch {
	case !focused:
		return s.Muted
	case s.Selected.GetReverse():
		return s.Accent
	}
	return s.On(s.Accent)
}

// Wait says that something is under way.
func (s Styles) Wait(what string) string { return s.Glyphs.Text(what + " " + glyph.Ellipsis) }

// ASCII tells charts to draw without braille.
func (s Styles) ASCII() bool { return s.Glyphs != glyph.Unicode }

// running is what runs, by what its checks say.
func (s Styles) running(h *engine.Health) (sign, word string, style lipgloss.Style) {
	if h != nil {
		switch h.Status {
		case engine.HealthHealthy:
			return glyph.Healthy, "healthy", s.OK
		case engine.HealthUnhealthy:
			return glyph.Unhealthy, "unhealthy", s.Bad
		case engine.HealthStarting:
			return glyph.Starting, "starting", s.Busy
		}
	}
	return glyph.Running, "running", s.OK
}

// Status is a container's state as a glyph, a word and a style: never by
// colour alone.
func (s Styles) Status(c engine.ContainerState) (sign, word string, style lipgloss.Style) {
	switch c.Status {
	case engine.Running:
		return s.running(c.Health)
	case engine.Paused:
		return glyph.Paused, "paused", s.Busy
	case engine.Restarting:
		return glyph.Restarting, "restarting", s.Busy
	case engine.Removing:
		return glyph.Starting, "removing", s.Busy
	case engine.Created:
		if c.Error != "" {
			return glyph.Failed, "start failed", s.Bad
		}
		return glyph.Exited, "created", s.Muted
	case engine.Exited:
		if c.ExitCode == 0 {
			return glyph.Exited, "exited 0", s.Muted
		}
		return glyph.Failed, "exited", s.Bad
	}
	return glyph.Problem, string(c.Status), s.Bad
}
