package ui

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/tabs"
)

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		if m.focus == sidePane && !m.wide() {
			m.focus = detailPane
			m.showTab(logTab)
		}
		return m, m.follow()
	case tea.BackgroundColorMsg:
		m.look.dark = msg.IsDark()
		m.styles = m.look.styles()
	case infoMsg:
		if msg.err == nil {
			m.info = msg.info
		}
	case stateMsg:
		m.accept(msg.State)
		return m, tea.Batch(m.nextState(), m.follow(), m.refresh(), m.followJobs(), m.hasten())
	case settledMsg:
		if msg.gen == m.detail.rests {
			return m, tea.Batch(m.openDetail(), m.openSide())
		}
	case ageMsg:
		if msg.gen == m.ages {
			return m, m.grow()
		}
	case tea.KeyPressMsg:
		return m, m.key(msg)
	default:
		return m, m.answered(msg)
	}
	return m, nil
}

// answered takes what operations and jobs say.
func (m *Model) answered(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case doneMsg:
		return m.done(msg)
	case toastMsg:
		if msg.gen == m.toastGen {
			m.toast = ""
		}
	case sizeMsg:
		return m.askRemoveSized(msg)
	case pruneMsg:
		return m.askPrune(msg)
	case jobStartedMsg:
		return m.jobStarted(msg)
	case jobMsg:
		return m.jobChanged(msg.id)
	case handedOverMsg:
		if msg.err != nil {
			m.fail(msg.err, doneMsg{})
		}
	case tabs.Copied:
		return m.say("copied "+msg.What, false)
	default:
		return m.toTabs(msg)
	}
	return nil
}

// accept takes a new state of the lists. The cursor stays on what it was on.
func (m *Model) accept(s feed.State) {
	if s.Err != nil {
		m.state.Err = s.Err
		return
	}
	m.state, m.loaded = s, true
	m.containers.Set(s.Containers)
	m.images.Set(s.Images)
	m.jobList.Set(s.Jobs)
	if m.focus == jobsPane && len(s.Jobs) == 0 {
		m.focus = containersPane
	}
}

// grow shows the ages as they are now.
func (m *Model) grow() tea.Cmd {
	m.containers.Touch()
	m.images.Touch()
	m.jobList.Touch()
	return m.ageTick()
}

// key routes a key: to the dialog on top, the filter, the action that has it,
// and else to what scrolls.
func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	switch {
	case len(m.dialogs) > 0:
		return m.dialogKey(key, msg.Text)
	case m.help:
		m.help = false
		return nil
	case m.filtering:
		m.filterKey(key, msg.Text)
		return m.follow()
	}
	if m.inPanel() {
		if ok, cmd := m.focused().Key(key); ok {
			return cmd
		}
	}
	if a, ok := m.keys.Lookup(m.scope(), key); ok {
		return tea.Batch(m.act(a), m.follow())
	}
	return m.move(key)
}

// dialogKey gives a key to the dialog on top and acts on what comes of it.
func (m *Model) dialogKey(key, text string) tea.Cmd {
	top := len(m.dialogs) - 1
	next, result := m.dialogs[top].Key(key, text)
	if next != nil {
		m.dialogs[top] = next
		return nil
	}
	m.dialogs = m.dialogs[:top]
	if job, ok := result.Tag.(jobTag); ok && !result.OK {
		return m.cancelJob(job.id)
	}
	if !result.OK {
		return nil
	}
	switch tag := result.Tag.(type) {
	case thenTag:
		return tag()
	case formTag:
		return tag(dialogs.Values(result))
	case menuTag:
		return m.act(tag[result.Pick])
	case dialogs.Copy:
		return tea.Batch(tea.SetClipboard(string(tag)), m.say("copied", false))
	}
	return nil
}
