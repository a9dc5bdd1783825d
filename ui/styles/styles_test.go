package styles_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/themes"
	"gantry/ui/glyph"
	"gantry/ui/styles"
)

// TestEveryTokenIsDrawnWith: a token that reaches no style would be a promise
// of the documentation that nobody keeps.
func TestEveryTokenIsDrawnWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := all(styles.New(themes.Dark()))
	for _, token := range themes.Tokens() {
		text := "[tokens]\n" + token.String() + " = { color = \"#010203\", on = \"#040506\" }\n"
		if err := os.WriteFile(filepath.Join(dir, "x.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := themes.Library{Dir: dir}.Choose("x")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		s := styles.New(c.Dark)
		if token == themes.Page {
			if s.Page != lipgloss.Color("#040506") || s.PageText != lipgloss.Color("#010203") {
				t.Errorf("the page is %v on %v", s.PageText, s.Page)
			}
			continue
		}
		changed := 0
		for i, style := range all(s) {
			if style.GetForeground() == lipgloss.Color("#010203") && style.GetBackground() == lipgloss.Color("#040506") && plain[i].GetForeground() != style.GetForeground() {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("%s is drawn by %d styles", token, changed)
		}
	}
}

// all are the styles of s, those in lists too.
func all(s styles.Styles) []lipgloss.Style {
	var out []lipgloss.Style
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case lipgloss.Style:
			out = append(out, f.Interface().(lipgloss.Style))
		default:
			if f.Kind() == reflect.Array {
				for j := range f.Len() {
					out = append(out, f.Index(j).Interface().(lipgloss.Style))
				}
			}
		}
	}
	return out
}

// TestRowUnderTheCursor: with a background it keeps its colours, in reverse it
// has none.
func TestRowUnderTheCursor(t *testing.T) {
	t.Parallel()
	s := styles.New(themes.Dark())
	if on := s.On(s.Bad); on.GetForeground() != s.Bad.GetForeground() || on.GetBackground() != s.Selected.GetBackground() {
		t.Errorf("with a background: %v on %v", on.GetForeground(), on.GetBackground())
	}
	s = styles.For(themes.Dark(), themes.Colors16, glyph.Unicode)
	if on := s.On(s.Muted); on.GetForeground() != lipgloss.Color("15") || on.GetBackground() != lipgloss.Color("4") || on.GetFaint() || !on.GetBold() {
		t.Errorf("with sixteen colours: %v on %v", on.GetForeground(), on.GetBackground())
	}
	s = styles.For(themes.Builtin("high-contrast-dark"), themes.TrueColor, glyph.Unicode)
	if on := s.On(s.Bad); !on.GetReverse() || on.GetForeground() != (lipgloss.NoColor{}) {
		t.Errorf("in reverse: %v", on.GetForeground())
	}
	if bar := s.Bar(true); bar.GetReverse() {
		t.Error("the bar beside a row in reverse is reversed itself")
	}
}

// TestStatesAreToldApart: by sign or word, never by colour alone.
func TestStatesAreToldApart(t *testing.T) {
	t.Parallel()
	s := styles.New(themes.Dark())
	seen := map[string]engine.ContainerState{}
	for _, state := range []engine.ContainerState{
		{Status: engine.Created}, {Status: engine.Running}, {Status: engine.Running, Health: &engine.Health{Status: engine.HealthStarting}},
		{Status: engine.Running, Health: &engine.Health{Status: engine.HealthHealthy}}, {Status: engine.Running, Health: &engine.Health{Status: engine.HealthUnhealthy}}, {Status: engine.Paused}, {Status: engine.Restarting}, {Status: engine.Removing},
		{Status: engine.Exited}, {Status: engine.Exited, ExitCode: 1}, {Status: "odd"},
	} {
		sign, word, _ := s.Status(state)
		if other, ok := seen[sign+word]; ok || sign == "" || word == "" {
			t.Errorf("%+v and %+v are both %q %q", state, other, sign, word)
		}
		seen[sign+word] = state
	}
}
