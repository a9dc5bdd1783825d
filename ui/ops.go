package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/dialogs"
	"gantry/ui/glyph"
)

// atOnce is how many objects of one piece of work are worked on at the same
// time: stopping twenty containers waits for the slowest, not for the sum.
const atOnce = 6

// late is how long a piece of work on several objects may take before it shows
// what it does.
const late = 300 * time.Millisecond

// operation is something to be done to objects, each on its own.
type operation struct {
	name    string // "Stop"
	past    string // "stopped"
	command string // that does the same
	objects []string
	// one does it to the i-th object. What it returns is shown behind its name.
	one func(ctx context.Context, i int) (string, error)
	// then follows when all of them went well.
	then func() tea.Cmd
	// quiet leaves no trace: nothing was changed.
	quiet bool
}

// work is an operation under way.
type work struct {
	operation
	id     int
	tasks  []dialogs.Task
	errs   []error
	ctx    context.Context
	cancel context.CancelFunc
	begun  time.Time
	next   int // the first task that was not begun
	open   int // tasks under way
}

type (
	taskMsg struct { // a task has ended
		id, i int
		note  string
		err   error
		took  time.Duration
	}
	lateMsg struct{ id int } // work takes long enough to be shown
)

// do begins an operation, outside of Update. A failure of one object does not
// keep the others from theirs.
func (m *Model) do(op operation) tea.Cmd {
	w := &work{operation: op, id: m.lastWork + 1, begun: m.now(), errs: make([]error, len(op.objects))}
	m.lastWork = w.id
	w.ctx, w.cancel = context.WithCancel(m.ctx)
	for _, name := range op.objects {
		w.tasks = append(w.tasks, dialogs.Task{Name: name})
	}
	if m.works == nil {
		m.works = make(map[int]*work)
	}
	m.works[w.id] = w
	m.busy++
	cmds := m.advance(w)
	if len(op.objects) > 1 {
		cmds = append(cmds, tea.Tick(late, func(time.Time) tea.Msg { return lateMsg{w.id} }))
	}
	return tea.Batch(cmds...)
}

// advance begins as many tasks as there may be at once.
func (m *Model) advance(w *work) []tea.Cmd {
	var cmds []tea.Cmd
	for ; w.open < atOnce && w.next < len(w.tasks) && w.ctx.Err() == nil; w.next++ {
		w.open++
		w.tasks[w.next].State = dialogs.TaskRuns
		cmds = append(cmds, m.task(w, w.next))
	}
	return cmds
}

func (m *Model) task(w *work, i int) tea.Cmd {
	now := m.now
	return func() tea.Msg {
		begun := now()
		note, err := w.one(w.ctx, i)
		if errors.Is(err, engine.ErrNotModified) {
			err = nil
		}
		return taskMsg{w.id, i, note, err, now().Sub(begun)}
	}
}

// taskDone takes the end of a task and begins the next, or ends the work.
func (m *Model) taskDone(msg taskMsg) tea.Cmd {
	w := m.works[msg.id]
	if w == nil {
		return nil
	}
	w.open--
	t := &w.tasks[msg.i]
	t.State, t.Took, t.Note = dialogs.TaskDone, msg.took, msg.note
	if msg.err != nil {
		w.errs[msg.i] = msg.err
		a := m.explain(msg.err)
		t.State, t.Why, t.Hint = dialogs.TaskFailed, a.why, a.hint
		if w.ctx.Err() != nil && errors.Is(msg.err, context.Canceled) {
			t.State = dialogs.TaskCancelled
		}
	}
	cmds := m.advance(w)
	if w.open == 0 {
		cmds = append(cmds, m.workDone(w))
	} else {
		m.showTasks(w)
	}
	return tea.Batch(cmds...)
}

// workDone shows how it went: a line that leaves by itself when all went well,
// a dialog that waits to be read when not.
func (m *Model) workDone(w *work) tea.Cmd {
	w.cancel()
	delete(m.works, w.id)
	m.busy--
	for i := range w.tasks {
		if w.tasks[i].State == dialogs.TaskWaits {
			w.tasks[i].State = dialogs.TaskCancelled
		}
	}
	var done []string
	failed := 0
	for _, t := range w.tasks {
		switch t.State {
		case dialogs.TaskDone:
			done = append(done, t.Name)
		case dialogs.TaskFailed:
			failed++
		}
	}
	if w.quiet {
		m.closeWork(w.id)
		if w.ctx.Err() != nil && len(done) == 0 || w.then == nil {
			return nil
		}
		return w.then()
	}
	m.record(w.command, failed == 0 && len(done) == len(w.tasks))
	m.showTasks(w)
	switch {
	case len(done) == len(w.tasks):
		m.closeWork(w.id)
		line := fmt.Sprintf(glyph.Done+" %s %s (%s)", w.past, sumOf(done), dialogs.Took(m.now().Sub(w.begun)))
		if note := w.tasks[0].Note; len(w.tasks) == 1 && note != "" {
			line += glyph.Sep + note
		}
		cmd := m.say(line, false)
		if w.then != nil {
			return tea.Batch(cmd, w.then())
		}
		return cmd
	case len(w.tasks) == 1 && failed == 1:
		m.closeWork(w.id)
		return m.fail(w.errs[0])
	case len(w.tasks) == 1:
		m.closeWork(w.id)
		return m.say(strings.ToLower(w.name)+" "+w.tasks[0].Name+" was cancelled", true)
	}
	if !m.workShown(w.id) {
		m.open(m.workDialog(w, true))
	}
	return nil
}

// sumOf is one name, or how many.
func sumOf(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("all %d", len(names))
}

// inquire asks the engine something before a dialog can be opened; then opens
// it. It can be watched and cancelled as all work. When something else was
// opened meanwhile the answer comes too late: a dialog must not appear under
// keys that are meant for another.
func (m *Model) inquire(what, about string, ask func(ctx context.Context) (then func(m *Model) tea.Cmd)) tea.Cmd {
	var answer func(m *Model) tea.Cmd
	return m.do(operation{name: what, objects: []string{about}, quiet: true,
		one: func(ctx context.Context, _ int) (string, error) {
			answer = ask(ctx)
			return "", ctx.Err()
		},
		then: func() tea.Cmd {
			if len(m.dialogs) > 0 {
				return m.say(strings.ToLower(what)+": the answer came too late", true)
			}
			return answer(m)
		}})
}

func (m *Model) workDialog(w *work, over bool) dialogs.Work {
	return dialogs.Work{
		Tag: resultTag(func(m *Model, r dialogs.Result) tea.Cmd { return m.workKey(w, r.Key) }), Name: w.name, Past: w.past, Command: w.command,
		Tasks: slices.Clone(w.tasks), Over: over, ID: w.id,
	}
}

// workKey takes the ways on from the dialog of a piece of work.
func (m *Model) workKey(w *work, key string) tea.Cmd {
	switch key {
	case "x":
		w.cancel()
	case "r":
		return m.again(w)
	}
	return nil
}

// again does an operation to those objects to which it was not done.
func (m *Model) again(w *work) tea.Cmd {
	op, rest := w.operation, []int(nil)
	op.objects = nil
	for i, t := range w.tasks {
		if t.State != dialogs.TaskDone {
			rest, op.objects = append(rest, i), append(op.objects, t.Name)
		}
	}
	op.one = func(ctx context.Context, i int) (string, error) { return w.one(ctx, rest[i]) }
	return m.do(op)
}

// workLate shows work on several objects that is not over soon, unless
// something else is asked at the moment.
func (m *Model) workLate(id int) {
	if w := m.works[id]; w != nil && len(m.dialogs) == 0 {
		m.open(m.workDialog(w, false))
	}
}

func (m *Model) workShown(id int) bool {
	return slices.ContainsFunc(m.dialogs, func(d dialogs.Dialog) bool { w, ok := d.(dialogs.Work); return ok && w.ID == id })
}

// showTasks brings the dialog of a piece of work up to date, where it is open.
func (m *Model) showTasks(w *work) {
	for i, d := range m.dialogs {
		if old, ok := d.(dialogs.Work); ok && old.ID == w.id {
			m.dialogs[i] = old.With(slices.Clone(w.tasks), m.works[w.id] == nil)
		}
	}
}

func (m *Model) closeWork(id int) {
	m.dialogs = slices.DeleteFunc(m.dialogs, func(d dialogs.Dialog) bool { w, ok := d.(dialogs.Work); return ok && w.ID == id })
}

// showWork opens what is under way, to watch or to cancel it.
func (m *Model) showWork() tea.Cmd {
	var items []dialogs.Item
	var open []func() tea.Cmd
	for _, id := range sortedKeys(m.works) {
		w := m.works[id]
		items = append(items, dialogs.Item{Text: w.name + " " + sumNames(w.objects, "objects"), Detail: w.command})
		open = append(open, func() tea.Cmd { m.open(m.workDialog(w, false)); return nil })
	}
	for _, id := range sortedKeys(m.jobs) {
		j := m.jobs[id]
		items = append(items, dialogs.Item{Text: j.title, Detail: j.command})
		open = append(open, func() tea.Cmd { m.openJob(id); return nil })
	}
	switch len(items) {
	case 0:
		return m.remark("nothing is under way")
	case 1:
		return open[0]()
	}
	m.open(dialogs.Pick{Tag: pickTag(func(_ *Model, i int) tea.Cmd { return open[i]() }), Name: "What is under way", Items: items})
	return nil
}

// askQuit leaves, after a question when that would break work off. Jobs have
// processes of their own and go on.
func (m *Model) askQuit() tea.Cmd {
	var objects []dialogs.Object
	for _, id := range sortedKeys(m.works) {
		if w := m.works[id]; !w.quiet {
			objects = append(objects, dialogs.Object{Name: w.name + " " + sumNames(w.objects, "objects"), About: w.command})
		}
	}
	for _, id := range sortedKeys(m.jobs) {
		if j := m.jobs[id]; j.local {
			objects = append(objects, dialogs.Object{Name: j.title + " " + j.about, About: j.command})
		}
	}
	if len(objects) == 0 {
		return tea.Quit
	}
	return m.ask(dialogs.Confirm{
		Name: "Quit", Question: "Leave while this is under way?", Yes: "leave", Objects: objects,
		Warn: "It is broken off; what was done until then stays.", Note: "Containers, pulls and pushes go on.",
	}, func() tea.Cmd { return tea.Quit })
}

// underWay is what the footer says while work runs.
func (m *Model) underWay() string {
	for _, id := range sortedKeys(m.works) {
		w := m.works[id]
		return fmt.Sprintf(glyph.Starting+" %s %s "+glyph.Ellipsis, strings.ToLower(w.name), sumNames(w.objects, "objects"))
	}
	return ""
}

// toastMsg takes a toast away.
type toastMsg struct{ gen int }

// say shows a line in the footer for a few seconds.
func (m *Model) say(text string, bad bool) tea.Cmd {
	m.toast, m.toastBad, m.toastMuted = text, bad, false
	m.toastGen++
	gen := m.toastGen
	return tea.Tick(4*time.Second, func(time.Time) tea.Msg { return toastMsg{gen} })
}

// remark says what is neither success nor failure.
func (m *Model) remark(text string) tea.Cmd {
	cmd := m.say(text, false)
	m.toastMuted = true
	return cmd
}

// record adds a line to the command log.
func (m *Model) record(command string, ok bool) {
	mark := glyph.Done
	if !ok {
		mark = glyph.Failed
	}
	m.history = append(m.history, dialogs.Item{Text: command, Key: mark, Detail: m.now().Local().Format("15:04:05")})
}

// showHistory lists what was done, newest first, as commands of which each can
// be copied.
func (m *Model) showHistory() tea.Cmd {
	if len(m.history) == 0 {
		return m.remark("nothing was done yet")
	}
	items := slices.Clone(m.history)
	slices.Reverse(items)
	m.open(dialogs.Pick{Name: "Command log", Yes: "copy", Items: items, Tag: pickTag(func(m *Model, i int) tea.Cmd {
		return tea.Batch(tea.SetClipboard(items[i].Text), m.say("copied the command", false))
	})})
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }

func sortedKeys[K interface{ ~int | ~string }, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
