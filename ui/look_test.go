package ui_test

import (
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"gantry/engine/fake"
	"gantry/internal/tomldoc"
	"gantry/themes"
	"gantry/ui"
	"gantry/ui/glyph"
	"gantry/ui/uitest"
)

// looks are ways to draw the workbench.
func looks() map[string]ui.Options {
	out := map[string]ui.Options{
		"ascii":     {Terminal: ui.Terminal{Glyphs: glyph.ASCII}},
		"foreign":   {Terminal: ui.Terminal{Glyphs: glyph.Foreign}},
		"256":       {Terminal: ui.Terminal{Depth: themes.Colors256}},
		"16":        {Terminal: ui.Terminal{Depth: themes.Colors16}},
		"16-light":  {Terminal: ui.Terminal{Depth: themes.Colors16, Light: true}},
		"no-colour": {Terminal: ui.Terminal{Depth: themes.NoColor}},
		"plain":     {Terminal: ui.Terminal{Depth: themes.NoColor, Glyphs: glyph.Foreign}},
	}
	for _, name := range (themes.Library{}).Names() {
		out[name] = ui.Options{Theme: name}
	}
	return out
}

// tour shows one page after another.
func tour(d *uitest.Driver, show func(name string)) {
	show("list")
	for _, page := range []struct {
		name string
		keys []string
	}{
		{"down", []string{"j", "j", "space", "j"}}, {"stats", []string{"t"}}, {"inspect", []string{"i"}}, {"detail", []string{"enter", "j"}}, {"env", []string{"]"}},
		{"images", []string{"esc", "2", "j"}}, {"menu", []string{"x"}}, {"help", []string{"esc", "?"}}, {"palette", []string{"esc", ":"}},
		{"form", []string{"esc", "1", "n"}}, {"question", []string{"esc", "d"}}, {"narrow", []string{"esc"}},
	} {
		d.Keys(page.keys...)
		d.Pass(1500 * time.Millisecond)
		show(page.name)
	}
	d.Send(tea.WindowSizeMsg{Width: 40, Height: 12})
	show("small")
}

// screens makes the tour in one look.
func screens(t *testing.T, opts ui.Options) map[string]string {
	t.Helper()
	out := make(map[string]string)
	driveWith(t, 110, 34, opts, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		tour(d, func(name string) { out[name] = d.Raw() })
	})
	return out
}

var (
	sgr     = regexp.MustCompile(`\x1b\[([0-9;]*)m`)
	deep    = regexp.MustCompile(`(^|;)[34]8;`)
	colours = regexp.MustCompile(`(^|;)([34][0-8]|9[0-7]|10[0-7])(;|$)`)
)

// TestLooksDifferInNothingButStyle: whatever the theme and however many
// colours, the text is the same, and each look keeps to what its terminal has.
func TestLooksDifferInNothingButStyle(t *testing.T) {
	plain := screens(t, ui.Options{})
	for name, opts := range looks() {
		t.Run(name, func(t *testing.T) {
			for page, raw := range screens(t, opts) {
				want := ansi.Strip(plain[page])
				if opts.Terminal.Glyphs == glyph.Unicode && ansi.Strip(raw) != want {
					t.Errorf("%s: the text is another one:\n%s\nwant\n%s", page, ansi.Strip(raw), want)
				}
				for i, line := range strings.Split(ansi.Strip(raw), "\n") {
					if w, was := ansi.StringWidth(line), ansi.StringWidth(strings.Split(want, "\n")[i]); w != was {
						t.Errorf("%s: line %d is %d cells wide, in the default look %d:\n%s", page, i, w, was, line)
					}
				}
				if opts.Terminal.Glyphs == glyph.Foreign {
					wantASCII(t, page, raw)
				}
				wantColours(t, page, raw, opts)
			}
		})
	}
}

func wantASCII(t *testing.T, page, raw string) {
	t.Helper()
	for _, r := range raw {
		if r >= utf8.RuneSelf {
			t.Errorf("%s: %q is not ASCII:\n%s", page, r, ansi.Strip(raw))
			return
		}
	}
}

func wantColours(t *testing.T, page, raw string, opts ui.Options) {
	t.Helper()
	few := opts.Terminal.Depth == themes.Colors16 || strings.HasPrefix(opts.Theme, "terminal")
	none := opts.Terminal.Depth == themes.NoColor || opts.Theme == themes.Monochrome
	for _, m := range sgr.FindAllStringSubmatch(raw, -1) {
		if none && colours.MatchString(m[1]) {
			t.Errorf("%s: a colour where there is none: %q", page, m[0])
		}
		if few && deep.MatchString(m[1]) {
			t.Errorf("%s: a colour beyond the sixteen: %q", page, m[0])
		}
	}
}

// TestASCIIHasOnlyTheContainersOwnSigns: with --ascii on a terminal with UTF-8
// nothing of gantry's is left, but a log still reads as it was printed.
func TestASCIIHasOnlyTheContainersOwnSigns(t *testing.T) {
	for page, raw := range screens(t, ui.Options{Terminal: ui.Terminal{Glyphs: glyph.ASCII}}) {
		if left := strings.ReplaceAll(raw, "漢字", ""); !strings.Contains(raw, "漢字") || page == "list" || page == "down" {
			wantASCII(t, page, left)
		}
	}
	driveWith(t, 120, 40, ui.Options{Terminal: ui.Terminal{Glyphs: glyph.ASCII}}, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		choose(t, d, "shop-api-1")
		d.Pass(time.Second)
		wants(t, d, "漢字")
		d.Keys("x")
		wants(t, d, "Remove...")
		lacks(t, d, "…")
	})
}

// TestCursorAndFocusAreSeen: in every look the row under the cursor and the
// pane with the focus are drawn in another way than the others.
func TestCursorAndFocusAreSeen(t *testing.T) {
	for name, opts := range looks() {
		t.Run(name, func(t *testing.T) {
			driveWith(t, 110, 34, opts, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
				choose(t, d, "db")
				lit := func(name string) string {
					for _, line := range strings.Split(d.Raw(), "\n") {
						if before, _, ok := strings.Cut(line, name); ok {
							return before[strings.LastIndex(before, "\x1b["):]
						}
					}
					t.Fatalf("%s is not on the screen:\n%s", name, d.Screen())
					return ""
				}
				if lit("db") == lit("migrate") {
					t.Errorf("the row under the cursor looks like another one:\n%q", lit("db"))
				}
				focused := lit("2 Images")
				d.Keys("2")
				d.Pass(time.Second)
				if lit("2 Images") == focused {
					t.Errorf("the title of the pane with the focus looks like another one: %q", focused)
				}
			})
		})
	}
}

// TestStyledScreens holds what the eye sees: the two themes of our own at every
// size, and the others at the one that most terminals begin with.
func TestStyledScreens(t *testing.T) {
	type size struct{ w, h int }
	small, all := []size{{80, 24}}, []size{{40, 12}, {80, 24}, {120, 40}, {200, 50}}
	for _, look := range []struct {
		name  string
		opts  ui.Options
		sizes []size
	}{
		{"dark", ui.Options{Theme: "dark"}, all}, {"light", ui.Options{Theme: "light"}, all},
		{"high-contrast", ui.Options{Theme: "high-contrast"}, small}, {"terminal", ui.Options{Theme: "terminal"}, small},
		{"monochrome", ui.Options{Terminal: ui.Terminal{Depth: themes.NoColor}}, small},
		{"ascii", ui.Options{Terminal: ui.Terminal{Depth: themes.NoColor, Glyphs: glyph.ASCII}}, small},
	} {
		for _, s := range look.sizes {
			name := fmt.Sprintf("look-%s-%dx%d", look.name, s.w, s.h)
			t.Run(name, func(t *testing.T) {
				driveWith(t, s.w, s.h, look.opts, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
					choose(t, d, "shop-api-1")
					d.Pass(time.Second)
					d.GoldenStyled(name)
				})
			})
		}
	}
}

func background(c color.Color) tea.Msg { return tea.BackgroundColorMsg{Color: c} }

// TestNothingWaitsForTheBackground: a terminal that never tells costs nothing,
// and one that tells late changes colours and nothing else.
func TestNothingWaitsForTheBackground(t *testing.T) {
	drive(t, 100, 30, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		wants(t, d, "shop-api-1", "db") // it has not told, and drive did not wait
		choose(t, d, "db")
		d.Pass(time.Second)
		text, dark := d.Screen(), d.Raw()
		d.Send(background(color.White))
		if d.Screen() != text {
			t.Errorf("more than colours changed:\n%s\nwas\n%s", d.Screen(), text)
		}
		if d.Raw() == dark {
			t.Error("the colours of a light background are those of a dark one")
		}
		d.Send(background(color.Black))
		if d.Raw() != dark {
			t.Error("going back does not lead back")
		}
	})
}

// TestTheBackgroundIsLearned: once, and only what was not guessed already.
func TestTheBackgroundIsLearned(t *testing.T) {
	var learned []string
	opts := ui.Options{
		Terminal:        ui.Terminal{}.Remember(true, []string{"TERM=xterm"}),
		LearnBackground: func(light bool) { learned = append(learned, fmt.Sprint("light: ", light)) },
	}
	driveWith(t, 100, 30, opts, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		light := d.Raw()
		d.Send(background(color.White))
		if d.Raw() != light || len(learned) > 0 {
			t.Errorf("what was remembered is not what the terminal says, or it is learned again: %q", learned)
		}
		d.Send(background(color.Black))
		if d.Raw() == light || !slices.Equal(learned, []string{"light: false"}) {
			t.Errorf("learned %q", learned)
		}
	})
	if (ui.Terminal{}).Remember(true, []string{"COLORFGBG=15;0"}).Light {
		t.Error("what was learned goes before the environment")
	}
}

func TestChosenThemeIgnoresTheBackground(t *testing.T) {
	driveWith(t, 100, 30, ui.Options{Theme: "light"}, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		before := d.Raw()
		d.Send(background(color.Black))
		if d.Raw() != before {
			t.Error("a theme that was chosen gave way")
		}
	})
}

// TestThemeIsTriedAndKept: the cursor in the dialog draws the screen, esc
// leads back, enter keeps it and says how to keep it for good.
func TestThemeIsTriedAndKept(t *testing.T) {
	opts := ui.Options{Config: ui.Config{File: "/home/me/config.toml"}}
	driveWith(t, 100, 30, opts, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		before := d.Raw()
		open := func() {
			d.Keys(":")
			for _, r := range "theme" {
				d.Keys(string(r))
			}
			d.Keys("enter")
			d.Pass(100 * time.Millisecond)
		}
		open()
		wants(t, d, "high-contrast-dark", "● running", "▲ near its limit", "merged")
		d.Golden("theme-100x30")
		if header, _, _ := strings.Cut(before, "\n"); !strings.HasPrefix(d.Raw(), header) {
			t.Error("the page that the themes are tried on is dimmed")
		}
		d.Keys("G")
		tried := d.Raw()
		d.Keys("esc")
		if tried == before || d.Raw() != before {
			t.Error("esc does not lead back to the theme before")
		}
		open()
		d.Keys("j", "j", "enter")
		wants(t, d, "The theme is high-contrast", `theme = "high-contrast"`, "/home/me/config.toml")
		d.Keys("esc")
		if d.Raw() == before {
			t.Error("the theme was not taken")
		}
	})
}

// TestThemeMaySetThePage: the terminal takes a theme's own background, and gets
// its own back with a theme that has none.
func TestThemeMaySetThePage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.toml"), []byte("[tokens]\npage = { color = \"#ddeeff\", on = \"#102030\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := ui.New(t.Context(), fake.New(), ui.Options{Theme: "mine", Themes: themes.Library{Dir: dir}})
	if v := m.View(); v.BackgroundColor != (color.RGBA{0x10, 0x20, 0x30, 0xff}) || v.ForegroundColor != (color.RGBA{0xdd, 0xee, 0xff, 0xff}) {
		t.Errorf("the page is %v on %v", v.ForegroundColor, v.BackgroundColor)
	}
	if v := ui.New(t.Context(), fake.New(), ui.Options{}).View(); v.BackgroundColor != nil || v.ForegroundColor != nil {
		t.Errorf("the page of gantry's own theme is %v on %v", v.ForegroundColor, v.BackgroundColor)
	}
}

func TestThemeByName(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.toml"), []byte("[tokens]\nok = \"nope\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	driveWith(t, 100, 30, ui.Options{Themes: themes.Library{Dir: dir}}, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		say := func(line string) {
			d.Keys(":")
			for _, r := range line {
				d.Keys(string(r))
			}
			d.Keys("enter")
			d.Pass(100 * time.Millisecond)
		}
		say("theme light")
		wants(t, d, `theme = "light"`)
		d.Keys("esc")
		say("theme mine")
		wants(t, d, "mine.toml:2:1")
	})
}

func TestNoColoursNoThemes(t *testing.T) {
	driveWith(t, 100, 30, ui.Options{Terminal: ui.Terminal{Depth: themes.NoColor}}, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		d.Keys(":")
		for _, r := range "theme" {
			d.Keys(string(r))
		}
		wants(t, d, "there are no colours here")
	})
}

// TestConfigurationMistakesAreTold: with file and line, in one dialog, and
// everything else works.
func TestConfigurationMistakesAreTold(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.toml"), []byte("[tokens]\naccnt = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := ui.Options{
		Theme: "mine", Themes: themes.Library{Dir: dir}, Keys: map[string][]string{"container.stopp": {"x"}},
		Config: ui.Config{
			Problems: []tomldoc.Problem{{File: "config.toml", Line: 3, Column: 1, Message: "third"}},
			At: func(key ...string) tomldoc.Problem {
				return tomldoc.Problem{File: "config.toml", Line: len(key), Column: 1}
			},
		},
	}
	want := []string{`config.toml:2:1: there is no action "container.stopp"; did you mean "container.stop"?`, `config.toml:3:1: third`}
	if got := opts.Check(); len(got) != 3 || got[1].String() != want[0] || got[2].String() != want[1] { // the theme's path comes first
		t.Errorf("problems: %v", got)
	}
	driveWith(t, 100, 30, opts, shop, func(t *testing.T, _ *fake.Engine, d *uitest.Driver) {
		wants(t, d, "config.toml:3:1: third", `no action "container.stopp"`, "mine.toml:2:1", `did you mean "accent"?`)
		d.Keys("esc")
		wants(t, d, "shop-api-1")
	})
	for theme, want := range map[string]string{"drak": `did you mean "dark"?`, "zzzz": "gantry config themes lists them"} {
		if got := (ui.Options{Theme: theme}).Check(); len(got) != 1 || !strings.Contains(got[0].String(), want) {
			t.Errorf("%s: %v", theme, got)
		}
	}
}

func TestDetectTerminal(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	const full, vt256, vt16 = "TERM=xterm-256color COLORTERM=truecolor", "TERM=xterm-256color", "TERM=xterm"
	for _, tt := range []struct {
		env    string
		colors string
		ascii  *bool
		want   ui.Terminal
	}{
		{env: full, want: ui.Terminal{}},
		{env: vt256, want: ui.Terminal{Depth: themes.Colors256}},
		{env: vt16, want: ui.Terminal{Depth: themes.Colors16}},
		{env: vt16, colors: "truecolor", want: ui.Terminal{}},
		{env: full, colors: "256", want: ui.Terminal{Depth: themes.Colors256}},
		{env: full, colors: "16", want: ui.Terminal{Depth: themes.Colors16}},
		{env: full, colors: "none", want: ui.Terminal{Depth: themes.NoColor}},
		// no-color.org: any text that is not empty; the user's file may say otherwise.
		{env: full + " NO_COLOR=1", want: ui.Terminal{Depth: themes.NoColor}},
		{env: full + " NO_COLOR=yes", want: ui.Terminal{Depth: themes.NoColor}},
		{env: full + " NO_COLOR=0", want: ui.Terminal{Depth: themes.NoColor}},
		{env: full + " NO_COLOR=", want: ui.Terminal{}},
		{env: full + " NO_COLOR=1 CLICOLOR_FORCE=1", want: ui.Terminal{Depth: themes.NoColor}},
		{env: full + " NO_COLOR=1", colors: "256", want: ui.Terminal{Depth: themes.Colors256}},
		{env: full + " CLICOLOR=0", want: ui.Terminal{Depth: themes.NoColor}},
		{env: full + " CLICOLOR=1", want: ui.Terminal{}},
		{env: full + " CLICOLOR=0 CLICOLOR_FORCE=yes", want: ui.Terminal{}},
		{env: full + " CLICOLOR=0 CLICOLOR_FORCE=0", want: ui.Terminal{Depth: themes.NoColor}},
		// glyphs
		{env: full + " LANG=de_DE.UTF-8", want: ui.Terminal{}},
		{env: full + " LANG=C.utf8", want: ui.Terminal{}},
		{env: full + " LANG=de_DE.ISO-8859-1", want: ui.Terminal{Glyphs: glyph.Foreign}},
		{env: full + " LANG=en_US.UTF-8 LC_ALL=C", want: ui.Terminal{Glyphs: glyph.Foreign}},
		{env: full + " LANG=C LC_CTYPE=en_US.UTF-8", want: ui.Terminal{}},
		{env: full + " LANG=C", ascii: &no, want: ui.Terminal{}},
		{env: full + " LANG=C", ascii: &yes, want: ui.Terminal{Glyphs: glyph.Foreign}},
		{env: full, ascii: &yes, want: ui.Terminal{Glyphs: glyph.ASCII}},
		{env: "TERM=linux LANG=en_US.UTF-8", want: ui.Terminal{Depth: themes.Colors16, Glyphs: glyph.ASCII}},
		{env: "TERM=linux", ascii: &no, want: ui.Terminal{Depth: themes.Colors16}},
		// a first guess of the background
		{env: full + " COLORFGBG=0;15", want: ui.Terminal{Light: true}},
		{env: full + " COLORFGBG=0;default;15", want: ui.Terminal{Light: true}},
		{env: full + " COLORFGBG=15;0", want: ui.Terminal{}},
		{env: full + " COLORFGBG=12;8", want: ui.Terminal{}},
		{env: full + " COLORFGBG=x", want: ui.Terminal{}},
	} {
		env := append(strings.Fields(tt.env), "TTY_FORCE=1") // a file stands for the terminal
		if got := ui.DetectTerminal(os.Stderr, env, tt.colors, tt.ascii); got != tt.want {
			t.Errorf("%s, colors %q: got %+v, want %+v", tt.env, tt.colors, got, tt.want)
		}
	}
}

// TestEveryScreenIsSeenInTheTour keeps the tour honest: pages must differ.
func TestEveryScreenIsSeenInTheTour(t *testing.T) {
	pages := screens(t, ui.Options{})
	var seen []string
	for page, raw := range pages {
		text := ansi.Strip(raw)
		if slices.Contains(seen, text) {
			t.Errorf("%s shows nothing new:\n%s", page, text)
		}
		seen = append(seen, text)
	}
	if len(pages) < 12 {
		t.Error(fmt.Sprint(len(pages), " pages"))
	}
}
