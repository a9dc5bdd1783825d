package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/dialogs"
)

// The tags of dialogs are what the root does with their results.
type (
	thenTag    func() tea.Cmd                           // of a question: what a yes does
	formTag    func(v dialogs.Values) tea.Cmd           // of a form
	pickTag    func(m *Model, i int) tea.Cmd            // of a choice
	sheetTag   func(on []bool) tea.Cmd                  // of a sheet
	resultTag  func(m *Model, r dialogs.Result) tea.Cmd // of what has several ways on
	suggestMsg struct {                                 // words for a field of a form
		form  *dialogs.Form
		field int
		typed string
		words []string
	}
)

// open puts a dialog on top.
func (m *Model) open(d dialogs.Dialog) { m.dialogs = append(m.dialogs, d) }

// openForm opens a form and begins to look up what it wants to know.
func (m *Model) openForm(f dialogs.Form) tea.Cmd {
	m.open(dialogs.NewForm(f))
	return m.lookUp()
}

// ask opens a question; then is what a yes does.
func (m *Model) ask(c dialogs.Confirm, then func() tea.Cmd) tea.Cmd {
	c.Tag = thenTag(then)
	m.open(c)
	return nil
}

// page is the size of what dialogs are drawn over: all but the footer.
func (m *Model) page() (width, height int) { return m.width, m.height - 1 }

// dialogKey gives a key to the dialog on top and acts on what comes of it.
func (m *Model) dialogKey(key, text string) tea.Cmd {
	w, h := m.page()
	top := len(m.dialogs) - 1
	before := m.dialogs[top]
	next, result := dialogs.Press(before, w, h, key, text)
	if next == nil {
		m.dialogs = m.dialogs[:top]
	} else {
		m.dialogs[top] = next
	}
	cmd := m.lookUp()
	if result.Copy != "" {
		return tea.Batch(cmd, tea.SetClipboard(result.Copy), m.say("copied", false))
	}
	if result.Tag == nil {
		return cmd
	}
	if sheet, ok := before.(dialogs.Sheet); ok && result.OK {
		return result.Tag.(sheetTag)(sheet.On())
	}
	return tea.Batch(cmd, m.came(result))
}

// came acts on the result of a dialog.
func (m *Model) came(r dialogs.Result) tea.Cmd {
	switch tag := r.Tag.(type) {
	case resultTag:
		return tag(m, r)
	case jobTag:
		if !r.OK {
			return m.cancelJob(tag.id)
		}
	case thenTag:
		if r.OK {
			return tag()
		}
	case formTag:
		if r.OK {
			return tag(r.Values)
		}
	case pickTag:
		if r.OK {
			return tag(m, r.Pick)
		}
	}
	return nil
}

// lookUp asks for what the form or the palette on top wants to know, outside of
// Update.
func (m *Model) lookUp() tea.Cmd {
	if len(m.dialogs) == 0 {
		return nil
	}
	top := len(m.dialogs) - 1
	if p, ok := m.dialogs[top].(dialogs.Palette); ok {
		return m.lookUpWords(top, p)
	}
	f, ok := m.dialogs[top].(*dialogs.Form)
	if !ok {
		return nil
	}
	var cmds []tea.Cmd
	if field, typed, look := f.Ask(); look != nil {
		cmds = append(cmds, func() tea.Msg { return suggestMsg{f, field, typed, look(typed)} })
	}
	if ask := f.Follows(); ask != nil {
		cmds = append(cmds, func() tea.Msg {
			change := ask()
			return changeMsg(func(*Model) tea.Cmd { change(f); return nil })
		})
	}
	return tea.Batch(cmds...)
}

// lookUpWords does so for the palette.
func (m *Model) lookUpWords(at int, p dialogs.Palette) tea.Cmd {
	p, line, look := p.Ask()
	m.dialogs[at] = p
	if look == nil {
		return nil
	}
	return func() tea.Msg {
		words := look()
		return changeMsg(func(m *Model) tea.Cmd {
			for i, d := range m.dialogs {
				if p, ok := d.(dialogs.Palette); ok {
					m.dialogs[i] = p.Suggest(line, words)
				}
			}
			return nil
		})
	}
}

// dialogPaste gives pasted text to the dialog on top.
func (m *Model) dialogPaste(text string) tea.Cmd {
	top := len(m.dialogs) - 1
	if p, ok := m.dialogs[top].(dialogs.Paster); ok {
		m.dialogs[top] = p.Paste(text)
	}
	return m.lookUp()
}

// dialogMouse takes a click, which is a press of what it hits, or the wheel.
func (m *Model) dialogMouse(msg tea.MouseMsg) tea.Cmd {
	w, h := m.page()
	mouse := msg.Mouse()
	switch msg.(type) {
	case tea.MouseClickMsg:
		if key, _ := dialogs.Hit(w, h, m.dialogs[len(m.dialogs)-1], m.styles, mouse.X, mouse.Y); key != "" && mouse.Button == tea.MouseLeft {
			return m.dialogKey(key, "")
		}
	case tea.MouseWheelMsg:
		switch mouse.Button {
		case tea.MouseWheelUp:
			return m.dialogKey("up", "")
		case tea.MouseWheelDown:
			return m.dialogKey("down", "")
		}
	}
	return nil
}

// overlayMsg takes the messages of dialogs and of work.
func (m *Model) overlayMsg(msg tea.Msg) (handled bool, cmd tea.Cmd) {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		if len(m.dialogs) == 0 {
			return false, nil
		}
		return true, m.dialogPaste(msg.Content)
	case suggestMsg:
		msg.form.Suggest(msg.field, msg.typed, msg.words)
	case changeMsg:
		return true, msg(m)
	case taskMsg:
		return true, m.taskDone(msg)
	case lateMsg:
		m.workLate(msg.id)
	case toastMsg:
		if msg.gen == m.toastGen {
			m.toast = ""
		}
	case jobMsg:
		return true, m.jobChanged(msg.id)
	case handedOverMsg:
		return true, m.handedBack(msg)
	default:
		return false, nil
	}
	return true, nil
}

// changeMsg is what a command that asked the engine something wants done with
// the answer.
type changeMsg func(m *Model) tea.Cmd

// sumNames is one name, or how many there are of what.
func sumNames(names []string, what string) string {
	if len(names) == 1 {
		return names[0]
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join([]string{itoa(len(names)), what}, " ")
}
