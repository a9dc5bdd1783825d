package ui

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
)

// sight is all that the picture of a pane depends on. Two that are equal look
// the same.
type sight struct {
	at            rect
	version       uint64 // of the list, or of the details
	styles        int
	focused, zoom bool
	have          feed.Kinds
	jobs          uint64 // of the list of jobs, while the detail is about one
}

// memo is the panes as they were drawn last. A frame draws only those that have
// changed: a second's samples touch the containers, a line of a log the detail.
type memo struct {
	seen  [panes]sight
	lines [panes][]string
}

// drawn is the picture of a pane, drawn when it was not yet.
func (m *Model) drawn(p pane, r rect) []string {
	now := sight{at: r, version: m.details, styles: m.restyled, focused: m.focus == p, zoom: m.zoom, have: m.state.Have}
	if l := m.list(p); l != nil {
		now.version = l.Version()
	} else if p == detailPane && m.focus == jobsPane {
		now.jobs = m.jobList.Version() + 1
	}
	if m.memo.lines[p] == nil || m.memo.seen[p] != now {
		m.memo.seen[p], m.memo.lines[p] = now, m.drawPane(p, r)
	}
	return m.memo.lines[p]
}

// touch notes that a message may have changed what the details show. Only what
// is known not to is left out.
func (m *Model) touch(msg tea.Msg) {
	switch msg.(type) {
	case nil, tickMsg, jobMsg, toastMsg:
	default:
		m.details++
	}
}

// restyle draws everything in the styles of the present look.
func (m *Model) restyle() {
	m.styles = m.look.styles()
	m.restyled++
}
