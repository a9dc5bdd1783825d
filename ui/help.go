package ui

import (
	"slices"
	"strings"

	"gantry/ui/dialogs"
	"gantry/ui/keys"
	"gantry/ui/tabs"
)

// scopeTitle is a scope as the help calls it.
type scopeTitle struct {
	scope keys.Scope
	title string
}

// openHelp lists all keys, from the registry and from the tabs.
func (m *Model) openHelp() {
	m.open(dialogs.Help{Name: "Keys", Sections: m.helpSections()})
}

func (m *Model) helpSections() []dialogs.Section {
	names := []scopeTitle{
		{keys.Containers, "Containers"}, {keys.Images, "Images"}, {keys.Jobs, "Jobs"}, {keys.Lists, "Every list"}, {keys.Log, "Log"}, {keys.Detail, "Detail"},
		{keys.Global, "Everywhere"}, {keys.Welcome, "While there is nothing"},
	}
	if at := slices.IndexFunc(names, func(n scopeTitle) bool { return n.scope == m.scope() }); at > 0 { // what has the focus stands first
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
