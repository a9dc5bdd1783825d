package tabs

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// ImageHistory lists the steps that made an image, newest first.
type ImageHistory struct {
	reading[[]engine.HistoryEntry]
	frame
	styles func() styles.Styles
	now    func() time.Time

	filter prompt
	list   list
	rows   []step
}

// step is one entry as it is shown.
type step struct {
	number  int // 1 is the first step of the image, at the bottom
	command string
	size    int64
	created time.Time
	comment string
}

// NewImageHistory makes the tab. It shows nothing before Open.
func NewImageHistory(eng engine.Engine, s func() styles.Styles, now func() time.Time) *ImageHistory {
	read := func(ctx context.Context, ref string) ([]engine.HistoryEntry, error) {
		return eng.Images().History(ctx, ref)
	}
	return &ImageHistory{styles: s, now: now, reading: reading[[]engine.HistoryEntry]{read: read}}
}

// Name implements Panel.
func (t *ImageHistory) Name() string { return "History" }

// Open implements ImageTab.
func (t *ImageHistory) Open(ctx context.Context, ref string) tea.Cmd {
	if ref != t.ref {
		t.list = list{}
	}
	cmd := t.open(ctx, ref)
	t.choose()
	return cmd
}

// Close implements Panel.
func (t *ImageHistory) Close() { t.close() }

// Refresh implements Panel.
func (t *ImageHistory) Refresh() tea.Cmd { return t.refresh() }

// Update implements Panel.
func (t *ImageHistory) Update(msg tea.Msg) (bool, tea.Cmd) {
	ok, cmd := t.accept(msg)
	if ok {
		t.choose()
	}
	return ok, cmd
}

func (t *ImageHistory) choose() {
	t.rows = t.rows[:0]
	for i, h := range t.value {
		s := step{number: len(t.value) - i, command: instruction(safe(h.CreatedBy)), size: h.Size, created: h.Created, comment: safe(h.Comment)}
		if t.filter.text == "" || widgets.Find(s.command, t.filter.text) >= 0 {
			t.rows = append(t.rows, s)
		}
	}
	t.list.n = len(t.rows)
	t.list.put(t.list.at, t.room())
}

// instruction is a step as the Dockerfile had it. The classic builder wrote
// the shell command that it ran, "/bin/sh -c #(nop) " before what ran nothing;
// BuildKit adds "# buildkit".
func instruction(createdBy string) string {
	s := strings.TrimSpace(strings.TrimSuffix(createdBy, "# buildkit"))
	if rest, ok := strings.CutPrefix(s, "/bin/sh -c #(nop) "); ok {
		return strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(s, "/bin/sh -c "); ok {
		return "RUN " + strings.TrimSpace(rest)
	}
	if rest, ok := strings.CutPrefix(s, "RUN /bin/sh -c "); ok {
		return "RUN " + strings.TrimSpace(rest)
	}
	return s
}

func (t *ImageHistory) room() int { return max(1, t.height-1) }

// Key implements Panel.
func (t *ImageHistory) Key(key string) (bool, tea.Cmd) {
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
	case "y":
		if t.list.at >= len(t.rows) {
			return true, nil
		}
		return true, copyText(t.rows[t.list.at].command, fmt.Sprintf("step %d", t.rows[t.list.at].number))
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

// Typing implements Panel.
func (t *ImageHistory) Typing() bool { return t.filter.typing }

// Keys implements Panel.
func (t *ImageHistory) Keys() []KeyHelp {
	return []KeyHelp{{"y", "copy the instruction"}, {"/", "filter"}, pageKeys}
}

// Status implements Panel.
func (t *ImageHistory) Status() string {
	if !t.loaded {
		return ""
	}
	var bytes int64
	for _, h := range t.value {
		bytes += h.Size
	}
	return ofFilter(len(t.rows), len(t.value), t.filter.text, "step", "steps") + " · " + widgets.Bytes(float64(bytes))
}

// View implements Panel.
func (t *ImageHistory) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "image", width, height); instead {
		return lines
	}
	foot := t.filter.lines(s, "filter", width)
	if len(t.rows) == 0 {
		what := "The image does not say how it was made."
		if t.filter.text != "" {
			what = "No step matches."
		}
		return stack(notice(s, width, what, ""), foot, height)
	}
	table := widgets.Table{
		Columns: []widgets.Column{
			{Title: "STEP", Right: true, Rank: 3, Style: s.Muted}, {Title: "SIZE", Right: true, Min: 6, Style: s.Text},
			{Title: "AGE", Right: true, Rank: 2, Style: s.Muted}, {Title: "MADE BY", Grow: true, Min: 10, Style: s.Text},
		},
		Cursor: t.list.at, Offset: t.list.offset, Focused: !t.unfocused, Styles: tableStyles(s, !t.unfocused),
		// Steps that only change the configuration stand back.
		Cell: func(row, column int) (lipgloss.Style, bool) { return s.Muted, t.rows[row].size == 0 },
	}
	for _, r := range t.rows {
		table.Rows = append(table.Rows, []string{fmt.Sprint(r.number), widgets.Bytes(float64(r.size)), t.age(r.created), r.command})
	}
	if !t.filter.typing && table.Cut(width) {
		r := t.rows[t.list.at]
		foot = full(s, strings.TrimSpace(r.command+"  "+r.comment), width, height)
	}
	return stack(table.Render(width, height-len(foot)), foot, height)
}

// age of a step; reproducible images are made at the beginning of time.
func (t *ImageHistory) age(at time.Time) string {
	if at.Unix() <= 0 {
		return "–"
	}
	return ago(t.now().Sub(at))
}
