package tabs

import (
	"context"
	"errors"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// every is how often the processes are listed while they are shown.
const every = 2 * time.Second

// Processes lists what runs in a container, live.
type Processes struct {
	eng    engine.Engine
	styles func() styles.Styles
	now    func() time.Time
	frame

	id     engine.ID
	ctx    context.Context // nil while closed
	cancel context.CancelFunc
	gen    *generation

	table  engine.ProcessTable
	loaded bool
	state  *engine.ContainerState // why it is not asked any more
	err    error

	filter prompt
	order  order
	list   list
	rows   [][]string // what the filter leaves, in order
}

// NewProcesses makes the tab. It shows nothing before Open.
func NewProcesses(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Processes {
	return &Processes{eng: eng, styles: s, now: now, order: order{column: -1}}
}

// Name implements Panel.
func (t *Processes) Name() string { return "Processes" }

// Open implements Tab. Sorting and filter stay.
func (t *Processes) Open(ctx context.Context, id engine.ID) tea.Cmd {
	t.Close()
	if id != t.id {
		t.table, t.loaded = engine.ProcessTable{}, false
		t.choose()
	}
	t.id, t.state, t.err = id, nil, nil
	if id == "" {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t.ask(0)
}

// Close implements Panel.
func (t *Processes) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.gen = nil, nil, nil
}

// Refresh implements Panel: a container that was not running may run now. One
// that is listed will be asked soon anyway.
func (t *Processes) Refresh() tea.Cmd {
	if t.ctx == nil || t.state == nil {
		return nil
	}
	t.state = nil
	return t.ask(0)
}

// topMsg is one list of processes, or the state of a container that has none.
type topMsg struct {
	gen   *generation
	table engine.ProcessTable
	state *engine.ContainerState
	err   error
}

// ask lists the processes after a while.
func (t *Processes) ask(after time.Duration) tea.Cmd {
	ctx, gen, id, cs := t.ctx, t.gen, t.id, t.eng.Containers()
	return func() tea.Msg {
		if !pause(ctx, after) {
			return nil
		}
		table, err := cs.Top(ctx, string(id), nil)
		msg := topMsg{gen: gen, table: table, err: err}
		if errors.Is(err, engine.ErrConflict) { // it does not run, which is no failure
			if d, why := cs.Inspect(ctx, string(id)); why == nil && !d.State.Status.Live() {
				msg.state, msg.err = &d.State, nil
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		return msg
	}
}

// pause waits; false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// Update implements Panel.
func (t *Processes) Update(msg tea.Msg) (bool, tea.Cmd) {
	m, ok := msg.(topMsg)
	if !ok || t.gen == nil || m.gen != t.gen {
		return false, nil
	}
	t.err, t.state = m.err, m.state
	if m.state != nil {
		t.table, t.loaded = engine.ProcessTable{}, false
		t.choose()
		return true, nil
	}
	if m.err == nil {
		t.table, t.loaded = clean(m.table), true
		t.choose()
	}
	return true, t.ask(every)
}

// clean makes the answer safe to show and to index: every row has a value for
// every title.
func clean(in engine.ProcessTable) engine.ProcessTable {
	out := engine.ProcessTable{Titles: make([]string, len(in.Titles)), Processes: make([][]string, len(in.Processes))}
	for i, title := range in.Titles {
		out.Titles[i] = safe(title)
	}
	for i, row := range in.Processes {
		out.Processes[i] = make([]string, len(in.Titles))
		for j := range min(len(row), len(in.Titles)) {
			out.Processes[i][j] = safe(row[j])
		}
	}
	return out
}

// choose makes the rows; the cursor stays on its process.
func (t *Processes) choose() {
	before := t.pid()
	t.rows = t.rows[:0]
	for _, row := range t.table.Processes {
		if t.filter.text == "" || slices.ContainsFunc(row, func(v string) bool { return widgets.Find(v, t.filter.text) >= 0 }) {
			t.rows = append(t.rows, row)
		}
	}
	t.order.sort(t.rows)
	t.list.n = len(t.rows)
	at := -1
	if col := t.pidColumn(); before != "" && col >= 0 {
		at = slices.IndexFunc(t.rows, func(row []string) bool { return row[col] == before })
	}
	if at < 0 {
		at = t.list.at
	}
	t.list.put(at, t.room())
}

func (t *Processes) pidColumn() int { return slices.Index(t.table.Titles, "PID") }

// pid is the selected process, "" when there is none.
func (t *Processes) pid() string {
	if col := t.pidColumn(); col >= 0 && t.list.at < len(t.rows) && col < len(t.rows[t.list.at]) {
		return t.rows[t.list.at][col]
	}
	return ""
}

func (t *Processes) room() int { return max(1, t.height-1) }

// Key implements Panel.
func (t *Processes) Key(key string) (bool, tea.Cmd) {
	if t.filter.typing {
		if t.filter.key(key) {
			t.choose()
		}
		return true, nil
	}
	if t.list.key(key, t.room()) {
		return true, nil
	}
	switch key {
	case "/":
		t.filter.open()
	case "o":
		t.order.next(len(t.table.Titles))
		t.choose()
	case "O":
		t.order.ascending = !t.order.ascending
		t.choose()
	case "y", "Y":
		return true, t.copy(key == "Y")
	case "esc":
		if !t.filter.clear() {
			return false, nil
		}
		t.choose()
	default:
		return false, nil
	}
	return true, nil
}

func (t *Processes) copy(command bool) tea.Cmd {
	if t.list.at >= len(t.rows) {
		return nil
	}
	row := t.rows[t.list.at]
	if pid := t.pid(); pid != "" && !command {
		return copyText(pid, "PID "+pid)
	}
	return copyText(row[len(row)-1], "the command line")
}

// Typing implements Panel.
func (t *Processes) Typing() bool { return t.filter.typing }

// Keys implements Panel.
func (t *Processes) Keys() []KeyHelp {
	return []KeyHelp{{"o", "sort by the next column"}, {"/", "filter"}, {"O", "turn the order round"}, {"y", "copy the PID"}, {"Y", "copy the command"}, pageKeys}
}

// Status implements Panel.
func (t *Processes) Status() string {
	if !t.loaded {
		return ""
	}
	s := ofFilter(len(t.rows), len(t.table.Processes), t.filter.text, "process", "processes")
	if t.err == nil {
		s += " · every 2 s"
	}
	return s
}

// View implements Panel.
func (t *Processes) View(width, height int) []string {
	if width < 4 || height < 1 {
		return nil
	}
	s := t.styles()
	switch {
	case t.id == "":
		return stack(notice(s, width, "No container is chosen.", ""), nil, height)
	case t.err != nil:
		return stack(problem(s, width, t.err), nil, height)
	case t.state != nil:
		return stack(notice(s, width, "No processes. "+ended(*t.state, t.now()), "They are listed by themselves when it starts."), nil, height)
	case !t.loaded:
		return stack(notice(s, width, "", "Reading …"), nil, height)
	}
	foot := t.filter.lines(s, "filter", width)
	if len(t.rows) == 0 {
		what := "No process is left."
		if t.filter.text != "" {
			what = "No process matches."
		}
		return stack(notice(s, width, what, ""), foot, height)
	}
	table := t.columns(s)
	if !t.filter.typing && table.Cut(width) {
		row := t.rows[t.list.at]
		foot = full(s, row[len(row)-1], width, height)
	}
	return stack(table.Render(width, height-len(foot)), foot, height)
}

// columns: the last is the command, which takes the room that is left. What a
// narrow screen can do without leaves first.
func (t *Processes) columns(s styles.Styles) widgets.Table {
	rank := map[string]int{"C": 3, "STIME": 5, "TTY": 6, "PPID": 4, "UID": 2, "USER": 2}
	table := widgets.Table{Rows: t.rows, Cursor: t.list.at, Offset: t.list.offset, Focused: !t.unfocused, Styles: tableStyles(s, !t.unfocused)}
	for i, title := range t.table.Titles {
		c := widgets.Column{Title: t.order.mark(title, i), Rank: rank[title], Style: s.Muted, Right: numeric(t.table.Processes, i)}
		switch {
		case i == len(t.table.Titles)-1:
			c.Grow, c.Min, c.Right, c.Style = true, 8, false, s.Text
		case title == "PID":
			c.Style = s.Accent
		case title == "TIME" || title == "C" || title == "%CPU":
			c.Style = s.Text
		}
		table.Columns = append(table.Columns, c)
	}
	table.Cell = func(row, column int) (lipgloss.Style, bool) {
		return s.Title, column == t.order.column
	}
	return table
}
