package ui

import (
	"fmt"
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
	tab       int
	others    map[pane]*sides // what the other lists have in the place of tabs
	open      tabs.Panel      // nil: nothing yet
	shown     string          // what open was opened for
	rests     int             // how often the cursor has come to rest somewhere else
	lastState engine.ContainerState

	log    *tabs.Log // beside the detail, where the screen is wide
	logged engine.ID // what log was opened for
}

// sides are the tabs of a list other than that of containers.
type sides struct {
	tabs []tabs.ObjectTab
	at   int
}

func (s *sides) open() tabs.ObjectTab { return s.tabs[s.at] }

func newDetail(m *Model) detail {
	s := func() styles.Styles { return m.styles }
	return detail{
		tabs: []tabs.Tab{
			tabs.NewLog(m.eng, s, m.now), tabs.NewStats(m.eng, s, m.now), tabs.NewInspect(m.eng, s, m.now),
			tabs.NewEnv(m.eng, s, m.now), tabs.NewMounts(m.eng, s, m.now), tabs.NewNetwork(m.eng, s, m.now), tabs.NewProcesses(m.eng, s, m.now),
			tabs.NewEvents(m.eng, s, m.now), tabs.NewContainerFiles(m.eng, s, m.now),
		},
		log: tabs.NewLog(m.eng, s, m.now),
		others: map[pane]*sides{
			imagesPane: {tabs: []tabs.ObjectTab{tabs.NewImageConfig(m.eng, s, m.now), tabs.NewImageHistory(m.eng, s, m.now), tabs.NewImageEvents(m.eng, s, m.now), tabs.NewImageFiles(m.eng, s, m.now)}},
			volumesPane: {tabs: []tabs.ObjectTab{
				tabs.NewVolumeFiles(m.eng, s, m.now), tabs.NewVolumeUsers(m.eng, s, m.now), tabs.NewVolumeInspect(m.eng, s, m.now), tabs.NewVolumeEvents(m.eng, s, m.now),
			}},
			networksPane: {tabs: []tabs.ObjectTab{
				tabs.NewEndpoints(m.eng, s, m.now), tabs.NewNetworkInspect(m.eng, s, m.now), tabs.NewNetworkEvents(m.eng, s, m.now),
			}},
		},
	}
}

// panel is the tab that is chosen.
func (m *Model) panel() tabs.Panel {
	if other := m.detail.others[m.detail.side]; other != nil {
		return other.open()
	}
	return m.tab()
}

// tab is the chosen tab of containers. A log that has a column of its own is
// not shown twice.
func (m *Model) tab() tabs.Tab {
	t := m.detail.tabs[m.detail.tab]
	if t.Name() == logTab && m.wide() {
		return m.detail.tabs[m.detail.tab+1]
	}
	return t
}

// logTab is the name of the first tab.
const logTab = "Log"

// wide tells whether the log has a column of its own.
func (m *Model) wide() bool { return m.layout().of(sidePane).h > 0 }

// object is what the detail is about; "" when nothing is chosen.
func (m *Model) object() string {
	return m.list(m.detail.side).CurrentID()
}

// subject names what the detail should show: tab and object.
func (m *Model) subject() string {
	return fmt.Sprint(int(m.detail.side), " ", m.panel().Name(), " ", m.object())
}

// openDetail shows the chosen tab of the chosen object and stops what was
// shown before: a tab that is not seen costs nothing.
func (m *Model) openDetail() tea.Cmd {
	if m.detail.open != nil {
		m.detail.open.Close()
	}
	m.detail.shown, m.detail.open = m.subject(), m.panel()
	m.place()
	if m.object() == "" {
		return nil
	}
	if other := m.detail.others[m.detail.side]; other != nil {
		return other.open().Open(m.ctx, m.object())
	}
	return m.tab().Open(m.ctx, m.chosen())
}

// openSide follows the log of the chosen container beside the detail, or stops
// where there is no room for it.
func (m *Model) openSide() tea.Cmd {
	id := m.chosen()
	if !m.wide() {
		id = ""
	}
	if id == m.detail.logged {
		return nil
	}
	m.detail.logged = id
	m.place()
	if id == "" {
		m.detail.log.Close()
		return nil
	}
	return m.detail.log.Open(m.ctx, id)
}

// place tells the lists and the open tab how much room they have.
func (m *Model) place() {
	l := m.layout()
	for _, p := range listsInOrder {
		if r := l.of(p); r.h > 0 {
			m.list(p).Place(max(0, r.w-2), r.inner())
		}
	}
	if m.detail.open != nil {
		r := l.of(detailPane)
		m.detail.open.Place(max(0, r.w-2), r.inner()-len(m.why(r)), m.focus == detailPane)
	}
	if r := l.of(sidePane); r.h > 0 {
		m.detail.log.Place(max(0, r.w-2), r.inner(), m.focus == sidePane)
	}
}

// refresh lets the open tab read again when its container has changed.
func (m *Model) refresh() tea.Cmd {
	c := m.containers.Current()
	if c == nil || c.Status == m.detail.lastState {
		return nil
	}
	m.detail.lastState = c.Status
	var cmds []tea.Cmd
	if m.detail.open != nil && m.detail.side == containersPane {
		cmds = append(cmds, m.detail.open.Refresh())
	}
	if m.wide() {
		cmds = append(cmds, m.detail.log.Refresh())
	}
	return tea.Batch(cmds...)
}

// toTabs hands a message to the tab that it belongs to.
func (m *Model) toTabs(msg tea.Msg) tea.Cmd {
	for _, t := range m.detail.tabs {
		if ok, cmd := t.Update(msg); ok {
			return cmd
		}
	}
	for _, other := range m.detail.others {
		for _, t := range other.tabs {
			if ok, cmd := t.Update(msg); ok {
				return cmd
			}
		}
	}
	_, cmd := m.detail.log.Update(msg)
	return cmd
}

// turn goes to another tab.
func (m *Model) turn(by int) tea.Cmd {
	if other := m.detail.others[m.detail.side]; other != nil {
		n := len(other.tabs)
		other.at = (other.at + by + n) % n
		return nil
	}
	all := m.tabs()
	i := slices.Index(all, m.tab())
	m.showTab(all[(i+by+len(all))%len(all)].Name())
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
			if m.list(m.focus) != nil {
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
	if other := m.detail.others[m.detail.side]; other != nil {
		for _, t := range other.tabs {
			names = append(names, t.Name())
		}
		return names, other.at
	}
	for i, t := range m.tabs() {
		names = append(names, t.Name())
		if t == m.tab() {
			at = i
		}
	}
	return names, at
}

// tabs are those of containers that have a place.
func (m *Model) tabs() []tabs.Tab {
	if m.wide() && m.detail.tabs[0].Name() == logTab {
		return m.detail.tabs[1:]
	}
	return m.detail.tabs
}

// detailTitle is what the detail is about and its tabs.
func (m *Model) detailTitle(width int) string {
	about, names := m.titleParts(width)
	_, at := m.tabNames()
	title := m.styles.Muted.Render(about + " ")
	if m.focus == detailPane {
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

// titleParts are the pieces of the title as they stand there: where they do not
// fit, tabs shrink to their first letters, those farthest from the one that is
// shown first, and at last the name of the object.
func (m *Model) titleParts(width int) (about string, names []string) {
	names, at := m.tabNames()
	about = m.detailSubject()
	over := widgets.Width(about) + 1 - width
	for _, n := range names {
		over += 1 + len(n)
	}
	for left, right := 0, len(names)-1; over > 0 && left < right; {
		far := right
		if at-left > right-at {
			far = left
			left++
		} else {
			right--
		}
		over -= len(names[far]) - 1
		names[far] = names[far][:1]
	}
	if over > 0 {
		about = strings.TrimRight(widgets.Fit(about, max(4, widgets.Width(about)-over)), " ")
	}
	return about, names
}

func (m *Model) detailSubject() string {
	switch m.detail.side {
	case imagesPane:
		if img, ok := m.image(); ok {
			return imageName(img)
		}
		return "Image"
	case volumesPane:
		if v := m.volumes.Current(); v != nil {
			return volumeName(v)
		}
		return "Volume"
	case networksPane:
		if n := m.networks.Current(); n != nil {
			return n.Name
		}
		return "Network"
	}
	if c := m.containers.Current(); c != nil {
		sign, _, _ := m.styles.Status(c.Status)
		return sign + " " + c.Name
	}
	if name, ok := m.containers.Heading(); ok {
		return name
	}
	return "Container"
}

// detailPane draws the open tab.
func (m *Model) detailPane(r rect) []string {
	if m.focus == jobsPane {
		return m.jobPane(r)
	}
	p := m.pane(detailPane, r, m.detailTitle(r.w-6), "")
	p.Styled = true
	w, h := p.Inner()
	switch {
	case m.object() == "" && m.detail.side != containersPane:
		return p.Render(m.empty(w, "No "+strings.ToLower(m.detailSubject())+" is chosen.", ""))
	case m.object() == "":
		return p.Render(m.nothingChosen(w))
	case m.detail.open != m.panel(): // until the cursor rests
		return p.Render(nil)
	}
	p.Position = m.detail.open.Status()
	why := m.why(r)
	return p.Render(append(why, m.detail.open.View(w, h-len(why))...))
}

// nothingChosen stands in the detail while the cursor is on no container. On
// the heading of a project it says how that does.
func (m *Model) nothingChosen(w int) []string {
	name, ok := m.containers.Heading()
	if !ok {
		return m.empty(w, "No container is chosen.", "")
	}
	running, all := m.running(name)
	return m.empty(w, fmt.Sprintf("%s: %d of %d running.", name, running, all), "Actions here go to all of them; enter folds.")
}

// logColumn draws the log beside the detail.
func (m *Model) logColumn(r rect) []string {
	style := m.styles.Muted
	if m.focus == sidePane {
		style = m.styles.FocusTitle
	}
	p := m.pane(sidePane, r, style.Render(logTab+"  "+m.nameOf(string(m.detail.logged))), "")
	p.Styled = true
	w, h := p.Inner()
	if m.chosen() == "" {
		return p.Render(nil)
	}
	if m.detail.logged != m.chosen() { // until the cursor rests
		return p.Render(nil)
	}
	p.Position = m.detail.log.Status()
	return p.Render(m.detail.log.View(w, h))
}

// focused is the panel that has the focus; nil while a list has it.
func (m *Model) focused() tabs.Panel { return m.panelIn(m.focus) }

// panelIn is the panel that a pane shows; nil where it is a list, or nothing
// yet.
func (m *Model) panelIn(p pane) tabs.Panel {
	switch {
	case p == sidePane:
		return m.detail.log
	case p == detailPane && m.detail.open != nil:
		return m.detail.open
	}
	return nil
}
