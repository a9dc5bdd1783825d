package ui

import (
	tea "charm.land/bubbletea/v2"

	"gantry/themes"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/styles"
	"gantry/ui/tabs"
	"gantry/ui/widgets"
)

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.place()
	case tea.BackgroundColorMsg:
		if _, chosen := themes.ByName(m.opts.Theme); !chosen {
			m.styles = styles.New(themes.For(msg.IsDark()))
		}
	case infoMsg:
		if msg.err == nil {
			m.info = msg.info
		}
	case stateMsg:
		m.accept(msg.State)
		return m, tea.Batch(m.nextState(), m.follow(), m.refresh())
	case settledMsg:
		if msg.gen == m.detail.rests {
			return m, m.openDetail()
		}
	case ageMsg:
		return m, ageTick()
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
	m.replace()
}

// replace puts the cursors back onto what they were on, after rows changed.
func (m *Model) replace() {
	cs, imgs := m.rows(), m.imageRows()
	m.containers.cursor = place(m.containers.cursor, len(cs), func(i int) bool { return cs[i].ID == m.chosen })
	m.images.cursor = place(m.images.cursor, len(imgs), func(i int) bool { return string(imgs[i].ID) == m.chosenImg })
	m.choose()
}

// place finds the row that was chosen; when it is gone the cursor stays where
// it was.
func place(cursor, n int, is func(int) bool) int {
	for i := range n {
		if is(i) {
			return i
		}
	}
	return max(0, min(cursor, n-1))
}

// choose remembers what is under the cursors.
func (m *Model) choose() {
	m.chosen, m.chosenImg = "", ""
	if rows := m.rows(); m.containers.cursor < len(rows) {
		m.chosen = rows[m.containers.cursor].ID
	}
	if rows := m.imageRows(); m.images.cursor < len(rows) {
		m.chosenImg = string(rows[m.images.cursor].ID)
	}
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
		if ok, cmd := m.detail.open.Key(key); ok {
			return cmd
		}
	}
	if a, ok := m.keys.Lookup(m.scope(), key); ok {
		cmd := m.act(a)
		m.replace()
		return tea.Batch(cmd, m.follow())
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

// filterKey edits the filter of the focused pane; rows follow as one types.
func (m *Model) filterKey(key, text string) {
	f := m.filter[m.focus]
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
	default:
		f += widgets.Safe([]byte(text))
	}
	m.filter[m.focus] = f
	m.replace()
}

// move scrolls what has the focus.
func (m *Model) move(key string) tea.Cmd {
	page := max(1, m.layout().of(m.focus).inner()-1)
	step := map[string]int{
		"j": 1, "down": 1, "k": -1, "up": -1, "pgdown": page, "pgup": -page, "ctrl+d": page / 2, "ctrl+u": -page / 2,
		"g": -1 << 30, "home": -1 << 30, "G": 1 << 30, "end": 1 << 30,
	}[key]
	if m.focus == logPane || step == 0 {
		return nil
	}
	l, n := &m.containers, len(m.rows())
	if m.focus == imagesPane {
		l, n = &m.images, len(m.imageRows())
	}
	l.cursor = max(0, min(l.cursor+step, n-1))
	m.choose()
	return m.follow()
}
