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
	"gantry/ui/glyph"
	"gantry/ui/keys"
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
func jobTitle(j *engine.Job) string { return safeText(j.Spec.Kind + " " + j.Spec.Args["ref"]) }

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
		return lists.Cell{Text: cmp.Or(safeText(j.Error), string(j.State)), Else: []string{string(j.State)}, Style: m.styles.Bad}
	}
	return lists.Cell{Text: string(j.State), Style: m.styles.Muted}
}

// parts are the latest words of a job: of its feed while it runs.
func (m *Model) parts(j *engine.Job) []images.Progress {
	if f := m.jobs[j.ID]; f != nil {
		return f.feed.State().Parts
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
	return m.ask(dialogs.Confirm{
		Name: "Cancel", Question: "Cancel " + sumNames(jobTitles(js), "jobs") + "?", Yes: "cancel it", Objects: m.jobObjects(js),
		Note: "What was fetched stays for the next time.", Command: m.line("job.cancel", jobIDs(js)...),
	}, func() tea.Cmd { return m.eachJob("Cancel", "cancelled", "job.cancel", js, m.eng.Jobs().Cancel) })
}

func (m *Model) jobObjects(js []*engine.Job) []dialogs.Object {
	out := make([]dialogs.Object, len(js))
	for i, j := range js {
		out[i] = dialogs.Object{Name: jobTitle(j), About: "for " + m.age(j.Started)}
	}
	return out
}

// removeJobs takes jobs that are over off the list; nothing else goes.
func (m *Model) removeJobs(js []*engine.Job) tea.Cmd {
	return m.eachJob("Remove", "removed", "job.remove", js, m.eng.Jobs().Remove)
}

func (m *Model) eachJob(name, past string, id keys.ID, js []*engine.Job, call func(ctx context.Context, id string) error) tea.Cmd {
	ids := make([]string, len(js))
	for i, j := range js {
		ids[i] = string(j.ID)
	}
	m.jobList.Unmark()
	return m.do(operation{name: name, past: past, command: m.line(id, jobIDs(js)...), objects: jobTitles(js),
		one: func(ctx context.Context, i int) (string, error) { return "", call(ctx, ids[i]) }})
}

func jobIDs(js []*engine.Job) []string {
	out := make([]string, len(js))
	for i, j := range js {
		out[i] = j.ID.Short()
	}
	return out
}

func jobTitles(js []*engine.Job) []string {
	out := make([]string, len(js))
	for i, j := range js {
		out[i] = jobTitle(j)
	}
	return out
}
