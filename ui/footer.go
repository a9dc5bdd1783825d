package ui

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/tabs"
	"gantry/ui/widgets"
)

// footer: the keys of what has the focus, most useful first, and at the right
// what was just done. What went wrong has as many lines as it takes.
func (m *Model) footer() []string {
	if text := m.trouble(); text != "" {
		return m.troubleLines(text)
	}
	if l := m.list(m.focus); m.filtering && l != nil {
		return []string{" " + m.styles.Accent.Render("/") + widgets.Fit(l.Filtered()+glyph.Caret+"  words, !not, status:exited; enter keep, esc clear", m.width-2)}
	}
	toast, style := m.shownToast()
	line := m.hintLine(m.hintRoom())
	gap := max(1, m.width-1-lipgloss.Width(line)-widgets.Width(toast))
	return []string{line + strings.Repeat(" ", gap) + style.Render(toast)}
}

// trouble is what must be readable whole and so takes the place of the hints:
// that the engine fails, or a failure that does not fit beside them.
func (m *Model) trouble() string {
	switch {
	case m.state.Err != nil:
		return glyph.Problem + " " + m.state.Err.Error()
	case m.toastBad && widgets.Width(m.toast) > m.toastRoom():
		return m.toast
	}
	return ""
}

// troubleLines are at most three; a dialog leaves room for one.
func (m *Model) troubleLines(text string) []string {
	most := 3
	if len(m.dialogs) > 0 {
		most = 1
	}
	lines := widgets.WrapFit(text, max(1, m.width-2), most)
	for i := range lines {
		lines[i] = " " + m.styles.Bad.Render(lines[i]) + " "
	}
	return lines
}

// toastRoom is what the hints leave to the toast.
func (m *Model) toastRoom() int { return m.width * 2 / 3 }

// shownToast is what the footer says at its right.
func (m *Model) shownToast() (string, lipgloss.Style) {
	toast, style := m.toast, m.styles.OK
	switch {
	case m.busy > 0 && toast == "":
		toast, style = m.underWay(), m.styles.Busy
	case m.toastBad:
		style = m.styles.Bad
	case m.toastMuted:
		style = m.styles.Muted
	}
	return strings.TrimRight(widgets.Fit(toast, min(widgets.Width(toast), m.toastRoom())), " "), style
}

// hintRoom is what the toast leaves to the hints.
func (m *Model) hintRoom() int {
	toast, _ := m.shownToast()
	return m.width - 2 - widgets.Width(toast)
}

func (m *Model) hintLine(room int) string {
	line := ""
	for _, h := range m.shownHints(room) {
		key, text, _ := strings.Cut(h, " ")
		line += " " + m.styles.Key.Render(key) + " " + m.styles.Muted.Render(text) + " "
	}
	return line
}

// shownHints are as many as there is room for, and always the last ones, of
// which the very last goes last: they lead to all others.
func (m *Model) shownHints(room int) []string {
	hints, ways := m.hints()
	first := len(hints) - ways
	left := room
	keep := make([]bool, len(hints))
	try := func(i int) {
		if w := widgets.Width(hints[i]) + 2; w <= left || i == len(hints)-1 {
			left -= w
			keep[i] = true
		}
	}
	for i := len(hints) - 1; i >= first; i-- {
		try(i)
	}
	for i := range first {
		try(i)
	}
	var out []string
	for i, h := range hints {
		if keep[i] {
			out = append(out, h)
		}
	}
	return out
}

// hintAt is the key of the hint in column x of the footer.
func (m *Model) hintAt(x int) string {
	if m.trouble() != "" {
		return ""
	}
	from := 0
	for _, h := range m.shownHints(m.hintRoom()) {
		to := from + widgets.Width(h) + 2
		if x > from && x < to-1 {
			key, _, _ := strings.Cut(h, " ")
			return key
		}
		from = to
	}
	return ""
}

// hints are what can be done now, most useful first; the ways to everything
// else, such as menu and help, stand last. A dialog has its own.
func (m *Model) hints() (hints []string, ways int) {
	if n := len(m.dialogs); n > 0 {
		hints = m.dialogs[n-1].Hints()
		return hints, min(1, len(hints))
	}
	if m.welcoming() {
		return m.welcomeHints(), 1
	}
	if p := m.focused(); p != nil && p.Typing() {
		return typingHints(p), 1
	}
	last := []keys.ID{"back", "menu", "help"}
	if m.list(m.focus) != nil {
		last = []keys.ID{"filter", "menu", "help"}
	}
	most := 7 - len(last) // a line of more is read by nobody
	var out []string
	for a := range m.keys.Effective(m.scope()) {
		if len(out) == most {
			break
		}
		if a.Short != "" && len(a.Keys) > 0 && !slices.Contains(last, a.ID) && m.handlers[a.ID].disabled(m) == "" {
			out = append(out, a.Keys[0]+" "+a.Short)
		}
	}
	for _, id := range last {
		if a, ok := m.keys.Get(id); ok && len(a.Keys) > 0 {
			out = append(out, a.Keys[0]+" "+a.Short)
			ways++
		}
	}
	if l := m.list(m.focus); l != nil {
		ways-- // the filter gives way to what can be done
	}
	return out, ways
}

// typingHints are the keys of what a tab asks for.
func typingHints(p tabs.Panel) []string {
	if a, ok := p.(tabs.Asker); ok {
		if own := a.TypingHints(); own != nil {
			return own
		}
	}
	return []string{"enter keep", "esc cancel"}
}
