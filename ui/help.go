package ui

import (
	"slices"
	"strings"

	"gantry/ui/dialogs"
	"gantry/ui/keys"
)

// scopeTitle is a scope as the help calls it.
type scopeTitle struct {
	scope keys.Scope
	title string
}

// scopeTitles are all of them, lists first.
func scopeTitles() []scopeTitle {
	return []scopeTitle{
		{keys.Containers, "Containers"}, {keys.Images, "Images"}, {keys.Volumes, "Volumes"}, {keys.Networks, "Networks"}, {keys.Jobs, "Jobs"}, {keys.Lists, "Every list"},
		{keys.Log, "Log"}, {keys.Stats, "Stats"}, {keys.Tree, "Inspect, Config"}, {keys.Env, "Env"}, {keys.Mounts, "Mounts"},
		{keys.Network, "Network of a container"}, {keys.Files, "Files"}, {keys.Users, "Containers of a volume"}, {keys.Endpoints, "Containers of a network"},
		{keys.Processes, "Processes"}, {keys.Events, "Events"}, {keys.History, "History"}, {keys.Table, "Every tab of rows"},
		{keys.Detail, "Every tab"}, {keys.Global, "Everywhere"}, {keys.Move, "Moving"}, {keys.Welcome, "While there is nothing"},
	}
}

func titleOf(s keys.Scope) string {
	for _, n := range scopeTitles() {
		if n.scope == s {
			return n.title
		}
	}
	return string(s)
}

// openHelp lists all keys as they are set.
func (m *Model) openHelp() {
	m.open(dialogs.Help{Name: "Keys", Sections: m.helpSections()})
}

// helpSections are the scopes: those that are in effect stand first.
func (m *Model) helpSections() []dialogs.Section {
	names := scopeTitles()
	for i, scope := range m.scope().Within() {
		if at := slices.IndexFunc(names, func(n scopeTitle) bool { return n.scope == scope }); at > i {
			n := names[at]
			names = slices.Insert(slices.Delete(names, at, at+1), i, n)
		}
	}
	var out []dialogs.Section
	for _, n := range names {
		sec := dialogs.Section{Title: n.title}
		for _, a := range m.keys.In(n.scope) {
			row := dialogs.HelpRow{Keys: strings.Join(a.Keys, " "), Text: a.Name()}
			if len(a.Keys) == 0 && a.Word != "" {
				row.Keys = ":" + a.Word
			}
			if a.Asks {
				row.Note = "asks"
			}
			sec.Rows = append(sec.Rows, row)
		}
		if len(sec.Rows) > 0 {
			out = append(out, sec)
		}
	}
	return out
}
