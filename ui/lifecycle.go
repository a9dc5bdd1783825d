package ui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/keys"
	"gantry/ui/tabs"
	"gantry/ui/widgets"
)

func containerNames(cs []engine.ContainerSummary) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Name
	}
	return out
}

// line is the command line of an action on some objects.
func (m *Model) line(id keys.ID, objects ...string) string {
	a, _ := m.keys.Get(id)
	return a.Line(objects...)
}

// each makes an operation of a call per container.
func (m *Model) each(name, past, command string, cs []engine.ContainerSummary, call func(ctx context.Context, id string) error) operation {
	return operation{name: name, past: past, command: command, objects: containerNames(cs),
		one: func(ctx context.Context, i int) (string, error) { return "", call(ctx, string(cs[i].ID)) }}
}

// containerObjects are containers as a question names them: with their state.
func (m *Model) containerObjects(cs []engine.ContainerSummary) []dialogs.Object {
	out := make([]dialogs.Object, len(cs))
	for i, c := range cs {
		word := m.stateWord(c)
		since := c.Status.FinishedAt
		if c.Status.Running {
			since = c.Status.StartedAt
		}
		if !since.IsZero() {
			word += " " + age(m.now().Sub(since))
		}
		out[i] = dialogs.Object{Name: c.Name, About: word + "  " + c.Image}
	}
	return out
}

// stateWord says in what state a container is, with what it ended.
func (m *Model) stateWord(c engine.ContainerSummary) string {
	_, word, _ := m.styles.Status(c.Status)
	switch {
	case c.Status.Status == engine.Exited && c.Status.OOMKilled:
		return "OOM killed"
	case c.Status.Status == engine.Exited:
		return fmt.Sprintf("exited %d", c.Status.ExitCode)
	}
	return word
}

// question is "Stop db?" or "Stop 3 containers?".
func question(verb string, cs []engine.ContainerSummary) string {
	return verb + " " + sumNames(containerNames(cs), "containers") + "?"
}

func (m *Model) start(cs []engine.ContainerSummary) tea.Cmd {
	return m.do(m.each("Start", "started", m.line("container.start", containerNames(cs)...), cs, m.eng.Containers().Start))
}

func (m *Model) askStop(cs []engine.ContainerSummary) tea.Cmd {
	command := m.line("container.stop", containerNames(cs)...)
	stop := func() tea.Cmd {
		return m.do(m.each("Stop", "stopped", command, cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Stop(ctx, id, engine.StopOptions{})
		}))
	}
	if slices.Contains(m.opts.ActAtOnce, "stop") {
		return stop()
	}
	return m.ask(dialogs.Confirm{
		Name: "Stop", Question: question("Stop", cs), Yes: "stop", Objects: m.containerObjects(cs), Command: command,
		Note: pick(len(cs), "It gets its stop signal, and is killed when it has not ended after its timeout.", "They get their stop signal, and are killed when they have not ended after their timeout."),
	}, stop)
}

// pick is one when there is one of it, else many.
func pick(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (m *Model) askRestart(cs []engine.ContainerSummary) tea.Cmd {
	command := m.line("container.restart", containerNames(cs)...)
	restart := func() tea.Cmd {
		return m.do(m.each("Restart", "restarted", command, cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Restart(ctx, id, engine.StopOptions{})
		}))
	}
	if slices.Contains(m.opts.ActAtOnce, "restart") {
		return restart()
	}
	return m.ask(dialogs.Confirm{
		Name: "Restart", Question: question("Restart", cs), Yes: "restart", Objects: m.containerObjects(cs), Command: command,
		Note: "What runs gets its stop signal first, and is killed when it has not ended after its timeout.",
	}, restart)
}

// signals are what can be sent, most useful first.
var signals = []dialogs.Item{
	{Text: "TERM", Detail: "ask it to end; it can save what it has"},
	{Text: "KILL", Detail: "end it at once; it can save nothing"},
	{Text: "INT", Detail: "as ctrl+c does"},
	{Text: "HUP", Detail: "many programs read their configuration again"},
	{Text: "QUIT", Detail: "end it; many programs say what they were doing"},
	{Text: "USR1", Detail: "what the program makes of it"},
	{Text: "USR2", Detail: "what the program makes of it"},
	{Text: "STOP", Detail: "freeze its first process only; pausing freezes all"},
	{Text: "CONT", Detail: "let a process that was stopped go on"},
}

func (m *Model) askKill(cs []engine.ContainerSummary) tea.Cmd {
	m.open(dialogs.Pick{
		Name: "Send a signal", About: sumNames(containerNames(cs), "containers"), Items: signals,
		Tag: pickTag(func(m *Model, i int) tea.Cmd { return m.kill(cs, signals[i].Text) }),
	})
	return nil
}

func (m *Model) kill(cs []engine.ContainerSummary, signal string) tea.Cmd {
	command := "gantry kill -s " + signal + " " + strings.Join(containerNames(cs), " ")
	return m.do(m.each("Send "+signal+" to", "sent "+signal+" to", command, cs, func(ctx context.Context, id string) error {
		return m.eng.Containers().Kill(ctx, id, signal)
	}))
}

// askSignal lets a signal be chosen for a single process.
func (m *Model) askSignal(p tabs.SignalProcess) tea.Cmd {
	reach, ok := m.eng.Containers().(engine.ProcessSignaler)
	if !ok {
		return m.say("this engine cannot reach single processes", true)
	}
	pid := strconv.Itoa(p.PID)
	m.open(dialogs.Pick{
		Name: "Send a signal", About: "process " + pid + "  " + p.Command, Items: signals,
		Tag: pickTag(func(m *Model, i int) tea.Cmd {
			signal := signals[i].Text
			return m.do(operation{
				name: "Send " + signal + " to", past: "sent " + signal + " to", command: "kill -" + signal + " " + pid, objects: []string{"process " + pid},
				one: func(ctx context.Context, _ int) (string, error) {
					return "", reach.SignalProcess(ctx, string(p.Container), p.PID, signal)
				},
			})
		}),
	})
	return nil
}

// pause freezes running containers; when all of them are frozen it lets them
// run again.
func (m *Model) pause(cs []engine.ContainerSummary) tea.Cmd {
	var free []engine.ContainerSummary
	for _, c := range cs {
		if !c.Status.Paused {
			free = append(free, c)
		}
	}
	if len(free) == 0 {
		return m.do(m.each("Unpause", "unpaused", "gantry unpause "+strings.Join(containerNames(cs), " "), cs, m.eng.Containers().Unpause))
	}
	return m.do(m.each("Pause", "paused", m.line("container.pause", containerNames(free)...), free, m.eng.Containers().Pause))
}

// askRemove first finds out what comes back.
func (m *Model) askRemove(cs []engine.ContainerSummary) tea.Cmd {
	ids := make([]string, len(cs))
	for i, c := range cs {
		ids[i] = string(c.ID)
	}
	return m.inquire("Measure", sumNames(containerNames(cs), "containers"), func(ctx context.Context) func(*Model) tea.Cmd {
		list, err := m.eng.Containers().List(ctx, engine.ListOptions{All: true, Size: true, Filters: engine.Filters{"id": ids}})
		sizes := make(map[engine.ID]int64)
		for _, c := range list.Items {
			sizes[c.ID] = c.SizeRw
		}
		return func(m *Model) tea.Cmd { return m.askRemoveSized(cs, sizes, err) }
	})
}

// askRemoveSized asks with the bytes; when they are not known it says so.
func (m *Model) askRemoveSized(cs []engine.ContainerSummary, sizes map[engine.ID]int64, err error) tea.Cmd {
	objects := m.containerObjects(cs)
	var sum int64
	live, command := 0, "gantry rm "+strings.Join(containerNames(cs), " ")
	for i, c := range cs {
		if c.Status.Running {
			live++
		}
		sum += sizes[c.ID]
		if err == nil {
			objects[i].About = bytesText(sizes[c.ID]) + "  " + objects[i].About
		}
	}
	d := dialogs.Confirm{Name: "Remove", Question: question("Remove", cs), Yes: "remove", Objects: objects}
	d.Note = bytesText(sum) + pick(len(cs), " come back: its own files and its log go. The image stays.", " come back: their own files and logs go. The images stay.")
	if err != nil {
		d.Note = "Files and logs of their own go. How much comes back cannot be told: " + m.explain(err).why
	}
	if live > 0 {
		command = m.line("container.remove", containerNames(cs)...)
		d.Warn = pick(len(cs), "It runs, and is killed first.", pick(live, "One of them runs, and is killed first.", fmt.Sprintf("%d of them run, and are killed first.", live)))
	}
	d.Command = command
	return m.ask(d, func() tea.Cmd {
		m.containers.Unmark()
		return m.do(m.each("Remove", "removed", command, cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Remove(ctx, id, engine.RemoveOptions{Force: true})
		}))
	})
}

// bytesText is "1.2 GB".
func bytesText(n int64) string { return widgets.Bytes(float64(n)) }

func (m *Model) askRename(c engine.ContainerSummary) tea.Cmd {
	return m.openForm(dialogs.Form{
		Name: "Rename", About: c.Name, Yes: "rename",
		Fields: []dialogs.Field{{Key: "name", Label: "new name", Value: c.Name, Check: func(s string) string {
			if s == c.Name {
				return "that is its name already"
			}
			return errText(engine.CheckName(s))
		}}},
		Preview: func(v dialogs.Values) string { return renameCommand(c.Name, v.Text("name")) },
		Tag:     formTag(func(v dialogs.Values) tea.Cmd { return m.rename(c, v.Text("name")) }),
	})
}

func renameCommand(from, to string) string { return "gantry rename " + from + " " + orWord(to, "NAME") }

func (m *Model) rename(c engine.ContainerSummary, name string) tea.Cmd {
	return m.do(operation{name: "Rename", past: "renamed " + c.Name + " to", command: renameCommand(c.Name, name), objects: []string{name},
		one: func(ctx context.Context, _ int) (string, error) {
			return "", m.eng.Containers().Rename(ctx, string(c.ID), name)
		}})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
