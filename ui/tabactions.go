package ui

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/keys"
	"gantry/ui/tabs"
)

// tabHandlers let tabs do what they say they can.
func tabHandlers() map[keys.ID]handler {
	all := map[keys.ID]handler{
		"log.save": {disabled: (*Model).noLog, run: (*Model).askSaveLog},
		"log.zoom": {disabled: (*Model).noLog, run: func(m *Model) tea.Cmd { m.zoom = !m.zoom; return nil }},
	}
	for _, a := range tabs.Actions() {
		all[a.ID] = inTab(a)
	}
	return all
}

// inTab makes the handler of what a tab does: the one with the focus, or else
// one that is in sight, which then gets the focus.
func inTab(a keys.Action) handler {
	return handler{
		disabled: func(m *Model) string {
			_, b, ok := m.bound(a.ID)
			if !ok {
				return "that tab is not open"
			}
			return b.Why
		},
		run: func(m *Model) tea.Cmd {
			p, b, _ := m.bound(a.ID)
			m.focus = p
			return b.Do()
		},
	}
}

// bound finds the tab in sight that does an action.
func (m *Model) bound(id keys.ID) (pane, tabs.Bound, bool) {
	for _, p := range []pane{m.focus, detailPane, sidePane} {
		panel := m.panelIn(p)
		if panel == nil || p == sidePane && !m.wide() {
			continue
		}
		if b, ok := panel.Bind(id); ok {
			return p, b, true
		}
	}
	return 0, tabs.Bound{}, false
}

// noLog tells why nothing can be done to a log.
func (m *Model) noLog() string {
	if m.scope() != keys.Log {
		return "no log has the focus"
	}
	return ""
}

// motionHandlers move the cursor of what has the focus.
func motionHandlers() map[keys.ID]handler {
	all := make(map[keys.ID]handler)
	for _, motion := range keys.Motions() {
		all[motion.ID] = always(func(m *Model) tea.Cmd {
			if p := m.focused(); p != nil {
				return p.Move(motion.Steps)
			}
			if l := m.list(m.focus); l != nil {
				l.Move(motion.Steps(l.Page()))
			}
			return nil
		})
	}
	return all
}

// elsewhere says what a key that does nothing in a tab does in the list that
// the tab is of: no key of a list acts from there.
func (m *Model) elsewhere(key string) tea.Cmd {
	if m.focused() == nil || key == "enter" { // which would only lead here
		return nil
	}
	back, _ := m.keys.Get("back")
	a, ok := m.keys.Lookup(m.listScope(m.detail.side), key)
	if !ok || len(back.Keys) == 0 {
		return nil
	}
	return m.say(key+" is "+a.Name()+" in the list; "+back.Keys[0]+" goes there", false)
}
