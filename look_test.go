package main_test

import (
	"fmt"
	"image/color"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"gantry/internal/vt"
	"gantry/themes"
)

// look opens the workbench with more in its environment, on a terminal with a
// background.
func (w *world) look(background color.Color, env []string, args ...string) *workbench {
	w.t.Helper()
	cmd := w.command(binary, args...)
	cmd.Env = append(slices.Clone(cmd.Env), env...)
	x, err := vt.Start(cmd, vt.Options{Width: 100, Height: 30, Background: background})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := x.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return &workbench{x, w.t}
}

// titleIs tells whether the program's name in the header has a theme's colour.
func titleIs(theme themes.Theme) func(vt.Screen) bool {
	return func(s vt.Screen) bool {
		if c := s.Cells[0][1]; s.Has("gantry") && c.Fg != nil {
			r, g, b, _ := c.Fg.RGBA()
			return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8) == theme.Style(themes.Title, themes.TrueColor).Color
		}
		return false
	}
}

// TestWorkbenchTakesTheBackground: the terminal tells it, and the next start
// begins with it.
func TestWorkbenchTakesTheBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	full := []string{"COLORTERM=truecolor"}
	for range 2 {
		b := w.look(color.White, full)
		b.wait(titleIs(themes.Light()))
		b.press("q")
		b.leaves(0)
	}
	b := w.look(color.Black, full)
	b.wait(titleIs(themes.Dark()))
	b.press("q")
	b.leaves(0)
	b = w.look(color.Black, full, "--theme", "light")
	b.wait(titleIs(themes.Light()))
}

// TestWorkbenchKeepsToTheColoursThereAre, each terminal by what its environment
// says of it.
func TestWorkbenchKeepsToTheColoursThereAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "harbour", "box", "sleep", "1000")
	for name, tt := range map[string]struct {
		env  []string
		fits func(color.Color) bool
	}{
		"none": {[]string{"COLORTERM=truecolor", "NO_COLOR=yes"}, func(c color.Color) bool { return c == nil }},
		"16":   {[]string{"TERM=xterm"}, func(c color.Color) bool { _, ok := c.(ansi.BasicColor); return ok || c == nil }},
		"256": {nil, func(c color.Color) bool {
			_, basic := c.(ansi.BasicColor)
			_, indexed := c.(ansi.IndexedColor)
			return basic || indexed || c == nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := w.look(color.Black, tt.env)
			s := b.wait(func(s vt.Screen) bool { return drawn(s) && s.Has("harbour") })
			reversed, coloured := 0, 0
			for y, row := range s.Cells {
				for x, c := range row {
					if !tt.fits(c.Fg) || !tt.fits(c.Bg) {
						t.Fatalf("the cell %q at %d, %d has the colours %v on %v", c.Text, x, y, c.Fg, c.Bg)
					}
					if c.Attrs.Reverse {
						reversed++
					}
					if c.Fg != nil {
						coloured++
					}
				}
			}
			if (coloured == 0) != (name == "none") || (reversed == 0) != (name != "none") {
				t.Errorf("%d cells have a colour, %d are in reverse", coloured, reversed)
			}
			b.press("q")
			b.leaves(0)
		})
	}
}

// TestWorkbenchInASCII: by the flag, and where the locale has nothing else.
func TestWorkbenchInASCII(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "harbour", "box", "sleep", "1000")
	for name, tt := range map[string]struct{ env, args []string }{
		"flag": {nil, []string{"--ascii"}}, "locale": {[]string{"LC_ALL=C"}, nil}, "console": {[]string{"TERM=linux"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := w.look(color.Black, tt.env, tt.args...)
			s := b.wait(func(s vt.Screen) bool { return s.Has("* harbour") && strings.HasPrefix(s.Line(1), "+- 1 Containers") })
			for y := range s.Height {
				if line := s.Line(y); strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
					t.Errorf("line %d is not ASCII: %s", y, line)
				}
			}
		})
	}
}
