package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/dialogs"
	"gantry/ui/keys"
	"gantry/ui/tabs"
)

// openPalette shows everything that can be done, with why not where it cannot.
func (m *Model) openPalette() { m.paletteWith("", "") }

func (m *Model) paletteWith(line, wrong string) {
	list := m.paletteActions()
	commands := make([]dialogs.Command, len(list))
	for i, a := range list {
		text := a.Title
		switch a.Scope {
		case keys.Images:
			text = "Image: " + a.Title
		case keys.Jobs:
			text = "Job: " + a.Title
		}
		commands[i] = dialogs.Command{Item: m.item(a, text), Word: a.Word, Args: a.Args}
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
		Tag: resultTag(func(m *Model, r dialogs.Result) tea.Cmd {
			if !r.OK {
				return nil
			}
			return m.obey(list[r.Pick], r)
		}),
	}, line))
}

// paletteActions are those of what has the focus first, then all others.
func (m *Model) paletteActions() []keys.Action {
	var out []keys.Action
	for _, s := range []keys.Scope{m.scope(), keys.Containers, keys.Images, keys.Jobs, keys.Lists, keys.Global} {
		for _, a := range m.keys.In(s) {
			if !slices.ContainsFunc(out, func(o keys.Action) bool { return o.ID == a.ID }) {
				out = append(out, a)
			}
		}
	}
	return out
}

// arguments are the words behind the first of a line; the last one is being
// typed, and may be empty.
func arguments(line string) []string {
	words := strings.Fields(line)
	if strings.HasSuffix(line, " ") {
		words = append(words, "")
	}
	return words[min(1, len(words)):]
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

// openHelp lists all keys, from the registry and from the tabs.
func (m *Model) openHelp() {
	m.open(dialogs.Help{Name: "Keys", Sections: m.helpSections()})
}

func (m *Model) helpSections() []dialogs.Section {
	names := []struct {
		scope keys.Scope
		title string
	}{{keys.Containers, "Containers"}, {keys.Images, "Images"}, {keys.Jobs, "Jobs"}, {keys.Lists, "Every list"}, {keys.Log, "Log"}, {keys.Detail, "Detail"}, {keys.Global, "Everywhere"}}
	at := slices.IndexFunc(names, func(n struct {
		scope keys.Scope
		title string
	}) bool {
		return n.scope == m.scope()
	})
	if at > 0 { // what has the focus stands first
		n := names[at]
		names = slices.Insert(slices.Delete(names, at, at+1), 0, n)
	}
	var out []dialogs.Section
	for _, n := range names {
		sec := dialogs.Section{Title: n.title}
		for _, a := range m.keys.In(n.scope) {
			row := dialogs.HelpRow{Keys: strings.Join(a.Keys, " "), Text: a.Name()}
			if len(a.Keys) == 0 {
				row.Keys = ":" + a.Word
			}
			if a.Asks {
				row.Note = "asks"
			}
			sec.Rows = append(sec.Rows, row)
		}
		if n.scope == keys.Global {
			sec.Rows = append(sec.Rows, dialogs.HelpRow{Keys: "j k g G", Text: "Move"}, dialogs.HelpRow{Keys: "pgup pgdn", Text: "Move by pages"})
		}
		if len(sec.Rows) > 0 {
			out = append(out, sec)
		}
	}
	return append(out, m.tabSections()...)
}

// tabSections are the keys of the sides of a container and of an image.
func (m *Model) tabSections() []dialogs.Section {
	var panels []tabs.Panel
	for _, t := range m.detail.tabs {
		panels = append(panels, t)
	}
	for _, t := range m.detail.images {
		panels = append(panels, t)
	}
	var out []dialogs.Section
	for _, p := range panels {
		sec := dialogs.Section{Title: p.Name()}
		for _, k := range p.Keys() {
			sec.Rows = append(sec.Rows, dialogs.HelpRow{Keys: k.Keys, Text: k.Text})
		}
		if len(sec.Rows) > 0 {
			out = append(out, sec)
		}
	}
	return out
}
