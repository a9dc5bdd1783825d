package ui

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/colorprofile"

	"gantry/themes"
	"gantry/ui/glyph"
)

// Terminal is what a terminal can show.
type Terminal struct {
	Depth  themes.Depth
	Glyphs glyph.Set
	// Light is the first guess about the background, until the terminal tells.
	Light bool
}

// Remember makes what was learned of the background the last time the first
// guess, unless the environment has one.
func (t Terminal) Remember(light bool, environ []string) Terminal {
	if !slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, "COLORFGBG=") }) {
		t.Light = light
	}
	return t
}

// DetectTerminal finds out about the terminal that out is. colors is one of
// "truecolor", "256", "16", "none", or "" to go by the environment; ascii is nil
// for the same.
func DetectTerminal(out io.Writer, environ []string, colors string, ascii *bool) Terminal {
	env := make(map[string]string, len(environ))
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	t := Terminal{Glyphs: glyphs(env, ascii), Light: looksLight(env["COLORFGBG"])}
	switch colors {
	case "truecolor":
		t.Depth = themes.TrueColor
	case "256":
		t.Depth = themes.Colors256
	case "16":
		t.Depth = themes.Colors16
	case "none":
		t.Depth = themes.NoColor
	default:
		t.Depth = depth(out, env)
	}
	return t
}

// depth goes by the environment: no-color.org and bixense.com/clicolors want
// any text to count that is not empty, or not "0", where colorprofile wants one
// that strconv.ParseBool takes.
func depth(out io.Writer, env map[string]string) themes.Depth {
	forced := env["CLICOLOR_FORCE"] != "" && env["CLICOLOR_FORCE"] != "0"
	switch {
	case env["NO_COLOR"] != "":
		return themes.NoColor
	case env["CLICOLOR"] == "0" && !forced:
		return themes.NoColor
	}
	var environ []string
	for name, value := range env {
		switch {
		case name == "NO_COLOR" || name == "CLICOLOR":
		case name == "CLICOLOR_FORCE" && !forced:
		case name == "CLICOLOR_FORCE":
			environ = append(environ, "CLICOLOR_FORCE=1")
		default:
			environ = append(environ, name+"="+value)
		}
	}
	switch colorprofile.Detect(out, environ) {
	case colorprofile.TrueColor:
		return themes.TrueColor
	case colorprofile.ANSI256:
		return themes.Colors256
	case colorprofile.ANSI:
		return themes.Colors16
	}
	return themes.NoColor
}

// profile is what the renderer calls the depth.
func (t Terminal) profile() colorprofile.Profile {
	switch t.Depth {
	case themes.Colors256:
		return colorprofile.ANSI256
	case themes.Colors16:
		return colorprofile.ANSI
	case themes.NoColor:
		return colorprofile.ASCII
	}
	return colorprofile.TrueColor
}

// glyphs chooses a set. A locale that is not UTF-8 means that the terminal
// shows something else for every other character, those of containers too.
func glyphs(env map[string]string, ascii *bool) glyph.Set {
	foreign := !unicodeLocale(env)
	switch {
	case ascii != nil && !*ascii:
		return glyph.Unicode
	case foreign:
		return glyph.Foreign
	case ascii != nil || poor(env["TERM"]):
		return glyph.ASCII
	}
	return glyph.Unicode
}

// unicodeLocale follows POSIX: the first of these that is set counts. Where
// none is, as in many containers and over some connections, nobody chose
// anything, and terminals without UTF-8 have become rare.
func unicodeLocale(env map[string]string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env[name]; v != "" {
			v = strings.ToLower(strings.ReplaceAll(v, "-", ""))
			return strings.Contains(v, "utf8")
		}
	}
	return true
}

// poor tells terminals whose fonts lack most of what gantry draws: the Linux
// console has 512 glyphs at most, and braille is never among them.
func poor(term string) bool {
	return term == "linux" || term == "dumb" || strings.HasPrefix(term, "vt1") || strings.HasPrefix(term, "vt2") || strings.HasPrefix(term, "cons")
}

// looksLight reads COLORFGBG, which rxvt, Konsole and some others set to
// "foreground;background" by the numbers of the palette.
func looksLight(colorfgbg string) bool {
	_, background, ok := strings.Cut(colorfgbg, ";")
	if !ok {
		return false
	}
	background = background[strings.LastIndexByte(background, ';')+1:]
	n, err := strconv.Atoi(background)
	return err == nil && (n == 7 || n > 8 && n <= 15)
}
