package ui

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
)

// handedOverMsg tells that the terminal is ours again.
type handedOverMsg struct {
	command string
	about   string // the container
	code    int    // the program's
	err     error  // why it could not be run
}

// findShell runs bash where there is one.
const findShell = `command -v bash >/dev/null 2>&1 && exec bash; exec sh`

// shell hands the terminal over to a shell in the container. It is our own
// exec verb in a process of its own: the terminal is put into raw mode and back
// by one piece of code, whoever asks for it.
func (m *Model) shell(c engine.ContainerSummary) tea.Cmd {
	return m.handOver(c, m.line("container.shell", c.Name), "exec", "-it", string(c.ID), "sh", "-c", findShell)
}

// askExec asks for the command; the last one that was run in the container
// comes first.
func (m *Model) askExec(c engine.ContainerSummary) tea.Cmd {
	last := m.execs[c.ID]
	return m.openForm(dialogs.Form{
		Name: "Run a command in it", About: c.Name, Yes: "run",
		Fields: []dialogs.Field{
			{Key: "command", Label: "command", Value: last, Hint: "sh", Take: "sh", Check: checked(split),
				Complete: prefixed(func() []string {
					return append(m.lastExecs(), "sh", "bash", "ps aux", "env", "cat /etc/os-release", "ls -la /", "top")
				})},
			{Key: "user", Label: "user", Hint: "the container's own; NAME or UID:GID"},
			{Key: "workdir", Label: "directory", Hint: "the container's own", Check: checkDir},
		},
		Preview: func(v dialogs.Values) string { return "gantry " + quoteAll(execWords(c.Name, v)) },
		Tag: formTag(func(v dialogs.Values) tea.Cmd {
			return m.exec(c, v)
		}),
	})
}

// lastExecs are the commands that were run in containers.
func (m *Model) lastExecs() []string {
	var out []string
	for _, id := range sortedKeys(m.execs) {
		if !slices.Contains(out, m.execs[id]) {
			out = append(out, m.execs[id])
		}
	}
	return out
}

// execWords are the words of the exec verb. A command that only a shell
// understands is given to one.
func execWords(name string, v dialogs.Values) []string {
	words := []string{"exec", "-it"}
	for _, f := range []struct{ flag, key string }{{"-u", "user"}, {"-w", "workdir"}} {
		if s := v.Text(f.key); s != "" {
			words = append(words, f.flag, s)
		}
	}
	words = append(words, name)
	command := v.Text("command")
	if strings.ContainsAny(command, "|<>;&$*`") {
		return append(words, "sh", "-c", command)
	}
	args, err := split(command)
	if err != nil || len(args) == 0 {
		args = []string{"sh"}
	}
	return append(words, args...)
}

func (m *Model) exec(c engine.ContainerSummary, v dialogs.Values) tea.Cmd {
	if m.execs == nil {
		m.execs = make(map[engine.ID]string)
	}
	if s := v.Text("command"); s != "" {
		m.execs[c.ID] = s
	}
	return m.handOver(c, "gantry "+quoteAll(execWords(c.Name, v)), execWords(string(c.ID), v)...)
}

// execWith takes ":exec CONTAINER COMMAND…".
func execWith(m *Model, args []string) (tea.Cmd, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("want exec CONTAINER COMMAND…")
	}
	cs, err := m.named(args[:1])
	if err != nil {
		return nil, err
	}
	if why := unfrozen(cs[0]); why != "" {
		return nil, fmt.Errorf("%s: %s", cs[0].Name, why)
	}
	if len(args) == 1 {
		return m.askExec(cs[0]), nil
	}
	return m.exec(cs[0], dialogs.Values{"command": {quoteAll(args[1:])}}), nil
}

// askAttach says first how one gets away again.
func (m *Model) askAttach(c engine.ContainerSummary) tea.Cmd {
	keys := m.opts.DetachKeys
	if keys == "" {
		keys = "ctrl-p,ctrl-q"
	}
	command := m.line("container.attach", c.Name)
	return m.ask(dialogs.Confirm{
		Name: "Attach", Question: "Attach to " + c.Name + "?", Yes: "attach", Harmless: true, Command: command,
		Objects: []dialogs.Object{{Name: strings.ReplaceAll(keys, ",", "  "), About: "leaves it, and it goes on"}, {Name: "ctrl-c", About: "goes to its program, which may end of it"}},
	}, func() tea.Cmd { return m.handOver(c, command, "attach", string(c.ID)) })
}

func (m *Model) handOver(c engine.ContainerSummary, command string, args ...string) tea.Cmd {
	if m.opts.Command == nil {
		return m.say("this workbench has no terminal to hand over", true)
	}
	return tea.ExecProcess(m.opts.Command(args...), func(err error) tea.Msg {
		msg := handedOverMsg{command: command, about: c.Name, err: err}
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			msg.code, msg.err = ended.ExitCode(), nil // the program's own exit code
		}
		return msg
	})
}

// handedBack tells what cannot be seen any more: why a program did not run at
// all. How one ended that ran, its user has seen.
func (m *Model) handedBack(msg handedOverMsg) tea.Cmd {
	m.record(msg.command, msg.err == nil && msg.code < 125)
	switch {
	case msg.err != nil:
		return m.fail(&engine.OpError{Op: "hand the terminal to", Kind: "container", ID: msg.about, Err: msg.err, Hint: "run it in another terminal: " + msg.command})
	case msg.code == 126 || msg.code == 127:
		return m.fail(&engine.OpError{Op: "run a program in", Kind: "container", ID: msg.about, Err: engine.ErrCommandNotFound,
			Hint: "the image may have no shell and no such program; another one may be there to run"})
	case msg.code > 0:
		return m.say(fmt.Sprintf("it ended with code %d", msg.code), msg.code == 125)
	}
	return nil
}
