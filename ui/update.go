package ui

import (
	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/themes"
	"gantry/ui/feed"
	"gantry/ui/styles"
)

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.styles = styles.New(themes.For(msg.IsDark()))
	case infoMsg:
		if msg.err == nil {
			m.info = msg.info
		}
	case stateMsg:
		m.accept(msg.State)
		return m, tea.Batch(m.nextState(), m.follow())
	case settledMsg:
		if msg.gen == m.log.gen {
			return m, m.openLog()
		}
	case logMsg:
		if msg.gen == m.log.gen && m.log.feed != nil {
			m.acceptLines()
			return m, nextLog(m.ctx, m.log.feed, msg.gen)
		}
	case ageMsg:
		return m, ageTick()
	case tea.KeyPressMsg:
		return m.key(msg)
	}
	return m, nil
}

// accept takes a new state of the lists. The cursor stays on what it was on.
func (m *Model) accept(s feed.State) {
	if s.Err != nil {
		m.state.Err = s.Err
		return
	}
	m.state, m.loaded = s, true
	m.containers.cursor = place(m.containers.cursor, len(s.Containers), func(i int) bool { return s.Containers[i].ID == m.chosen })
	m.images.cursor = place(m.images.cursor, len(s.Images), func(i int) bool { return string(s.Images[i].ID) == m.chosenImg })
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
	if i := m.containers.cursor; i < len(m.state.Containers) {
		m.chosen = m.state.Containers[i].ID
	}
	if i := m.images.cursor; i < len(m.state.Images) {
		m.chosenImg = string(m.state.Images[i].ID)
	}
}

// acceptLines keeps a log that is scrolled back where it is while new lines
// arrive below.
func (m *Model) acceptLines() {
	total, kept, _, _ := m.log.feed.Status()
	if m.log.below > 0 {
		m.log.below = min(m.log.below+total-m.log.seen, max(0, kept-1))
	}
	m.log.seen = total
}

func (m *Model) key(msg tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	key := msg.String()
	if m.help && key != "ctrl+c" {
		m.help = false
		return m, nil
	}
	switch key {
	case "q", "ctrl+c":
		return m, tea.Quit
	case "ctrl+z":
		return m, tea.Suspend
	case "?":
		m.help = true
	case "1":
		m.focus = containersPane
	case "2":
		m.focus = imagesPane
	case "tab", "l", "right":
		m.focus = (m.focus + 1) % panes
	case "shift+tab", "h", "left":
		m.focus = (m.focus + panes - 1) % panes
	case "enter", "m":
		if m.focus == containersPane {
			m.focus, m.zoom = logPane, key == "m"
		}
	case "+":
		m.zoom = true
	case "_":
		m.zoom = false
	case "esc":
		if m.zoom {
			m.zoom = false
		} else {
			m.focus = containersPane
		}
	default:
		return m, m.move(key)
	}
	return m, nil
}

// move scrolls what has the focus.
func (m *Model) move(key string) tea.Cmd {
	page := max(1, m.layout().of(m.focus).inner()-1)
	step := map[string]int{
		"j": 1, "down": 1, "k": -1, "up": -1, "pgdown": page, "pgup": -page, "ctrl+d": page / 2, "ctrl+u": -page / 2,
		"g": -1 << 30, "home": -1 << 30, "G": 1 << 30, "end": 1 << 30,
	}[key]
	if m.focus == logPane {
		m.scrollLog(key, step)
		return nil
	}
	if step == 0 {
		return nil
	}
	l, n := &m.containers, len(m.state.Containers)
	if m.focus == imagesPane {
		l, n = &m.images, len(m.state.Images)
	}
	l.cursor = max(0, min(l.cursor+step, n-1))
	m.choose()
	return m.follow()
}

func (m *Model) scrollLog(key string, step int) {
	if m.log.feed == nil {
		return
	}
	_, kept, _, _ := m.log.feed.Status()
	room := m.layout().of(logPane).inner()
	switch {
	case key == "f" && m.log.below == 0:
		m.log.below = min(1, max(0, kept-room)) // stop following
	case key == "f":
		m.log.below = 0
	default:
		m.log.below = max(0, min(m.log.below-step, kept-room))
	}
}

// current is the container whose log is shown.
func (m *Model) current() (engine.ContainerSummary, bool) {
	for _, c := range m.state.Containers {
		if c.ID == m.log.id {
			return c, true
		}
	}
	return engine.ContainerSummary{}, false
}
