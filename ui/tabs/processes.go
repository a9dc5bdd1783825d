package tabs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/keys"
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
	tablePage

	id     engine.ID
	ctx    context.Context // nil while closed
	cancel context.CancelFunc
	gen    *generation

	top    procTable
	plain  [][]string // the rows without what leads to them in a tree
	loaded bool
	state  *engine.ContainerState // why it is not asked any more
	err    error

	order order
}

// NewProcesses makes the tab. It shows nothing before Open.
func NewProcesses(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Processes {
	t := &Processes{eng: eng, styles: s, now: now, order: order{column: -1}}
	t.columns, t.remake = t.processColumns, t.choose
	return t
}

// Name implements Panel.
func (t *Processes) Name() string { return "Processes" }

// Open implements Tab. Sorting and filter stay.
func (t *Processes) Open(ctx context.Context, id engine.ID) tea.Cmd {
	t.Close()
	if id != t.id {
		t.top, t.loaded = procTable{}, false
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
	at    time.Time
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
		msg := topMsg{gen: gen, table: table, at: time.Now(), err: err}
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
		t.top, t.loaded = procTable{}, false
		t.choose()
		return true, nil
	}
	if m.err == nil {
		t.top, t.loaded = newProcTable(m.table, t.top, m.at), true
		t.choose()
	}
	return true, t.ask(every)
}

// choose makes the rows: as a tree, or by a column. The cursor stays on its
// process.
func (t *Processes) choose() {
	before := t.pid()
	var shown [][]string
	t.plain = t.plain[:0]
	if t.isTree() {
		order, lead := t.top.tree()
		for k, i := range order {
			row := slices.Clone(t.top.rows[i])
			row[len(row)-1] = lead[k] + row[len(row)-1]
			t.plain, shown = append(t.plain, t.top.rows[i]), append(shown, row)
		}
	} else {
		for _, row := range t.top.rows {
			if t.matches(row...) {
				t.plain = append(t.plain, row)
			}
		}
		t.order.sort(t.plain)
		shown = slices.Clone(t.plain)
	}
	at := -1
	if col := t.pidColumn(); before != "" && col >= 0 {
		at = slices.IndexFunc(shown, func(row []string) bool { return row[col] == before })
	}
	t.put(shown, at)
}

// isTree tells whether children stand below their parents: where nothing else
// orders the rows or leaves some out.
func (t *Processes) isTree() bool {
	return t.order.column < 0 && t.top.parent != nil && t.filter.text == ""
}

func (t *Processes) pidColumn() int { return slices.Index(t.top.titles, "PID") }

// pid is the selected process, "" when there is none.
func (t *Processes) pid() string {
	if col := t.pidColumn(); col >= 0 && t.list.at < len(t.shown) && col < len(t.shown[t.list.at]) {
		return t.shown[t.list.at][col]
	}
	return ""
}

// SignalProcess asks the root to let the user choose a signal and to send it to
// a process (engine.ProcessSignaler).
type SignalProcess struct {
	Container engine.ID
	PID       int
	Command   string
}

func (t *Processes) signal() tea.Cmd {
	pid, err := strconv.Atoi(t.pid())
	if err != nil {
		return nil
	}
	msg := SignalProcess{t.id, pid, t.command()}
	return func() tea.Msg { return msg }
}

// processBindings are what can be done there.
var processBindings = bindings[*Processes]{
	{Action: keys.Action{ID: "process.signal", Keys: []string{"K"}, Title: "Send a signal to a process…", Help: "Choose one, for this process alone", Short: "signal…", Asks: true},
		why: (*Processes).noProcess, do: (*Processes).signal},
	{Action: keys.Action{ID: "process.sort", Keys: []string{"o"}, Title: "Sort processes", Help: "Sort by the next column", Short: "sort"},
		do: shows(func(t *Processes) { t.order.next(len(t.top.titles)); t.choose() })},
	{Action: keys.Action{ID: "process.tree", Keys: []string{"t"}, Title: "As a tree", Help: "Each process below its parent", Short: "tree"},
		do: shows(func(t *Processes) { t.order = order{column: -1}; t.choose() })},
	{Action: keys.Action{ID: "process.copy", Keys: []string{"y"}, Title: "Copy the PID", Help: "Copy the number of the process on the host", Short: "copy the PID"},
		why: (*Processes).noProcess, do: func(t *Processes) tea.Cmd { return copyText(t.pid(), "PID "+t.pid()) }},
	{Action: keys.Action{ID: "process.copy.command", Keys: []string{"Y"}, Title: "Copy the command", Help: "Copy the command line of the process"},
		why: (*Processes).noCommand, do: func(t *Processes) tea.Cmd { return copyText(t.command(), "the command line") }},
	{Action: keys.Action{ID: "process.sort.reverse", Keys: []string{"O"}, Title: "Sort processes the other way", Help: "Turn the order round"},
		do: shows(func(t *Processes) { t.order.ascending = !t.order.ascending; t.choose() })},
}

// noProcess is why nothing can be done to the chosen process; an engine may
// list processes without their numbers.
func (t *Processes) noProcess() string {
	if why := t.noRow(); why != "" || t.pid() != "" {
		return why
	}
	return "the engine does not tell its PID"
}

func (t *Processes) noCommand() string {
	if why := t.noRow(); why != "" || t.command() != "" {
		return why
	}
	return "it has no command line"
}

// Scope implements Panel.
func (t *Processes) Scope() keys.Scope { return keys.Processes }

// Bind implements Panel.
func (t *Processes) Bind(id keys.ID) (Bound, bool) {
	return bindRow(processBindings, t, &t.tablePage, id, t.loaded)
}

// Click implements Pointer: on a title it sorts, and the second time the other
// way round.
func (t *Processes) Click(x, y int) (bool, tea.Cmd) {
	column := t.columnAt(x)
	if y != 0 || column < 0 || !t.loaded {
		return t.tablePage.Click(x, y)
	}
	t.order = order{column: column, ascending: column == t.order.column && !t.order.ascending}
	t.choose()
	return true, nil
}

// command of the selected process: the last column, in all output of ps.
func (t *Processes) command() string {
	if t.list.at >= len(t.plain) || len(t.top.titles) == 0 {
		return ""
	}
	return t.plain[t.list.at][len(t.top.titles)-1]
}

// Status implements Panel.
func (t *Processes) Status() string {
	if !t.loaded {
		return ""
	}
	s := ofFilter(len(t.shown), len(t.top.rows), t.filter.text, "process", "processes")
	switch {
	case t.isTree():
		s += glyph.Sep + "tree"
	case t.order.column >= 0 && t.order.column < len(t.top.titles):
		s += glyph.Sep + "by " + strings.ToLower(t.top.titles[t.order.column])
	}
	if t.err == nil {
		s += glyph.Sep + "every 2 s"
	}
	return s
}

// View implements Panel.
func (t *Processes) View(width, height int) []string {
	s := t.styles()
	why := blank{kind: "container", chosen: t.id != "", err: t.err, known: t.loaded}
	if t.state != nil {
		why.over = []string{"No processes. " + ended(*t.state, t.now()), "They are listed by themselves when it starts."}
	}
	if lines, instead := why.lines(s, width, height); instead {
		return lines
	}
	title := s.Title
	sorted := func(_, column int) (lipgloss.Style, bool) { return title, column == t.order.column }
	return t.view(s, t.command(), "No process is left.", sorted, width, height)
}

// rank of the columns that a narrow screen can do without.
var rank = map[string]int{"UID": 2, "USER": 3, "C": 3, "TIME": 4, "PPID": 4, "STIME": 5, "START": 5, "TTY": 6}

// processColumns: the last is the command, which gives way to all others.
func (t *Processes) processColumns(s styles.Styles) []widgets.Column {
	cols := make([]widgets.Column, len(t.top.titles))
	for i, title := range t.top.titles {
		c := widgets.Column{Title: t.order.mark(title, i), Rank: rank[title], Style: s.Muted, Right: numeric(t.top.rows, i)}
		switch {
		case i == len(cols)-1:
			c.Soft, c.Min, c.Right, c.Style = true, 8, false, s.Text
		case title == "PID":
			c.Style = s.Accent
		case title == "CPU" || title == "MEMORY" || title == "C" || title == "%CPU":
			c.Style = s.Text
		}
		cols[i] = c
	}
	return cols
}
