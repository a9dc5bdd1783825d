package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/dialogs"
	"gantry/ui/keys"
)

// openPalette shows everything that can be done, with why not where it cannot.
func (m *Model) openPalette() { m.paletteWith("", "") }

func (m *Model) paletteWith(line, wrong string) {
	list := m.paletteActions()
	commands := make([]dialogs.Command, len(list))
	for i, a := range list {
		commands[i] = dialogs.Command{Item: m.item(a, placed(a)), Word: a.Word, Args: a.Args}
		commands[i].Also = a.Word
	}
	m.open(dialogs.NewPalette(dialogs.Palette{
		Commands: commands, History: m.lines, Wrong: wrong,
		Words: func(i int, line string) []string {
			if h := m.handlers[list[i].ID]; h.words != nil {
				return h.words(m, arguments(line))
			}
			return nil
		},
		Lookup: func(i int, line string) []string {
			if h := m.handlers[list[i].ID]; h.look != nil {
				return h.look(arguments(line))
			}
			return nil
		},
		Tag: resultTag(func(m *Model, r dialogs.Result) tea.Cmd {
			if !r.OK {
				return nil
			}
			return m.obey(list[r.Pick], r)
		}),
	}, line))
}

// placed is the title of an action with what it is done to, where that is not
// plain.
func placed(a keys.Action) string {
	switch a.Scope {
	case keys.Containers, keys.Lists, keys.Global, keys.Welcome:
		return a.Title
	case keys.Images:
		return "Image: " + a.Title
	case keys.Jobs:
		return "Job: " + a.Title
	}
	return titleOf(a.Scope) + ": " + a.Title
}

// paletteActions are those in effect first, then all others.
func (m *Model) paletteActions() []keys.Action {
	out := slices.Collect(m.keys.Effective(m.scope()))
	for _, n := range scopeTitles() {
		for _, a := range m.keys.In(n.scope) {
			if n.scope != keys.Move && !slices.ContainsFunc(out, func(o keys.Action) bool { return o.ID == a.ID }) {
				out = append(out, a)
			}
		}
	}
	return out
}

// arguments are the words behind the first of a line; the last one is being
// typed, and may be empty.
func arguments(line string) []string {
	const blank = "\x00" // that is part of a word
	words := strings.Fields(strings.ReplaceAll(line, `\ `, blank))
	if strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		words = append(words, "")
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], blank, " ")
	}
	return words[min(1, len(words)):]
}

// lookFile completes the argument with a number, which names a file; any when
// that is negative. Blanks in names stand behind backslashes.
func lookFile(at int) func(args []string) []string {
	return func(args []string) []string {
		if len(args) == 0 || at >= 0 && len(args) != at+1 {
			return nil
		}
		words := lookHere(args[len(args)-1])
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], " ", `\ `)
		}
		return words
	}
}

// obey does what a line of the palette says. A line that does not work comes
// back with why.
func (m *Model) obey(a keys.Action, r dialogs.Result) tea.Cmd {
	kept := m.remember(r.Line)
	return tea.Batch(kept, m.obeyLine(a, r))
}

func (m *Model) obeyLine(a keys.Action, r dialogs.Result) tea.Cmd {
	if !r.Arguments {
		return m.act(a)
	}
	words, err := split(r.Line)
	if err != nil {
		m.paletteWith(r.Line, errText(err))
		return nil
	}
	h := m.handlers[a.ID]
	if len(words) == 1 || h.with == nil {
		return m.act(a)
	}
	cmd, err := h.with(m, words[1:])
	if err != nil {
		m.paletteWith(r.Line, errText(err))
		return nil
	}
	return cmd
}

// filterWith sets the filter of the list that has the focus.
func filterWith(m *Model, args []string) (tea.Cmd, error) {
	if m.list(m.focus) == nil {
		m.focus = m.detail.side
	}
	m.list(m.focus).Filter(strings.Join(args, " "))
	return nil, nil
}
