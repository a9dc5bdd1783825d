package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gantry/cli"
	"gantry/engine"
	"gantry/internal/config"
	"gantry/themes"
	"gantry/ui"
)

func loadConfig(path string) (config.Config, []config.Problem, error) {
	if path != "" {
		return config.LoadFile(path)
	}
	c, problems := config.Load()
	return c, problems, nil
}

// library is where the themes of a configuration are: beside its file.
func library(c config.Config) themes.Library {
	dir := c.Dir(os.Getenv)
	if dir == "" {
		return themes.Library{}
	}
	return themes.Library{Dir: filepath.Join(dir, "themes")}
}

// uiOptions are the workbench's: what the configuration says, and over that the
// command line. It lets the workbench hand the terminal over to verbs of this
// program.
func uiOptions(g cli.Global) (ui.Options, error) {
	c, problems, err := loadConfig(g.Config)
	if err != nil {
		c = config.Default()
	}
	o := configured(c, problems)
	if err := themes.Missing(g.Theme, o.Themes.Names()); err != nil {
		return o, fmt.Errorf("%w flag --theme: %w", engine.ErrInvalid, err)
	}
	o.Theme = cmp.Or(g.Theme, o.Theme)
	ascii := c.UI.ASCII
	if g.ASCII {
		ascii = &g.ASCII
	}
	o.Terminal = ui.DetectTerminal(os.Stdout, os.Environ(), c.UI.Colors, ascii)
	if file := backgroundFile(os.Getenv); file != "" {
		learned, _ := os.ReadFile(file) // a guess: dark where nothing was learned
		o.Terminal = o.Terminal.Remember(string(learned) == "light", os.Environ())
		o.LearnBackground = func(light bool) { learnBackground(file, light) }
	}
	var flags []string
	for flag, value := range map[string]string{"--root": g.Root, "--run": g.Run, "--config": g.Config} {
		if value != "" {
			flags = append(flags, flag, value)
		}
	}
	o.Version = buildVersion()
	o.Command = func(args ...string) *exec.Cmd {
		return exec.Command("/proc/self/exe", append(slices.Clone(flags), args...)...)
	}
	return o, nil
}

// backgroundFile remembers whether the terminal had a light background the last
// time, so that a start does not begin in the colours of the other while the
// terminal is asked again. It is empty where there is no place for it.
func backgroundFile(getenv func(string) string) string {
	dir := getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(dir) {
		if getenv("HOME") == "" {
			return ""
		}
		dir = filepath.Join(getenv("HOME"), ".cache")
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, cmp.Or(getenv("TERM_PROGRAM"), getenv("TERM")))
	return filepath.Join(dir, "gantry", "background-"+name)
}

// learnBackground writes what the next start guesses. Where it cannot, that
// one begins dark.
func learnBackground(file string, light bool) {
	word := "dark"
	if light {
		word = "light"
	}
	if os.MkdirAll(filepath.Dir(file), 0o700) == nil {
		_ = os.WriteFile(file, []byte(word), 0o600)
	}
}

// configured is the part of the options that the file says.
func configured(c config.Config, problems []config.Problem) ui.Options {
	o := ui.Options{
		Keys: c.Keys, Theme: c.UI.Theme, Themes: library(c), DetachKeys: c.DetachKeys, StateDir: stateDir(os.Getenv), Browser: browser(os.Getenv), NoMouse: !c.UI.Mouse,
		Config: ui.Config{File: cmp.Or(c.File, filepath.Join(c.Dir(os.Getenv), "config.toml")), Problems: problems, At: c.At},
	}
	for _, what := range []string{"stop", "restart"} {
		if !slices.Contains(c.UI.AskBefore, what) {
			o.ActAtOnce = append(o.ActAtOnce, what)
		}
	}
	return o
}

// checkConfig is `gantry config check`: every mistake is named, those in theme
// files too.
func checkConfig(path string) (cli.Config, error) {
	c, problems, err := loadConfig(path)
	if err != nil {
		return cli.Config{}, err
	}
	out := cli.Config{Path: c.File}
	o := configured(c, problems)
	wrong := o.Check()
	_, bad := o.Themes.All()
	for _, p := range bad {
		if !slices.Contains(wrong, p) { // the chosen theme's are there already
			wrong = append(wrong, p)
		}
	}
	if len(wrong) == 0 {
		return out, nil
	}
	text := ""
	for _, p := range wrong {
		text += "\n" + p.String()
	}
	return out, fmt.Errorf("%w configuration:%s", engine.ErrInvalid, text)
}

// detachKeys takes care not to read what only the workbench needs: every run
// asks for them.
func detachKeys(path string) string {
	c, _, err := loadConfig(path)
	if err != nil {
		return ""
	}
	return c.DetachKeys
}

// listThemes is `gantry config themes`.
func listThemes(path string) ([]cli.Theme, error) {
	c, _, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	l := library(c)
	all, _ := l.All() // what is wrong in them, config check tells
	var out []cli.Theme
	for _, t := range all {
		out = append(out, cli.Theme{Name: t.Name, Background: string(t.Background), File: t.File, About: t.About})
	}
	for _, name := range l.Names() {
		if !slices.ContainsFunc(all, func(t themes.Theme) bool { return t.Name == name }) {
			pair, _ := l.Choose(name)
			out = append(out, cli.Theme{Name: name, Background: "either", About: pair.Dark.Name + " or " + pair.Light.Name + ", by the background"})
		}
	}
	slices.SortFunc(out, func(a, b cli.Theme) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// stateDir is where the workbench keeps what it may lose.
func stateDir(env func(string) string) string {
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gantry")
	}
	if home := env("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "gantry")
	}
	return ""
}

// browser is the command that opens a URL, where there is a screen for it.
func browser(getenv func(string) string) []string {
	if b := getenv("BROWSER"); b != "" && !strings.ContainsAny(b, ":%") { // a list, or a pattern
		return []string{b}
	}
	if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" {
		return nil
	}
	if path, err := exec.LookPath("xdg-open"); err == nil {
		return []string{path}
	}
	return nil
}
