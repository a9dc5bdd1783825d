package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/internal/tomldoc"
	"gantry/themes"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
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

// background takes the terminal's answer. The next start begins with it.
func (m *Model) background(dark bool) tea.Cmd {
	m.look.dark = dark
	m.restyle()
	learn := m.opts.LearnBackground
	if learn == nil || dark != m.opts.Terminal.Light || m.styles.Page != nil { // a theme's own page is not the terminal's
		return nil
	}
	return func() tea.Msg {
		learn(!dark)
		return nil
	}
}

// Config is the configuration file behind options.
type Config struct {
	// File is where it is, or where one would be.
	File string
	// Problems are what is wrong in it already.
	Problems []tomldoc.Problem
	// At makes a problem of the value of a key, with its place; nil: nobody
	// knows that.
	At func(key ...string) tomldoc.Problem
}

func (c Config) problem(message string, key ...string) tomldoc.Problem {
	var p tomldoc.Problem
	if c.At != nil {
		p = c.At(key...)
	}
	p.Message = message
	return p
}

// Check tells what is wrong with the options. They work all the same.
func (o Options) Check() []tomldoc.Problem {
	_, _, problems := o.configure()
	return problems
}

// openProblems tells what is wrong with the configuration.
func (m *Model) openProblems(problems []tomldoc.Problem) {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = widgets.Safe([]byte(p.String()))
	}
	m.open(dialogs.Message{
		Name: "The configuration", Text: strings.Join(lines, "\n"),
		Hint: "Everything else works. gantry config check says the same on the command line.",
	})
}

// configure makes of the options what the model needs.
func (o Options) configure() (*keys.Registry, look, []tomldoc.Problem) {
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
	if err := themes.Missing(o.Theme, names); err != nil {
		problems = append(problems, o.Config.problem(err.Error(), "ui", "theme"))
	}
	choice, bad := o.Themes.Choose(o.Theme)
	problems = append(problems, bad...)
	tomldoc.Sort(problems)
	return registry, look{o.Terminal, choice, names, !o.Terminal.Light}, problems
}
