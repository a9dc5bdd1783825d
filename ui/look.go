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

// configure makes of the options what the model needs.
func (o Options) configure() (*keys.Registry, look, []string) {
	problems := slices.Clone(o.Config.Problems)
	registry, wrong := keys.New(actions()).Remap(o.Keys)
	for _, p := range wrong {
		problems = append(problems, o.Config.problem(p.Message, "keys", p.Action))
	}
	if !o.Themes.Has(o.Theme) {
		message := fmt.Sprintf("there is no theme %q; gantry config themes lists them", o.Theme)
		if near := tomldoc.Nearest(o.Theme, o.Themes.Names()); near != "" {
			message = fmt.Sprintf("there is no theme %q; did you mean %q?", o.Theme, near)
		}
		problems = append(problems, o.Config.problem(message, "ui", "theme"))
	}
	choice, bad := o.Themes.Choose(o.Theme)
	for _, p := range bad {
		problems = append(problems, p.String())
	}
	return registry, look{o.Terminal, choice, !o.Terminal.Light}, problems
}
