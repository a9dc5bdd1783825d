package themes_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"gantry/themes"
)

// Backgrounds that terminals come with: black, and those of the widespread
// schemes, up to the lightest of the dark and the darkest of the light ones.
var backgrounds = map[themes.Background][]string{
	themes.ForDark:  {"#000000", "#0c0c0c", "#1e1e1e", "#1d2021", "#282c34", "#300a24", "#002b36", "#2e3440"},
	themes.ForLight: {"#ffffff", "#fafafa", "#fbf1c7", "#fdf6e3", "#eff1f5", "#eeeeee"},
}

// textTokens are those that words are drawn with; what is left out are lines
// and the page behind a dialog, which is meant to recede.
func isText(token themes.Token) bool {
	switch token {
	case themes.Page, themes.Border, themes.Focus, themes.Backdrop, themes.Selected, themes.Limit:
		return false
	}
	return true
}

// TestContrast: text is readable on every usual background and in the row under
// the cursor, by the formula of WCAG 2.2: 4.5 to 1, in high contrast 7 to 1.
func TestContrast(t *testing.T) {
	t.Parallel()
	all, _ := themes.Library{}.All()
	tested := 0
	for _, theme := range all {
		least := 4.5
		behind := backgrounds[theme.Background]
		if strings.HasPrefix(theme.Name, "high-contrast") {
			least, behind = 7, behind[:5]
		}
		for _, depth := range []themes.Depth{themes.TrueColor, themes.Colors256} {
			for _, token := range themes.Tokens() {
				s := theme.Style(token, depth)
				if !isText(token) || rgb(s.Color) == "" {
					continue
				}
				on := behind
				if selected := rgb(theme.Style(themes.Selected, depth).On); selected != "" {
					on = append([]string{selected}, behind...)
				}
				for _, b := range on {
					tested++
					if got := contrast(rgb(s.Color), b); got < least {
						t.Errorf("%s, depth %d: %s is %s, %.2f to 1 on %s", theme.Name, depth, token, s.Color, got, b)
					}
				}
			}
		}
	}
	if tested < 1000 {
		t.Errorf("only %d pairs were tested", tested)
	}
}

// TestLinesAreSeen: borders recede, but those of the focus stand out.
func TestLinesAreSeen(t *testing.T) {
	t.Parallel()
	all, _ := themes.Library{}.All()
	for _, theme := range all {
		for _, depth := range []themes.Depth{themes.TrueColor, themes.Colors256} {
			for _, b := range backgrounds[theme.Background] {
				border, focus := rgb(theme.Style(themes.Border, depth).Color), rgb(theme.Style(themes.Focus, depth).Color)
				if border == "" || focus == "" {
					continue
				}
				if c := contrast(border, b); c < 1.8 {
					t.Errorf("%s, depth %d: a border has %.2f to 1 on %s", theme.Name, depth, c, b)
				}
				if c := contrast(focus, b); c < 4.5 || c < 1.5*contrast(border, b) && !strings.HasPrefix(theme.Name, "high-contrast") {
					t.Errorf("%s, depth %d: the border of the focus has %.2f to 1 on %s", theme.Name, depth, c, b)
				}
			}
		}
	}
}

// rgb is a colour as "#rrggbb"; "" for those that the terminal chooses.
func rgb(c string) string {
	n, err := strconv.Atoi(c)
	switch {
	case strings.HasPrefix(c, "#"):
		return c
	case err != nil || n < 16:
		return ""
	case n >= 232: // the greys of xterm's palette
		return fmt.Sprintf("#%02[1]x%02[1]x%02[1]x", 8+10*(n-232))
	}
	step := func(i int) int { // and its cube
		if i == 0 {
			return 0
		}
		return 55 + 40*i
	}
	n -= 16
	return fmt.Sprintf("#%02x%02x%02x", step(n/36), step(n/6%6), step(n%6))
}

// contrast of two colours by WCAG 2.2.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	n, _ := strconv.ParseUint(hex[1:], 16, 32)
	channel := func(shift int) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

func TestContrastFormula(t *testing.T) {
	t.Parallel()
	if got := contrast("#000000", "#ffffff"); math.Abs(got-21) > 0.01 {
		t.Errorf("black on white is %.2f", got)
	}
	if got := contrast("#777777", "#ffffff"); math.Abs(got-4.48) > 0.01 {
		t.Errorf("#777777 on white is %.2f", got)
	}
	if rgb("208") != "#ff8700" || rgb("244") != "#808080" || rgb("9") != "" {
		t.Error("the palette is wrong")
	}
}
