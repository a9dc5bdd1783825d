package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/widgets"
)

// filterKey edits the filter of the focused list; rows follow as one types.
func (m *Model) filterKey(key, text string) {
	l := m.list(m.focus)
	if l == nil {
		m.filtering = false
		return
	}
	f := l.Filtered()
	switch key {
	case "enter":
		m.filtering = false
	case "esc", "ctrl+c":
		m.filtering, f = false, ""
	case "backspace":
		if r := []rune(f); len(r) > 0 {
			f = string(r[:len(r)-1])
		}
	case "ctrl+u":
		f = ""
	case "up", "down":
		l.Move(map[string]int{"up": -1, "down": 1}[key])
	default:
		f += widgets.Safe([]byte(text))
	}
	l.Filter(f)
}

// back undoes one step: a search in a tab, an open range, a filter, marks, a zoom, the focus.
func (m *Model) back() {
	l := m.list(m.focus)
	switch p := m.focused(); {
	case p != nil && p.Back():
	case l != nil && l.Ranging():
		l.DropRange()
	case m.clearFilter():
	case l != nil && l.Marks() > 0:
		l.Unmark()
	case m.zoom:
		m.zoom = false
	case l == nil: // out of the detail, to where it came from
		m.focus = m.detail.side
	default:
		m.focus = containersPane
	}
}

// clearFilter takes the filter of the focused list away, if it has one.
func (m *Model) clearFilter() bool {
	l := m.list(m.focus)
	if l == nil || l.Filtered() == "" {
		return false
	}
	l.Filter("")
	return true
}

func (m *Model) copyID() tea.Cmd {
	l := m.list(m.focus)
	if l == nil {
		l = m.list(m.detail.side)
	}
	what := l.CurrentID()
	if name, ok := l.Heading(); ok {
		what = name
	}
	if what == "" {
		return m.say("there is nothing to copy", true)
	}
	return tea.Batch(tea.SetClipboard(what), m.say("copied "+shortID(what), false))
}

func shortID(s string) string {
	s = strings.TrimPrefix(s, "sha256:")
	return s[:min(12, len(s))]
}

// enter opens what the cursor is on: a container in the detail, a heading by
// folding it.
func (m *Model) enter([]engine.ContainerSummary) tea.Cmd {
	if m.focus == containersPane {
		if _, ok := m.containers.Heading(); ok {
			m.containers.Fold()
			return nil
		}
	}
	m.focus = detailPane
	return nil
}

// listPanes are the lists that there are, in the order in which they stand.
func (m *Model) listPanes() []pane {
	if m.jobList.All() > 0 {
		return slices.Clone(listsInOrder)
	}
	return slices.Clone(listsInOrder[:len(listsInOrder)-1])
}

// turnList gives the next list the focus: it stays among them, because in the
// detail the same keys are the tab's.
func (m *Model) turnList(by int) {
	all := m.listPanes()
	i := slices.Index(all, m.focus)
	m.focus = all[(i+by+len(all))%len(all)]
}

// turnFocus gives the next pane the focus, in the order in which they stand.
func (m *Model) turnFocus(by int) {
	all := append(m.listPanes(), detailPane)
	if m.layout().of(sidePane).h > 0 {
		all = append(all, sidePane)
	}
	i := slices.Index(all, m.focus)
	m.focus = all[(i+by+len(all))%len(all)]
}

func (m *Model) noJobs() string {
	if m.jobList.All() == 0 {
		return "there are none"
	}
	return ""
}
