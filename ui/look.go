package ui

import (
	"fmt"
	"slices"

	"gantry/internal/tomldoc"
	"gantry/themes"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// look is what the styles come from. Nothing waits for the terminal to tell
// its background: until it does, it is a guess.
type look struct {
	Terminal
	choice themes.Choice
	names  []string // of all themes
	dark   bool
}

func (l look) styles() styles.Styles { return styles.For(l.choice.For(l.dark), l.Depth, l.Glyphs) }

// Config is the configuration file behind options.
type Config struct {
	// File is where it is, or where one would be.
	File string
	// Problems are what is wrong in it already.
	Problems []string
	// Place says where a value stands, as a prefix of what is said about it;
	// nil: nobody knows.
	Place func(key ...string) string
}

func (c Config) problem(message string, key ...string) string {
	if c.Place == nil {
		return message
	}
	return c.Place(key...) + message
}

// Check tells what is wrong with the options. They work all the same.
func (o Options) Check() []string {
	_, _, problems := o.configure()
	return problems
}

func noTheme(name string, names []string) error {
	if near := tomldoc.Nearest(name, names); near != "" {
		return fmt.Errorf("there is no theme %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("there is no theme %q; gantry config themes lists them", name)
}

// configure makes of the options what the model needs.
func (o Options) configure() (*keys.Registry, look, []string) {
	problems := slices.Clone(o.Config.Problems)
	all := actions()
	for i, a := range all { // the dots that say that more is asked
		all[i].Title, all[i].Short = o.Terminal.Glyphs.Text(a.Title), o.Terminal.Glyphs.Text(a.Short)
	}
	registry, wrong := keys.New(all).Remap(o.Keys)
	for _, p := range wrong {
		problems = append(problems, o.Config.problem(p.Message, "keys", p.Action))
	}
	names := o.Themes.Names()
	if o.Theme != "" && !slices.Contains(names, o.Theme) {
		problems = append(problems, o.Config.problem(noTheme(o.Theme, names).Error(), "ui", "theme"))
	}
	choice, bad := o.Themes.Choose(o.Theme)
	for _, p := range bad {
		problems = append(problems, p.String())
	}
	return registry, look{o.Terminal, choice, names, !o.Terminal.Light}, problems
}
