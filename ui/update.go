package ui

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
	"gantry/ui/tabs"
)

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.take(msg)
	m.touch(msg)
	m.wantSamples()
	return m, tea.Batch(cmd, m.wantSizes())
}

// take routes a message to what it is for.
func (m *Model) take(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		if m.focus == sidePane && !m.wide() {
			m.focus = detailPane
			m.showTab(logTab)
		}
		return m.follow()
	case tea.BackgroundColorMsg:
		return m.background(msg.IsDark())
	case infoMsg:
		if msg.err == nil {
			m.info = msg.info
		}
	case stateMsg:
		first := !m.listed
		m.listed = true
		m.accept(msg.State)
		if first { // not before: the lists are what a start waits for
			return tea.Batch(m.nextState(), m.readInfo(), m.follow(), m.hasten())
		}
		return tea.Batch(m.nextState(), m.follow(), m.refresh(), m.followJobs(), m.hasten())
	case settledMsg:
		if msg.gen == m.detail.rests {
			return tea.Batch(m.openDetail(), m.openSide())
		}
	case tickMsg:
		return m.measured(msg)
	case sizeMsg:
		m.measuredVolume(msg)
	case ageMsg:
		if msg.gen == m.ages {
			return m.grow()
		}
	case tea.KeyPressMsg:
		return m.keyNamed(msg.String(), msg.Text)
	case tea.MouseMsg:
		return m.mouse(msg)
	default:
		return m.answered(msg)
	}
	return nil
}

// answered takes what dialogs, work and tabs say.
func (m *Model) answered(msg tea.Msg) tea.Cmd {
	if handled, cmd := m.overlayMsg(msg); handled {
		return cmd
	}
	switch msg := msg.(type) {
	case tabs.Copied:
		return m.say("copied "+msg.What, false)
	case tabs.GoTo:
		m.focus = containersPane
		m.seek(string(msg.Container))
		return m.follow()
	case tabs.CopyOut:
		return m.askCopyOut(msg)
	case tabs.CopyIn:
		return m.askCopyIn(msg)
	case tabs.GoVolume:
		return m.goVolume(msg.Name)
	case tabs.SignalProcess:
		return m.askSignal(msg)
	}
	return m.toTabs(msg)
}

// accept takes a new state of the lists. The cursor stays on what it was on.
func (m *Model) accept(s feed.State) {
	m.state = s
	m.usage = newUsage(s.Containers)
	m.forgetLoads()
	m.forgetSizes()
	m.containers.Set(s.Containers)
	m.sought()
	m.images.Set(s.Images)
	m.volumes.Set(s.Volumes)
	m.networks.Set(s.Networks)
	m.jobList.Set(s.Jobs)
	if m.focus == jobsPane && len(s.Jobs) == 0 {
		m.focus = containersPane
	}
}

// grow shows the ages as they are now.
func (m *Model) grow() tea.Cmd {
	m.containers.Touch()
	m.images.Touch()
	m.volumes.Touch()
	m.jobList.Touch()
	return m.ageTick()
}

// keyNamed routes a key: to the dialog on top, to what is typed, and else to the
// action that has it.
func (m *Model) keyNamed(key, text string) tea.Cmd {
	switch {
	case len(m.dialogs) > 0:
		return m.dialogKey(key, text)
	case m.filtering:
		m.filterKey(key, text)
		return m.follow()
	}
	if m.welcoming() {
		if ok, cmd := m.welcomeKey(key); ok {
			return cmd
		}
	}
	if p := m.focused(); p != nil && p.Typing() && key != "ctrl+c" && key != "ctrl+z" { // which leave whatever one does
		return p.Type(key)
	}
	if a, ok := m.keys.Lookup(m.scope(), key); ok {
		return tea.Batch(m.act(a), m.follow())
	}
	return m.elsewhere(key)
}
