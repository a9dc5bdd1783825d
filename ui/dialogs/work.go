package dialogs

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// TaskState is where one object of a piece of work stands.
type TaskState int

const (
	TaskWaits TaskState = iota
	TaskRuns
	TaskDone
	TaskFailed
	TaskCancelled // not begun any more, or broken off
)

// Task is one object of a piece of work.
type Task struct {
	Name  string
	State TaskState
	Took  time.Duration
	Note  string // how far it is, or what it gave
	Why   string // it failed
	Hint  string // what to do next
}

// Work shows the same being done to several objects, and in the end what worked,
// what did not and why. Leaving it does not end the work; cancelling does: a
// result with the key "x". "r" asks for what failed to be tried again.
type Work struct {
	Tag     any
	ID      int    // which piece of work it is
	Name    string // the title: "Stop"
	Past    string // "stopped"
	Command string
	Tasks   []Task
	Over    bool
	scroll  scroll
}

// With is the dialog with its tasks as they are now.
func (d Work) With(tasks []Task, over bool) Work {
	d.Tasks, d.Over = tasks, over
	return d
}

func (d Work) Title() string { return d.Name }

func (d Work) Hints() []string {
	return hints(d.buttons())
}

func (d Work) buttons() []Button {
	switch {
	case !d.Over:
		return []Button{button("esc", "hide, it goes on"), button("x", "cancel the rest")}
	case d.Count(TaskFailed)+d.Count(TaskCancelled) > 0:
		return []Button{button("esc", "close"), button("r", "try those again"), button("y", "copy")}
	}
	return []Button{button("esc", "close"), button("y", "copy")}
}

// Count is the number of objects in a state.
func (d Work) Count(s TaskState) int {
	n := 0
	for _, t := range d.Tasks {
		if t.State == s {
			n++
		}
	}
	return n
}

func (d Work) Key(key, _ string) (Dialog, Result) {
	switch {
	case key == "esc", key == "q", key == "ctrl+c", d.Over && (key == "enter" || key == "space"):
		return nil, Result{Tag: d.Tag}
	case key == "x" && !d.Over:
		return d, Result{Tag: d.Tag, OK: true, Key: key}
	case key == "r" && d.Over && d.Count(TaskFailed)+d.Count(TaskCancelled) > 0:
		return nil, Result{Tag: d.Tag, OK: true, Key: key}
	case key == "y" && d.Over:
		return d, Result{Copy: d.plain()}
	}
	d.scroll.key(key)
	return d, Result{}
}

// plain is the report as text.
func (d Work) plain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", d.Command, d.summary())
	for _, t := range d.Tasks {
		mark, _ := t.mark(styles.Styles{})
		fmt.Fprintf(&b, "%s %s %s\n", mark, t.Name, strings.TrimSpace(t.about()+" "+t.Why+" "+t.Hint))
	}
	return b.String()
}

// summary is the state of the whole in one line.
func (d Work) summary() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, itoa(n)+" "+what)
		}
	}
	add(d.Count(TaskDone), d.Past)
	add(d.Count(TaskFailed), "failed")
	add(d.Count(TaskCancelled), "cancelled")
	add(d.Count(TaskRuns), "under way")
	add(d.Count(TaskWaits), "waiting")
	return strings.Join(parts, glyph.Sep)
}

// Sized implements Sized.
func (d Work) Sized(width, height int) Dialog {
	d.scroll.over = len(d.lines(width, styles.Styles{})) - taskRoom(height)
	return d
}

func taskRoom(height int) int {
	if roomy(height) {
		return height - 5
	}
	return max(1, height-2)
}

func (d Work) View(width, height int, s styles.Styles) Body {
	done := d.Count(TaskDone) + d.Count(TaskFailed) + d.Count(TaskCancelled)
	var lines []string
	if !d.Over {
		count := fmt.Sprintf(" %d of %d", done, len(d.Tasks))
		lines = append(lines, gauge(int64(done), int64(len(d.Tasks)), max(4, width-len(count)), s.Accent.Render, s.Muted.Render)+s.Text.Render(count))
	} else {
		lines = append(lines, s.Text.Bold(true).Render(cut(d.summary(), width)))
	}
	if roomy(height) {
		lines = append(lines, "")
	}
	lines = append(lines, windowed(d.lines(width, s), taskRoom(height), d.scroll.offset, s)...)
	if roomy(height) {
		lines = append(lines, "")
	}
	row, spots := buttons(s, width, len(lines), 0, d.buttons()...)
	return Body{append(lines, row), spots}
}

// lines names each object with its state; in the report those that failed come
// first, with why and what next.
func (d Work) lines(width int, s styles.Styles) []string {
	names := 0
	for _, t := range d.Tasks {
		names = max(names, widgets.Width(t.Name))
	}
	names = min(names, max(8, width/2))
	var bad, rest []string
	for _, t := range d.Tasks {
		mark, style := t.mark(s)
		row := style.Render(mark) + " " + s.Text.Bold(true).Render(widgets.FitName(t.Name, names)) + s.Muted.Render("  "+cut(t.about(), max(0, width-names-4)))
		if !d.Over || t.State != TaskFailed {
			rest = append(rest, row)
			continue
		}
		bad = append(bad, row)
		for _, l := range breakLines(t.Why, width-4) {
			bad = append(bad, "    "+s.Text.Render(l))
		}
		for _, l := range breakLines(t.Hint, width-6) {
			bad = append(bad, "    "+s.Accent.Render(glyph.Right+" "+l))
		}
	}
	return append(bad, rest...)
}

// about is what is said behind the name.
func (t Task) about() string {
	switch t.State {
	case TaskRuns:
		if t.Note != "" {
			return t.Note
		}
		return "under way"
	case TaskDone:
		return strings.TrimSpace(Took(t.Took) + "  " + t.Note)
	case TaskFailed:
		return "failed"
	case TaskCancelled:
		return "cancelled"
	}
	return "waiting"
}

func (t Task) mark(s styles.Styles) (string, lipgloss.Style) {
	switch t.State {
	case TaskRuns:
		return glyph.Starting, s.Busy
	case TaskDone:
		return glyph.Done, s.OK
	case TaskFailed:
		return glyph.Failed, s.Bad
	case TaskCancelled:
		return glyph.Paused, s.Busy
	}
	return glyph.Waiting, s.Muted
}
