package themes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/themes"
)

var depths = map[string]themes.Depth{"truecolor": themes.TrueColor, "256": themes.Colors256, "16": themes.Colors16}

// dir makes a directory of theme files.
func dir(t *testing.T, files map[string]string) themes.Library {
	t.Helper()
	d := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(d, name+".toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return themes.Library{Dir: d}
}

func TestBuiltinThemesHaveNoMistakes(t *testing.T) {
	t.Parallel()
	all, problems := themes.Library{}.All()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var names []string
	for _, theme := range all {
		names = append(names, theme.Name)
		if theme.About == "" || theme.Background == "" {
			t.Errorf("%s says nothing of itself", theme.Name)
		}
	}
	want := []string{"dark", "high-contrast-dark", "high-contrast-light", "light", "monochrome", "terminal-dark", "terminal-light"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}

// TestTheRootSaysEverything: what no theme says would have no style.
func TestTheRootSaysEverything(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("dark.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range themes.Tokens() {
		if !strings.Contains(string(text), "\n"+token.String()+" = ") {
			t.Errorf("dark.toml does not say %s", token)
		}
		if i := token.Info(); i.About == "" || i.Group == "" {
			t.Errorf("%s is not described", token)
		}
	}
}

func TestMonochromeHasNoColours(t *testing.T) {
	t.Parallel()
	mono := themes.Builtin(themes.Monochrome)
	for name, depth := range depths {
		for _, token := range themes.Tokens() {
			if s := mono.Style(token, depth); s.Color != "" || s.On != "" {
				t.Errorf("%s at %s: %+v", token, name, s)
			}
		}
	}
}

// TestSixteenColoursAreTheTerminals: a theme for the terminal's own palette
// names nothing beyond it, at any depth; and what a palette names for sixteen
// colours is one of them.
func TestSixteenColoursAreTheTerminals(t *testing.T) {
	t.Parallel()
	all, _ := themes.Library{}.All()
	for _, theme := range all {
		for name, depth := range depths {
			if depth != themes.Colors16 && !strings.HasPrefix(theme.Name, "terminal-") {
				continue
			}
			for _, token := range themes.Tokens() {
				s := theme.Style(token, depth)
				for _, c := range []string{s.Color, s.On} {
					var n int
					if _, err := fmt.Sscanf(c, "%d", &n); c != "" && (err != nil || n > 15) {
						t.Errorf("%s, %s at %s: %q is not one of sixteen", theme.Name, token, name, c)
					}
				}
			}
		}
	}
}

// TestCursorAndFocusAreSeenEverywhere: a row without a background and a border
// like all others would tell nothing.
func TestCursorAndFocusAreSeenEverywhere(t *testing.T) {
	t.Parallel()
	all, _ := themes.Library{}.All()
	for _, theme := range all {
		for name, depth := range depths {
			if s := theme.Style(themes.Selected, depth); s.On == "" && !s.Reverse {
				t.Errorf("%s at %s: the cursor is not seen", theme.Name, name)
			}
			if theme.Style(themes.FocusTitle, depth) == theme.Style(themes.Muted, depth) || theme.Style(themes.Focus, depth) == theme.Style(themes.Border, depth) {
				t.Errorf("%s at %s: the focus is not seen", theme.Name, name)
			}
		}
	}
}

func TestOwnThemes(t *testing.T) {
	t.Parallel()
	l := dir(t, map[string]string{
		"mine":      "inherits = \"light\"\n[palette]\nsky = \"#f00\"\n[tokens]\nmuted = 250\nbad = { color = \"bright-red\", on = 17, bold = true, 16 = { reverse = true } }\n",
		"paper":     "background = \"light\"\n",
		"dark":      "inherits = \"dark\"\n[tokens]\nok = \"#00ff00\"\n",
		"rose-dark": "", "rose-light": "background = \"light\"",
	})
	load := func(name string) themes.Theme {
		c, problems := l.Choose(name)
		if len(problems) > 0 {
			t.Error(problems)
		}
		if c.Name != name {
			t.Errorf("%s became %s", name, c.Name)
		}
		return c.Dark
	}
	mine := load("mine")
	for _, tt := range []struct {
		token themes.Token
		depth themes.Depth
		want  themes.Style
	}{
		{themes.Accent, themes.TrueColor, themes.Style{Color: "#ff0000"}},            // of the palette
		{themes.Accent, themes.Colors256, themes.Style{Color: "#ff0000"}},            // the renderer finds the nearest
		{themes.Accent, themes.Colors16, themes.Style{Color: "4"}},                   // light's: its meaning is the same
		{themes.Title, themes.TrueColor, themes.Style{Color: "#ff0000", Bold: true}}, // what light says of it, with that colour
		{themes.Muted, themes.Colors16, themes.Style{Color: "250"}},
		{themes.Bad, themes.TrueColor, themes.Style{Color: "9", On: "17", Bold: true}},
		{themes.Bad, themes.Colors16, themes.Style{Reverse: true}},
		{themes.OK, themes.TrueColor, themes.Light().Style(themes.OK, themes.TrueColor)},
	} {
		if d := cmp.Diff(tt.want, mine.Style(tt.token, tt.depth)); d != "" {
			t.Errorf("%s: %s", tt.token, d)
		}
	}
	if got, want := load("paper").Style(themes.Muted, themes.TrueColor), themes.Light().Style(themes.Muted, themes.TrueColor); got != want {
		t.Errorf("a theme for light backgrounds has %+v for muted", got)
	}
	if got := load("dark").Style(themes.OK, themes.TrueColor).Color; got != "#00ff00" {
		t.Errorf("a theme of the user's goes before the built-in one: ok is %s", got)
	}
	if c, _ := l.Choose("rose"); c.Dark.Name != "rose-dark" || c.For(false).Name != "rose-light" {
		t.Errorf("a pair is %s and %s", c.Dark.Name, c.Light.Name)
	}
	if names := l.Names(); !slices.Contains(names, "rose") || !slices.Contains(names, "high-contrast") || !slices.Contains(names, "mine") {
		t.Errorf("names: %v", names)
	}
}

func TestNoSuchTheme(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "nope", "auto", "../dark"} {
		c, problems := themes.Library{}.Choose(name)
		if c.Dark.Name != "dark" || c.Light.Name != "light" || len(problems) > 0 {
			t.Errorf("%q: %s, %s, %v", name, c.Dark.Name, c.Light.Name, problems)
		}
	}
	names := themes.Library{}.Names()
	for name, want := range map[string]string{
		"": "", "auto": "", "high-contrast": "", "drak": `there is no theme "drak"; did you mean "dark"?`, "zzzz": `there is no theme "zzzz"; gantry config themes lists them`,
	} {
		got := ""
		if err := themes.Missing(name, names); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"a token", "[tokens]\naccnt = 1", `x.toml:2:1: unknown key "accnt" in [tokens]; did you mean "accent"?`},
		{"a table", "[token]\naccent = 1", `x.toml:1:2: unknown key "token" at the top; did you mean "tokens"?`},
		{"a colour word", "[tokens]\n\nok = \"gren\"", `x.toml:3:1: tokens.ok: "gren" is neither a colour nor one of [palette]; did you mean "green"?`},
		{"a colour of the own palette", "[palette]\nmoss = \"#010\"\n[tokens]\nok = \"mos\"", `x.toml:4:1: tokens.ok: "mos" is neither a colour nor one of [palette]; did you mean "moss"?`},
		{"hexadecimal", "[palette]\nsky = \"#12345\"", `x.toml:2:1: palette.sky: "#12345" is not a colour; write #rrggbb, a number from 0 to 255, or a name such as red or bright-blue`},
		{"a number", "[palette]\nsky = { full = 256 }", `x.toml:2:9: palette.sky.full: "256" is not a colour; write #rrggbb, a number from 0 to 255, or a name such as red or bright-blue`},
		{"an attribute", "[tokens]\nok = { bald = true }", `x.toml:2:8: unknown key "bald" in [tokens.ok]; did you mean "bold"?`},
		{"a kind", "[tokens]\nok = { bold = 1 }", `x.toml:2:8: tokens.ok.bold must be true or false, not a number`},
		{"a name that is a colour", "[palette]\nred = \"#f00\"", `x.toml:2:1: "red" is a colour already: choose another name`},
		{"inherits", "inherits = \"lihgt\"", `x.toml:1:1: inherits: there is no theme "lihgt"; did you mean "light"?`},
		{"itself", "inherits = \"x\"", `x.toml:1:1: inherits: by way of "x" the theme inherits from itself`},
		{"background", "background = \"drak\"", `x.toml:1:1: background: "drak" is none of dark, light, any; did you mean "dark"?`},
		{"colors", "colors = 8", `x.toml:1:1: colors must be 16 or 256, not 8`},
		{"syntax", "[tokens\n", `x.toml:1:8: expected ']' to close table`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := dir(t, map[string]string{"x": tt.text})
			c, problems := l.Choose("x")
			if len(problems) != 1 {
				t.Fatalf("problems: %v", problems)
			}
			if got := strings.TrimPrefix(problems[0].String(), l.Dir+"/"); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if s := c.Dark.Style(themes.Selected, themes.TrueColor); s.On == "" {
				t.Error("the rest of the theme is gone")
			}
		})
	}
}

// TestTheRestStillWorks: every mistake is told, and what is right counts.
func TestTheRestStillWorks(t *testing.T) {
	t.Parallel()
	l := dir(t, map[string]string{"x": "what = 1\n[palette]\nsky = \"nope\"\nmine = \"#123456\"\n[tokens]\nok = \"mine\"\nbad = \"nope\"\ntext = []\n"})
	c, problems := l.Choose("x")
	if len(problems) != 4 {
		t.Errorf("problems: %v", problems)
	}
	for i := 1; i < len(problems); i++ {
		if problems[i].Line < problems[i-1].Line {
			t.Errorf("out of order: %v", problems)
		}
	}
	if got := c.Dark.Style(themes.OK, themes.TrueColor).Color; got != "#123456" {
		t.Errorf("ok is %q", got)
	}
}

func TestThemesThatInheritFromEachOther(t *testing.T) {
	t.Parallel()
	l := dir(t, map[string]string{"a": "inherits = \"b\"", "b": "inherits = \"a\"\n[tokens]\nok = 1"})
	all, problems := l.All()
	if len(problems) == 0 || !strings.Contains(problems[0].String(), "inherits from itself") {
		t.Errorf("problems: %v", problems)
	}
	for _, theme := range all {
		if theme.Name == "a" && theme.Style(themes.OK, themes.TrueColor).Color != "1" {
			t.Error("what b says is lost")
		}
	}
}

func TestUnreadableThemes(t *testing.T) {
	t.Parallel()
	l := dir(t, map[string]string{"big": strings.Repeat("#", 2<<20)})
	if err := os.Symlink("nowhere", filepath.Join(l.Dir, "gone.toml")); err != nil {
		t.Fatal(err)
	}
	all, problems := l.All()
	if len(problems) != 2 || len(all) != 9 {
		t.Errorf("%d themes, problems: %v", len(all), problems)
	}
	l.Dir = filepath.Join(l.Dir, "big.toml") // not a directory
	if _, problems = l.All(); len(problems) != 1 || !strings.Contains(problems[0].String(), "not a directory") {
		t.Errorf("problems: %v", problems)
	}
	l.Dir = filepath.Join(t.TempDir(), "missing")
	if _, problems = l.All(); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
}

func FuzzTheme(f *testing.F) {
	f.Add("inherits = \"light\"\n[palette]\na = { full = \"#123\", 256 = 3, 16 = \"red\" }\n[tokens]\nok = { color = \"a\", 16 = \"b\" }")
	f.Add("inherits = \"x\"\ntokens = 3")
	f.Fuzz(func(t *testing.T, text string) {
		d := t.TempDir()
		if err := os.WriteFile(filepath.Join(d, "x.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _ := themes.Library{Dir: d}.Choose("x")
		for _, token := range themes.Tokens() {
			for _, depth := range depths {
				c.Dark.Style(token, depth)
			}
		}
	})
}

// BenchmarkChoose is what themes cost a start of the workbench.
func BenchmarkChoose(b *testing.B) {
	for b.Loop() {
		themes.Library{}.Choose(themes.Auto)
	}
}
