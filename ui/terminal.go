package ui

import (
	"os/exec"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
)

// handedOverMsg tells that the terminal is ours again.
type handedOverMsg struct{ err error }

// shell hands the terminal over to a shell in the container. It is our own
// exec verb in a process of its own: the terminal is put into raw mode and back
// by one piece of code, whoever asks for it.
func (m *Model) shell(cs []engine.ContainerSummary) tea.Cmd {
	const find = `command -v bash >/dev/null 2>&1 && exec bash; exec sh`
	return m.handOver("gantry exec -it "+cs[0].Name+" sh", "exec", "-it", string(cs[0].ID), "sh", "-c", find)
}

func (m *Model) attach(cs []engine.ContainerSummary) tea.Cmd {
	return m.handOver("gantry attach "+cs[0].Name, "attach", string(cs[0].ID))
}

func (m *Model) handOver(command string, args ...string) tea.Cmd {
	if m.opts.Command == nil {
		return m.say("this workbench has no terminal to hand over", true)
	}
	m.history = append(m.history, command)
	return tea.ExecProcess(m.opts.Command(args...), func(err error) tea.Msg {
		if _, ended := err.(*exec.ExitError); ended {
			err = nil // the program's own exit code
		}
		return handedOverMsg{err}
	})
}
