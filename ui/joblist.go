package ui

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/images"
	"gantry/ui/dialogs"
	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/lists"
	"gantry/ui/widgets"
)

// jobSpec is the list of jobs: pulls and pushes that run or are over, of this
// workbench or of anybody else.
func (m *Model) jobSpec() lists.Spec[engine.Job] {
	type row = engine.Job
	return lists.Spec[row]{
		ID:   func(j *row) string { return string(j.ID) },
		Keys: []string{"id", "kind", "ref", "status"}, Named: []string{"kind"},
		Field: func(j *row, key string) string {
			switch key {
			case "id":
				return string(j.ID)
			case "kind":
				return j.Spec.Kind
			case "ref":
				return j.Spec.Args["ref"]
			}
			return string(j.State)
		},
		Orders: []lists.Order[row]{
			{ID: "age", Title: "newest first", Compare: func(a, b *row) int { return b.Started.Compare(a.Started) }},
			{ID: "name", Title: "by name", Compare: func(a, b *row) int { return cmp.Compare(jobTitle(a), jobTitle(b)) }},
		},
		Columns: []lists.Column[row]{
			{Min: 1, Cell: func(j *row, _ int) lists.Cell {
				sign, style := m.jobSign(j)
				return lists.Cell{Text: sign, Style: style}
			}},
			{Title: "job", Order: "name", Min: 14, Max: 60, Measure: func(j *row) int { return widgets.Width(jobTitle(j)) }, Cell: func(j *row, _ int) lists.Cell {
				return lists.Cell{Text: jobTitle(j), Style: m.styles.Text, Name: true}
			}},
			{Min: 9, Max: 24, Gap: 2, Grow: true, Cell: m.jobCell},
			{Title: "age", Order: "age", Min: 4, Right: true, Rank: 1, Cell: func(j *row, _ int) lists.Cell {
				return lists.Cell{Text: m.age(j.Started), Style: m.styles.Muted}
			}},
		},
	}
}

// jobTitle is what a job does, as one types it.
func jobTitle(j *engine.Job) string { return j.Spec.Kind + " " + j.Spec.Args["ref"] }

func (m *Model) jobSign(j *engine.Job) (string, lipgloss.Style) {
	switch j.State {
	case engine.JobRunning:
		return glyph.Starting, m.styles.Busy
	case engine.JobDone:
		return glyph.Done, m.styles.OK
	case engine.JobCanceled:
		return glyph.Exited, m.styles.Muted
	}
	return glyph.Failed, m.styles.Bad
}

// jobCell is how far a job has come, or how it ended.
func (m *Model) jobCell(j *engine.Job, width int) lists.Cell {
	switch j.State {
	case engine.JobRunning:
		done, total := sum(m.parts(j))
		if total == 0 {
			return lists.Cell{Text: m.styles.Wait("beginning"), Style: m.styles.Muted}
		}
		bar := width - 5
		full := int(int64(bar) * done / total)
		return lists.Cell{Text: strings.Repeat(glyph.Full, full) + strings.Repeat(glyph.Empty, bar-full) + fmt.Sprintf("%3d %%", 100*done/total), Style: m.styles.Accent}
	case engine.JobFailed, engine.JobLost:
		return lists.Cell{Text: cmp.Or(j.Error, string(j.State)), Else: []string{string(j.State)}, Style: m.styles.Bad}
	}
	return lists.Cell{Text: string(j.State), Style: m.styles.Muted}
}

// parts are the latest words of a job: of its feed while it runs.
func (m *Model) parts(j *engine.Job) []images.Progress {
	if f := m.jobs[j.ID]; f != nil {
		parts, _, _, _ := f.State()
		return parts
	}
	return j.Progress
}

// sum adds up the parts that tell their size.
func sum(parts []images.Progress) (done, total int64) {
	for _, p := range parts {
		if p.ID != "" && p.Total > 0 {
			done += min(p.Done, p.Total)
			total += p.Total
		}
	}
	return done, total
}

// jobsRun tells whether a job is under way.
func (m *Model) jobsRun() bool {
	for i := range m.state.Jobs {
		if m.state.Jobs[i].State == engine.JobRunning {
			return true
		}
	}
	return false
}

type (
	jobStartedMsg struct {
		id      engine.ID
		title   string
		command string
		err     error
	}
	jobMsg struct{ id engine.ID } // a job has something new
)

// startJob begins long work in a process of its own: it goes on when the
// workbench is left.
func (m *Model) startJob(spec engine.JobSpec, title, command string) tea.Cmd {
	ctx, eng := m.ctx, m.eng
	return func() tea.Msg {
		id, err := eng.Jobs().Start(ctx, spec)
		return jobStartedMsg{id, title, command, err}
	}
}

func (m *Model) jobStarted(msg jobStartedMsg) tea.Cmd {
	if msg.err != nil {
		m.fail(msg.err, doneMsg{})
		return nil
	}
	m.history = append(m.history, msg.command)
	m.open(dialogs.Progress{Tag: jobTag{msg.id}, Name: msg.title})
	return m.followJob(msg.id)
}

// followJob keeps up with a job, once.
func (m *Model) followJob(id engine.ID) tea.Cmd {
	if m.jobs[id] != nil {
		return nil
	}
	f := feed.NewJob(m.ctx, m.eng, id)
	m.jobs[id] = f
	return nextJob(m.ctx, f, id)
}

// followJobs keeps up with all that run, whoever began them.
func (m *Model) followJobs() tea.Cmd {
	var cmds []tea.Cmd
	for i := range m.state.Jobs {
		if j := &m.state.Jobs[i]; j.State == engine.JobRunning {
			cmds = append(cmds, m.followJob(j.ID))
		}
	}
	return tea.Batch(cmds...)
}

func nextJob(ctx context.Context, f *feed.Job, id engine.ID) tea.Cmd {
	return func() tea.Msg {
		if f.Next(ctx) {
			return jobMsg{id}
		}
		return nil
	}
}

// jobChanged brings the row and the dialog of a job up to date, or says how it
// ended when the dialog was hidden.
func (m *Model) jobChanged(id engine.ID) tea.Cmd {
	f := m.jobs[id]
	if f == nil {
		return nil
	}
	m.jobList.Touch()
	parts, over, text, err := f.State()
	next := nextJob(m.ctx, f, id)
	if over {
		delete(m.jobs, id)
		next = nil
	}
	for i, d := range m.dialogs {
		p, ok := d.(dialogs.Progress)
		if !ok || p.Tag != (jobTag{id}) {
			continue
		}
		p.Parts, p.Over, p.Bad, p.Note = progressParts(parts), over, err != nil, text
		if err != nil {
			p.Note = err.Error()
		}
		m.dialogs[i] = p
		return next
	}
	if over && err != nil {
		m.fail(err, doneMsg{})
	} else if over {
		return m.say(glyph.Done+" "+text, false)
	}
	return next
}

// showJob opens the dialog of a job, of one that is over too.
func (m *Model) showJob(j *engine.Job) tea.Cmd {
	p := dialogs.Progress{Tag: jobTag{j.ID}, Name: jobTitle(j), Parts: progressParts(m.parts(j))}
	if j.State != engine.JobRunning {
		p.Over, p.Bad = true, j.State != engine.JobDone
		p.Note = cmp.Or(j.Error, string(j.State))
	}
	m.open(p)
	return nil
}

func progressParts(list []images.Progress) []dialogs.Part {
	var out []dialogs.Part
	for _, p := range list {
		if p.ID == "" {
			continue
		}
		state := string(p.State)
		if p.Total > 0 && !p.State.Finished() {
			state += fmt.Sprintf(" %d %%", 100*min(p.Done, p.Total)/p.Total)
		}
		out = append(out, dialogs.Part{Name: p.ID, State: state, Done: p.Done, Total: p.Total, Over: p.State.Finished(), Bad: p.State == images.Failed})
	}
	return out
}

func (m *Model) cancelJob(id engine.ID) tea.Cmd {
	return m.do("cancelled", "gantry job cancel "+id.Short(), []string{"job " + id.Short()}, func(ctx context.Context, _ int) error {
		return m.eng.Jobs().Cancel(ctx, string(id))
	})
}

// onJobs makes the handler of an action on the chosen jobs. fits tells why one
// of them does not suit.
func onJobs(fits func(*engine.Job) string, run func(m *Model, js []*engine.Job) tea.Cmd) handler {
	suitable := func(m *Model) (out []*engine.Job, why string) {
		why = "there is no job"
		for _, j := range m.jobList.Targets() {
			if w := fits(j); w != "" {
				why = w
				continue
			}
			out = append(out, j)
		}
		return out, why
	}
	return handler{
		disabled: func(m *Model) string {
			if js, why := suitable(m); len(js) == 0 {
				return why
			}
			return ""
		},
		run: func(m *Model) tea.Cmd {
			js, _ := suitable(m)
			return run(m, js)
		},
	}
}

func anyJob(*engine.Job) string { return "" }

func jobRuns(j *engine.Job) string {
	if j.State != engine.JobRunning {
		return "it is over"
	}
	return ""
}

func jobOver(j *engine.Job) string {
	if j.State == engine.JobRunning {
		return "it runs; cancel it first"
	}
	return ""
}

func (m *Model) askCancelJobs(js []*engine.Job) tea.Cmd {
	return m.ask(jobQuestion("Cancel", js), "cancel it", "What was fetched stays for the next time.", jobTitles(js), func() tea.Cmd {
		return m.eachJob("cancelled", "job cancel", js, m.eng.Jobs().Cancel)
	})
}

// removeJobs takes jobs that are over off the list; nothing else goes.
func (m *Model) removeJobs(js []*engine.Job) tea.Cmd {
	return m.eachJob("removed", "job rm", js, m.eng.Jobs().Remove)
}

func (m *Model) eachJob(past, verb string, js []*engine.Job, call func(ctx context.Context, id string) error) tea.Cmd {
	ids, short := make([]string, len(js)), make([]string, len(js))
	for i, j := range js {
		ids[i], short[i] = string(j.ID), j.ID.Short()
	}
	m.jobList.Unmark()
	return m.do(past, "gantry "+verb+" "+strings.Join(short, " "), jobTitles(js), func(ctx context.Context, i int) error {
		return call(ctx, ids[i])
	})
}

func jobTitles(js []*engine.Job) []string {
	out := make([]string, len(js))
	for i, j := range js {
		out[i] = jobTitle(j)
	}
	return out
}

func jobQuestion(verb string, js []*engine.Job) string {
	if len(js) == 1 {
		return verb + " " + jobTitle(js[0]) + "?"
	}
	return fmt.Sprintf("%s %d jobs?", verb, len(js))
}
