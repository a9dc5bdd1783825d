package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/docker/go-units"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/glyph"
)

// doneMsg tells how an operation on some objects went.
type doneMsg struct {
	past    string // "stopped"
	command string // the equivalent command
	names   []string
	errs    []error
	took    time.Duration
}

// do runs an operation on objects one after another, outside Update. A failure
// of one does not keep the others from theirs.
func (m *Model) do(past, command string, names []string, op func(ctx context.Context, i int) error) tea.Cmd {
	m.busy++
	ctx, now := m.ctx, m.now
	return func() tea.Msg {
		d := doneMsg{past: past, command: command}
		begun := now()
		for i, name := range names {
			if err := op(ctx, i); err != nil && !errors.Is(err, engine.ErrNotModified) {
				d.errs = append(d.errs, err)
				continue
			}
			d.names = append(d.names, name)
		}
		d.took = now().Sub(begun)
		return d
	}
}

// done shows how an operation went: a line that leaves by itself, or a dialog
// that waits to be read.
func (m *Model) done(d doneMsg) tea.Cmd {
	m.busy--
	m.history = append(m.history, d.command)
	if len(d.errs) > 0 {
		m.fail(errors.Join(d.errs...), d)
	}
	if len(d.names) == 0 {
		return nil
	}
	what := d.names[0]
	if len(d.names) > 1 {
		what = fmt.Sprintf("%d of %d", len(d.names), len(d.names)+len(d.errs))
	}
	return m.say(fmt.Sprintf(glyph.Done+" %s %s (%.1f s)", d.past, what, d.took.Seconds()), false)
}

// fail opens the error dialog: what failed, why, and what to do next.
func (m *Model) fail(err error, d doneMsg) {
	msg := dialogs.Message{Name: "That did not work", Bad: true}
	for i, e := range apart(err) {
		text, hint := m.explain(e)
		if i > 0 {
			msg.Text += "\n"
		}
		msg.Text += text
		if msg.Hint == "" {
			msg.Hint = hint
		}
	}
	if len(d.names) > 0 {
		msg.Text += fmt.Sprintf("\n\n%d others were %s.", len(d.names), d.past)
	}
	m.open(msg)
}

// apart takes errors that were joined apart again.
func apart(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// explain is the innermost account of a failure, which says most about it,
// with the container's name in the place of its ID.
func (m *Model) explain(err error) (text, hint string) {
	var op, last *engine.OpError
	for e := err; errors.As(e, &op); e = op.Err {
		last = op
	}
	if last == nil {
		return err.Error(), ""
	}
	named := *last
	named.ID = m.nameOf(last.ID)
	return named.Error(), last.Hint
}

// toastMsg takes a toast away.
type toastMsg struct{ gen int }

// say shows a line in the footer for a few seconds.
func (m *Model) say(text string, bad bool) tea.Cmd {
	m.toast, m.toastBad = text, bad
	m.toastGen++
	gen := m.toastGen
	return tea.Tick(4*time.Second, func(time.Time) tea.Msg { return toastMsg{gen} })
}

// open puts a dialog on top.
func (m *Model) open(d dialogs.Dialog) { m.dialogs = append(m.dialogs, d) }

// ask opens a question; its tag is the command that a yes runs.
func (m *Model) ask(question, yes, note string, objects []string, then func() tea.Cmd) tea.Cmd {
	m.open(dialogs.Confirm{Tag: thenTag(then), Question: question, Objects: objects, Note: note, Yes: yes})
	return nil
}

type (
	thenTag func() tea.Cmd                // of a question
	formTag func(values []string) tea.Cmd // of an Input
	jobTag  struct{ id engine.ID }        // of a Progress
	sizeMsg struct {                      // what a removal brings back
		cs    []engine.ContainerSummary
		bytes int64
	}
	pruneMsg struct {
		images bool
		report engine.PruneReport
		err    error
	}
)

func containerNames(cs []engine.ContainerSummary) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Name
	}
	return out
}

// each makes an operation of a call per container.
func (m *Model) each(past, verb string, cs []engine.ContainerSummary, call func(ctx context.Context, id string) error) tea.Cmd {
	names := containerNames(cs)
	return m.do(past, "gantry "+verb+" "+strings.Join(names, " "), names, func(ctx context.Context, i int) error {
		return call(ctx, string(cs[i].ID))
	})
}

func (m *Model) start(cs []engine.ContainerSummary) tea.Cmd {
	return m.each("started", "start", cs, m.eng.Containers().Start)
}

func (m *Model) askStop(cs []engine.ContainerSummary) tea.Cmd {
	stop := func() tea.Cmd {
		return m.each("stopped", "stop", cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Stop(ctx, id, engine.StopOptions{})
		})
	}
	if slices.Contains(m.opts.ActAtOnce, "stop") {
		return stop()
	}
	return m.ask(question("Stop", cs), "stop", "They get their stop signal, and are killed after their timeout.", containerNames(cs), stop)
}

func (m *Model) askRestart(cs []engine.ContainerSummary) tea.Cmd {
	restart := func() tea.Cmd {
		return m.each("restarted", "restart", cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Restart(ctx, id, engine.StopOptions{})
		})
	}
	if slices.Contains(m.opts.ActAtOnce, "restart") {
		return restart()
	}
	return m.ask(question("Restart", cs), "restart", "", containerNames(cs), restart)
}

func (m *Model) askKill(cs []engine.ContainerSummary) tea.Cmd {
	return m.ask(question("Kill", cs), "kill", "SIGKILL: their programs can save nothing.", containerNames(cs), func() tea.Cmd {
		return m.each("killed", "kill", cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Kill(ctx, id, "KILL")
		})
	})
}

// pause freezes running containers and lets frozen ones run again.
func (m *Model) pause(cs []engine.ContainerSummary) tea.Cmd {
	if cs[0].Status.Paused {
		return m.each("unpaused", "unpause", cs, m.eng.Containers().Unpause)
	}
	return m.each("paused", "pause", cs, m.eng.Containers().Pause)
}

// askRemove first finds out what comes back.
func (m *Model) askRemove(cs []engine.ContainerSummary) tea.Cmd {
	ctx, eng := m.ctx, m.eng
	return func() tea.Msg {
		ids := make([]string, len(cs))
		for i, c := range cs {
			ids[i] = string(c.ID)
		}
		msg := sizeMsg{cs: cs}
		list, err := eng.Containers().List(ctx, engine.ListOptions{All: true, Size: true, Filters: engine.Filters{"id": ids}})
		if err != nil {
			msg.bytes = -1
		}
		for _, c := range list.Items {
			msg.bytes += c.SizeRw
		}
		return msg
	}
}

func (m *Model) askRemoveSized(s sizeMsg) tea.Cmd {
	objects, force := make([]string, len(s.cs)), ""
	for i, c := range s.cs {
		_, word, _ := m.styles.Status(c.Status)
		objects[i] = c.Name + "  (" + word + ")"
		if c.Status.Running {
			force = " Running ones are killed first."
		}
	}
	note := "Their own files and logs go." + force
	if s.bytes >= 0 {
		note = fmt.Sprintf("%s come back: their own files and logs go.%s", units.HumanSize(float64(s.bytes)), force)
	}
	return m.ask(question("Remove", s.cs), "remove", note, objects, func() tea.Cmd {
		m.containers.Unmark()
		return m.each("removed", "rm -f", s.cs, func(ctx context.Context, id string) error {
			return m.eng.Containers().Remove(ctx, id, engine.RemoveOptions{Force: true})
		})
	})
}

func question(verb string, cs []engine.ContainerSummary) string {
	if len(cs) == 1 {
		return verb + " " + cs[0].Name + "?"
	}
	return fmt.Sprintf("%s %d containers?", verb, len(cs))
}

func (m *Model) askRename(cs []engine.ContainerSummary) tea.Cmd {
	c := cs[0]
	m.open(dialogs.Input{
		Name: "Rename " + c.Name, Yes: "rename", Fields: []dialogs.Field{{Label: "name", Value: c.Name}},
		Preview: func(v []string) string { return "gantry rename " + c.Name + " " + v[0] },
		Check:   func(v []string) string { return errText(engine.CheckName(v[0])) },
		Tag: formTag(func(v []string) tea.Cmd {
			return m.do("renamed", "gantry rename "+c.Name+" "+v[0], []string{v[0]}, func(ctx context.Context, _ int) error {
				return m.eng.Containers().Rename(ctx, string(c.ID), v[0])
			})
		}),
	})
	return nil
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// findPrune asks the engine what a prune would remove.
func (m *Model) findPrune(images bool) tea.Cmd {
	ctx, eng := m.ctx, m.eng
	return func() tea.Msg {
		msg := pruneMsg{images: images}
		if images {
			msg.report, msg.err = eng.Images().Prune(ctx, engine.PruneOptions{All: true, DryRun: true})
		} else {
			msg.report, msg.err = eng.Containers().Prune(ctx, engine.PruneOptions{DryRun: true})
		}
		return msg
	}
}

func (m *Model) askPruneContainers() tea.Cmd { return m.findPrune(false) }
func (m *Model) askPruneImages() tea.Cmd     { return m.findPrune(true) }

// askPrune names each object that would go and the bytes that come back.
func (m *Model) askPrune(p pruneMsg) tea.Cmd {
	if p.err != nil {
		m.fail(p.err, doneMsg{})
		return nil
	}
	if len(p.report.Deleted) == 0 {
		return m.say("nothing to prune", false)
	}
	objects := make([]string, 0, len(p.report.Deleted))
	for _, id := range p.report.Deleted {
		objects = append(objects, m.nameOf(id))
	}
	what, command := "containers that do not run", "gantry container prune -f"
	if p.images {
		what, command = "images that no container uses", "gantry image prune -a -f"
	}
	note := units.HumanSize(float64(p.report.Reclaimed)) + " come back."
	return m.ask("Remove all "+what+"?", "remove", note, objects, func() tea.Cmd {
		return m.do("pruned", command, []string{what}, func(ctx context.Context, _ int) error {
			if p.images {
				_, err := m.eng.Images().Prune(ctx, engine.PruneOptions{All: true})
				return err
			}
			_, err := m.eng.Containers().Prune(ctx, engine.PruneOptions{})
			return err
		})
	})
}

// nameOf is the name of a container by its ID; other words stay.
func (m *Model) nameOf(id string) string {
	for _, c := range m.state.Containers {
		if string(c.ID) == id {
			return c.Name
		}
	}
	return id
}
