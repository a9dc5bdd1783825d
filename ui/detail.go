package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/styles"
	"gantry/ui/tabs"
	"gantry/ui/widgets"
)

// detail is the right side of the page: tabs on what the cursor of a list is
// on.
type detail struct {
	side      pane // the list that it belongs to
	tabs      []tabs.Tab
	images    []tabs.ImageTab
	tab       int
	imageTab  int
	open      tabs.Panel // nil: nothing yet
	shown     string     // what open was opened for
	rests     int        // how often the cursor has come to rest somewhere else
	lastState engine.ContainerState
}

func newDetail(m *Model) detail {
	s := func() styles.Styles { return m.styles }
	return detail{
		tabs: []tabs.Tab{
			tabs.NewLog(m.eng, s, m.now), tabs.NewStats(m.eng, s, m.now), tabs.NewInspect(m.eng, s, m.now),
			tabs.NewEnv(m.eng, s, m.now), tabs.NewMounts(m.eng, s, m.now), tabs.NewProcesses(m.eng, s, m.now),
		},
		images: []tabs.ImageTab{tabs.NewImageConfig(m.eng, s, m.now), tabs.NewImageHistory(m.eng, s, m.now)},
	}
}

// panel is the tab that is chosen.
func (m *Model) panel() tabs.Panel {
	if m.detail.side == imagesPane {
		return m.detail.images[m.detail.imageTab]
	}
	return m.detail.tabs[m.detail.tab]
}

// object is what the detail is about; "" when nothing is chosen.
func (m *Model) object() string {
	if m.detail.side == imagesPane {
		return m.chosenImg
	}
	return string(m.chosen)
}

// subject names what the detail should show: tab and object.
func (m *Model) subject() string {
	if m.detail.side == imagesPane {
		return m.panel().Name() + " image " + m.object()
	}
	return m.panel().Name() + " " + m.object()
}

// openDetail shows the chosen tab of the chosen object and stops what was
// shown before: a tab that is not seen costs nothing.
func (m *Model) openDetail() tea.Cmd {
	if m.detail.open != nil {
		m.detail.open.Close()
	}
	m.detail.shown, m.detail.open = m.subject(), m.panel()
	m.place()
	switch {
	case m.object() == "":
		return nil
	case m.detail.side == imagesPane:
		return m.detail.images[m.detail.imageTab].Open(m.ctx, m.chosenImg)
	}
	return m.detail.tabs[m.detail.tab].Open(m.ctx, m.chosen)
}

// place tells the open tab how much room it has.
func (m *Model) place() {
	if m.detail.open == nil {
		return
	}
	r := m.layout().log
	m.detail.open.Place(max(0, r.w-2), r.inner(), m.focus == logPane)
}

// refresh lets the open tab read again when its container has changed.
func (m *Model) refresh() tea.Cmd {
	if m.detail.open == nil || m.detail.side == imagesPane {
		return nil
	}
	for _, c := range m.state.Containers {
		if c.ID == m.chosen && c.Status != m.detail.lastState {
			m.detail.lastState = c.Status
			return m.detail.open.Refresh()
		}
	}
	return nil
}

// toTabs hands a message to the tab that it belongs to.
func (m *Model) toTabs(msg tea.Msg) tea.Cmd {
	for _, t := range m.detail.tabs {
		if ok, cmd := t.Update(msg); ok {
			return cmd
		}
	}
	for _, t := range m.detail.images {
		if ok, cmd := t.Update(msg); ok {
			return cmd
		}
	}
	return nil
}

// turn goes to another tab.
func (m *Model) turn(by int) tea.Cmd {
	if m.detail.side == imagesPane {
		n := len(m.detail.images)
		m.detail.imageTab = (m.detail.imageTab + by + n) % n
		return nil
	}
	n := len(m.detail.tabs)
	m.detail.tab = (m.detail.tab + by + n) % n
	return nil
}

// goTab makes the handler of a key that goes to one tab at once.
func goTab(name string) handler {
	return handler{
		disabled: func(m *Model) string {
			if len(m.state.Containers) == 0 {
				return "there is no container"
			}
			return ""
		},
		run: func(m *Model) tea.Cmd {
			if m.focus == imagesPane {
				m.focus = containersPane
			}
			m.showTab(name)
			return nil
		},
	}
}

// showTab chooses a tab of the containers by its name.
func (m *Model) showTab(name string) {
	m.detail.side = containersPane
	m.detail.tab = max(0, slices.IndexFunc(m.detail.tabs, func(t tabs.Tab) bool { return t.Name() == name }))
}

// tabNames are the names of the tabs there are, and which one is shown.
func (m *Model) tabNames() (names []string, at int) {
	if m.detail.side == imagesPane {
		for _, t := range m.detail.images {
			names = append(names, t.Name())
		}
		return names, m.detail.imageTab
	}
	for _, t := range m.detail.tabs {
		names = append(names, t.Name())
	}
	return names, m.detail.tab
}

// detailTitle is what the detail is about and its tabs; where they do not fit
// the others shrink to their first letters.
func (m *Model) detailTitle(width int) string {
	names, at := m.tabNames()
	about := m.detailSubject()
	if over := widgets.Width(about) + 2 + len(strings.Join(names, "  ")) - width; over > 0 {
		for i := range names {
			if i != at {
				names[i] = names[i][:1]
			}
		}
		if over = widgets.Width(about) + 2 + len(strings.Join(names, "  ")) - width; over > 0 {
			about = strings.TrimRight(widgets.Fit(about, max(4, widgets.Width(about)-over)), " ")
		}
	}
	title := m.styles.Muted.Render(about + " ")
	if m.focus == logPane {
		title = m.styles.FocusTitle.Render(about + " ")
	}
	for i, n := range names {
		if i == at {
			title += m.styles.Muted.Render(" ") + m.styles.Text.Bold(true).Underline(true).Render(n)
		} else {
			title += m.styles.Muted.Render(" " + n)
		}
	}
	return title
}

func (m *Model) detailSubject() string {
	if m.detail.side == imagesPane {
		if img, ok := m.image(); ok {
			return imageName(img)
		}
		return "Image"
	}
	for _, c := range m.state.Containers {
		if c.ID == m.chosen {
			sign, _, _ := m.styles.Status(c.Status)
			return sign + " " + c.Name
		}
	}
	return "Container"
}

// detailPane draws the open tab.
func (m *Model) detailPane(r rect) []string {
	p := m.pane(logPane, r, m.detailTitle(r.w-6), "")
	p.Styled = true
	w, h := p.Inner()
	switch {
	case m.object() == "" && m.detail.side == imagesPane:
		return p.Render(m.empty(w, "No image is chosen.", ""))
	case m.object() == "":
		return p.Render(m.empty(w, "No container is chosen.", ""))
	case m.detail.open != m.panel(): // until the cursor rests
		return p.Render(nil)
	}
	p.Position = m.detail.open.Status()
	return p.Render(m.detail.open.View(w, h))
}

// panelHints are the open tab's keys, for the footer.
func (m *Model) panelHints() []string {
	var out []string
	for _, k := range m.detail.open.Keys() {
		out = append(out, k.Keys+" "+k.Text)
	}
	return out
}

// inPanel tells whether keys belong to the open tab first.
func (m *Model) inPanel() bool { return m.focus == logPane && m.detail.open != nil }

// tabKey gives the open tab one of its own keys, for an action that stands for
// it.
func (m *Model) tabKey(key string) tea.Cmd {
	if m.detail.open == nil {
		return nil
	}
	_, cmd := m.detail.open.Key(key)
	return cmd
}
