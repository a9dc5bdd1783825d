package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/tabs"
	"gantry/ui/widgets"
)

// wheelLines is how far one notch of a wheel scrolls.
const wheelLines = 3

// doubleClick is the longest time between its two clicks.
const doubleClick = 400 * time.Millisecond

// splitter is a border that can be dragged.
type splitter int

const (
	noSplitter    splitter = iota
	leftSplitter           // between the lists and the detail
	rightSplitter          // between the detail and the log
	lowerSplitter          // between the containers and what is below them
)

// pointer is what the mouse did last.
type pointer struct {
	off      bool // the terminal keeps the mouse, to select text with it
	at       time.Time
	x, y     int
	dragging splitter
}

// mouse routes what the mouse does to what is under it.
func (m *Model) mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseMotionMsg:
		m.drag(at.X, at.Y)
		return nil
	case tea.MouseReleaseMsg:
		m.pointer.dragging = noSplitter
		return nil
	case tea.MouseClickMsg:
		if at.Button != tea.MouseLeft {
			return nil
		}
		if at.Y == m.height-1 {
			return m.press(m.hintAt(at.X))
		}
	}
	if len(m.dialogs) > 0 {
		return m.dialogMouse(msg)
	}
	if _, wheel := msg.(tea.MouseWheelMsg); wheel {
		return m.wheel(at)
	}
	return m.click(at)
}

// press does what a key does whose name stands on the screen. What names several
// keys at once is none of them.
func (m *Model) press(name string) tea.Cmd {
	if name == "" || strings.ContainsAny(name, "/-") && len(name) > 1 {
		return nil
	}
	text := ""
	if widgets.Width(name) == 1 {
		text = name
	}
	return m.keyNamed(name, text)
}

// click gives the focus to what is under the pointer and selects it there; the
// second of a double click opens it.
func (m *Model) click(at tea.Mouse) tea.Cmd {
	double := m.now().Sub(m.pointer.at) < doubleClick && m.pointer.x == at.X && m.pointer.y == at.Y
	m.pointer.at, m.pointer.x, m.pointer.y = m.now(), at.X, at.Y
	if double { // a third click begins anew
		m.pointer.at = time.Time{}
	}
	l := m.layout()
	if at.Y == 0 { // the counts: what is it that failed?
		m.focus, m.filtering = containersPane, false
		m.containers.OrderBy("state")
		return m.follow()
	}
	if m.pointer.dragging = m.splitterAt(l, at.X, at.Y); m.pointer.dragging != noSplitter && !double {
		return nil
	}
	if l.bar.holds(at.X, at.Y) {
		return m.clickBar(l, at.X-l.bar.x)
	}
	for p, r := range l.panes {
		if r.holds(at.X, at.Y) {
			return m.clickPane(pane(p), r, at, double)
		}
	}
	return nil
}

func (m *Model) clickBar(l layout, x int) tea.Cmd {
	from := 0
	for _, e := range m.hidden(l) {
		to := from + len(e.text) + 2
		if x >= from && x < to {
			m.focus, m.filtering = e.pane, false
			return m.follow()
		}
		from = to
	}
	return nil
}

func (m *Model) clickPane(p pane, r rect, at tea.Mouse, double bool) tea.Cmd {
	if m.focus != p {
		m.filtering = false
	}
	m.focus = p
	x, y := at.X-r.x-1, at.Y-r.y-1
	if list := m.list(p); list != nil {
		return tea.Batch(m.clickList(list, x, y, at.Mod, double), m.follow())
	}
	cmd := m.follow() // tells the panel that it has the focus
	if y < 0 && p == detailPane {
		return tea.Batch(cmd, m.clickTitle(at.X-r.x-3, r.w-6))
	}
	if p == detailPane {
		y -= len(m.why(r))
	}
	if panel, ok := m.focused().(tabs.Pointer); ok && y >= 0 && y < r.inner() {
		click := panel.Click
		if double {
			click = panel.DoubleClick
		}
		_, own := click(x, y)
		return tea.Batch(cmd, own)
	}
	return cmd
}

func (m *Model) clickList(l lister, x, y int, mod tea.KeyMod, double bool) tea.Cmd {
	hit := l.At(x, y)
	if hit.Order != "" {
		l.OrderBy(hit.Order)
		return nil
	}
	if hit.Entry < 0 {
		return nil
	}
	if mod.Contains(tea.ModShift) && !l.Ranging() {
		l.Range()
	}
	l.Click(hit.Entry)
	_, heading := l.Heading()
	switch {
	case mod.Contains(tea.ModShift):
		l.Range()
	case mod.Contains(tea.ModCtrl):
		l.Mark()
	case heading && (double || x < 3): // on its sign
		l.Fold()
	case double:
		return m.press("enter")
	}
	return nil
}

// clickTitle goes to the tab whose name stands in column x of the title.
func (m *Model) clickTitle(x, width int) tea.Cmd {
	about, names := m.titleParts(width)
	from := widgets.Width(about) + 2
	for i, n := range names {
		if to := from + len(n); x >= from-1 && x < to+1 {
			_, at := m.tabNames()
			return tea.Batch(m.turn(i-at), m.follow())
		}
		from += len(n) + 1
	}
	return nil
}

// wheel scrolls what is under the pointer, whatever has the focus.
func (m *Model) wheel(at tea.Mouse) tea.Cmd {
	by := wheelLines
	switch at.Button {
	case tea.MouseWheelUp:
		by = -by
	case tea.MouseWheelDown:
	default:
		return nil
	}
	l := m.layout()
	for p, r := range l.panes {
		if !r.holds(at.X, at.Y) {
			continue
		}
		if list := m.list(pane(p)); list != nil {
			list.Scroll(by)
			return m.follow()
		}
		return m.wheelPanel(pane(p), by)
	}
	return nil
}

// wheelPanel scrolls a panel, one that knows no mouse by moving its cursor.
func (m *Model) wheelPanel(p pane, by int) tea.Cmd {
	panel := m.panelIn(p)
	if panel == nil {
		return nil
	}
	if own, ok := panel.(tabs.Pointer); ok {
		return own.Wheel(by)
	}
	return panel.Move(func(int) int { return by })
}

// splitterAt finds the border between two panes under the pointer.
func (m *Model) splitterAt(l layout, x, y int) splitter {
	detail, side, lower := l.of(detailPane), l.of(sidePane), l.below()
	between := func(r rect) bool { // the two borders that meet
		return r.h > 0 && r.x > 0 && (x == r.x || x == r.x-1) && y > r.y && y < r.y+r.h-1
	}
	switch {
	case between(side):
		return rightSplitter
	case between(detail):
		return leftSplitter
	case l.of(containersPane).h > 0 && lower.h > 0 && y == lower.y-1 && x >= lower.x && x < lower.x+lower.w:
		return lowerSplitter
	}
	return noSplitter
}

// drag moves the splitter that is held. It stays there until the workbench is
// left.
func (m *Model) drag(x, y int) {
	l := m.layout()
	switch m.pointer.dragging {
	case leftSplitter:
		m.split.left = max(1, x+1)
	case rightSplitter:
		m.split.right = max(1, m.width-x)
	case lowerSplitter:
		r := l.below()
		m.split.lower = max(1, r.y+r.h-y-1)
	default:
		return
	}
	m.place()
}

// toggleMouse leaves the mouse to the terminal, which then selects text, or
// takes it back.
func (m *Model) toggleMouse() tea.Cmd {
	m.pointer.off = !m.pointer.off
	if m.pointer.off {
		return m.say("the mouse is the terminal's: it selects text", false)
	}
	return m.say("the mouse works here", false)
}
