package ui

import (
	"fmt"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"
)

// panicMsg is a panic of a command, with its stack.
type panicMsg string

// guarded lets a command's panic happen in Update instead. There bubbletea first
// puts the terminal back and then tells; for a command it does both at once,
// and what it tells is lost with the alternate screen.
func guarded(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				msg = panicMsg(fmt.Sprintf("%v\n\n%s", r, debug.Stack()))
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i := range batch {
				batch[i] = guarded(batch[i])
			}
		}
		return msg
	}
}
