package tabs

import (
	"context"
	"fmt"
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

// ImageHistory lists the steps that made an image, newest first.
type ImageHistory struct {
	readTable[[]engine.HistoryEntry]
	styles func() styles.Styles
	now    func() time.Time
	rows   []step // what the filter leaves
}

// step is one entry as it is shown.
type step struct {
	number  int // 1 is the first step of the image, at the bottom
	command string
	size    int64
	comment string
}

// NewImageHistory makes the tab. It shows nothing before Open.
func NewImageHistory(eng engine.Engine, s func() styles.Styles, now func() time.Time) *ImageHistory {
	read := func(ctx context.Context, ref string) ([]engine.HistoryEntry, error) {
		return eng.Images().History(ctx, ref)
	}
	t := &ImageHistory{styles: s, now: now, readTable: readTable[[]engine.HistoryEntry]{reading: reading[[]engine.HistoryEntry]{read: read}}}
	t.columns = func(s styles.Styles) []widgets.Column {
		return []widgets.Column{
			{Title: "STEP", Right: true, Rank: 3, Style: s.Muted}, {Title: "SIZE", Right: true, Style: s.Text},
			{Title: "AGE", Right: true, Rank: 2, Style: s.Muted}, {Title: "MADE BY", Soft: true, Min: 16, Style: s.Text},
		}
	}
	t.remake = t.choose
	return t
}

// Name implements Panel.
func (t *ImageHistory) Name() string { return "History" }

// Open implements ObjectTab.
func (t *ImageHistory) Open(ctx context.Context, ref string) tea.Cmd {
	if ref != t.ref {
		t.list = list{}
	}
	return t.open(ctx, ref)
}

func (t *ImageHistory) choose() {
	t.rows = t.rows[:0]
	var shown [][]string
	for i, h := range t.value {
		r := step{number: len(t.value) - i, command: instruction(safe(h.CreatedBy)), size: h.Size, comment: safe(h.Comment)}
		if t.matches(r.command) {
			t.rows = append(t.rows, r)
			shown = append(shown, []string{fmt.Sprint(r.number), widgets.Bytes(float64(r.size)), t.age(h.Created), r.command})
		}
	}
	t.put(shown, -1)
}

func (t *ImageHistory) selected() step {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return step{}
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

// historyBindings are what can be done there.
var historyBindings = bindings[*ImageHistory]{
	{Action: keys.Action{ID: "history.copy", Keys: []string{"y"}, Title: "Copy the instruction", Help: "Copy what made the layer", Short: "copy the instruction"},
		why: (*ImageHistory).noRow, do: (*ImageHistory).copy},
}

func (t *ImageHistory) copy() tea.Cmd {
	r := t.selected()
	return copyText(r.command, fmt.Sprintf("step %d", r.number))
}

// Scope implements Panel.
func (t *ImageHistory) Scope() keys.Scope { return keys.History }

// Bind implements Panel.
func (t *ImageHistory) Bind(id keys.ID) (Bound, bool) {
	return bindRow(historyBindings, t, &t.tablePage, id, t.loaded)
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
	return ofFilter(len(t.rows), len(t.value), t.filter.text, "step", "steps") + glyph.Sep + widgets.Bytes(float64(bytes))
}

// View implements Panel.
func (t *ImageHistory) View(width, height int) []string {
	s := t.styles()
	if lines, instead := t.instead(s, "image", width, height); instead {
		return lines
	}
	// Steps that only change the configuration stand back.
	muted := s.Muted
	quiet := func(row, _ int) (lipgloss.Style, bool) { return muted, t.rows[row].size == 0 }
	r := t.selected()
	return t.view(s, strings.TrimSpace(r.command+"  "+r.comment), "The image does not say how it was made.", quiet, width, height)
}

// age of a step; reproducible images are made at the beginning of time.
func (t *ImageHistory) age(at time.Time) string {
	if at.Unix() <= 0 {
		return glyph.Dash
	}
	return ago(t.now().Sub(at))
}
