package dialogs

import (
	"fmt"
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Part is one line of work in progress.
type Part struct {
	Name  string
	State string
	Size  string // "3.1 MB" or "1.2/3.1 MB"
	Done  int64
	Total int64
	Bad   bool
	Over  bool
}

// Progress shows work until it is over. Leaving it does not end the work;
// cancelling does: a result that is not OK.
type Progress struct {
	Tag    any
	Name   string
	About  string // the object, in bold
	Parts  []Part
	Done   int64
	Total  int64
	Rate   string // "12 MB/s · 3 s left"
	Note   string // at the end: how it went
	Hint   string // at the end of what failed: what to do next
	Over   bool
	Bad    bool
	scroll scroll
	moved  bool // by the user: no longer at the end by itself
}

func (d Progress) Title() string { return d.Name }

func (d Progress) Hints() []string {
	return hints(d.buttons())
}

func (d Progress) buttons() []Button {
	if d.Over {
		return []Button{button("esc", "close"), button("y", "copy")}
	}
	return []Button{button("esc", "hide, it goes on"), button("x", "cancel it")}
}

func (d Progress) Key(key, _ string) (Dialog, Result) {
	switch {
	case key == "x" && !d.Over:
		return nil, Result{Tag: d.Tag, OK: false}
	case key == "esc", key == "q", key == "ctrl+c", d.Over && (key == "enter" || key == "space"):
		return nil, Result{Tag: d.Tag, OK: true}
	case key == "y" && d.Over:
		return d, Result{Copy: strings.TrimSpace(d.About + "\n" + d.Note)}
	}
	d.scroll.key(key)
	d.moved = d.moved || scrollKeys[key] != 0
	return d, Result{}
}

// Sized implements Sized.
func (d Progress) Sized(width, height int) Dialog {
	d.scroll.over = len(d.Parts) - d.partsRoom(width, height)
	return d
}

func (d Progress) partsRoom(width, height int) int {
	return max(1, height-len(d.head(width, height, styles.Styles{}))-len(d.foot(width, height, styles.Styles{}))-1)
}

func (d Progress) View(width, height int, s styles.Styles) Body {
	lines := d.head(width, height, s)
	var parts []string
	for _, p := range d.Parts {
		parts = append(parts, p.view(width, s))
	}
	room := d.partsRoom(width, height)
	if len(parts) > room && !d.moved {
		parts = d.busiest(parts, room)
	}
	lines = append(lines, windowed(parts, room, d.scroll.offset, s)...)
	lines = append(lines, d.foot(width, height, s)...)
	row, spots := buttons(s, width, len(lines), 0, d.buttons()...)
	return Body{append(lines, row), spots}
}

// busiest leaves finished parts out, the first ones first, until the rest fits.
func (d Progress) busiest(lines []string, room int) []string {
	var out []string
	skip := len(lines) - room
	for i, l := range lines {
		if skip > 0 && d.Parts[i].Over && !d.Parts[i].Bad {
			skip--
			continue
		}
		out = append(out, l)
	}
	return out
}

func (d Progress) head(width, height int, s styles.Styles) []string {
	var out []string
	if d.About != "" {
		out = append(out, s.Text.Bold(true).Render(cut(d.About, width)))
	}
	switch {
	case len(d.Parts) == 0 && !d.Over:
		out = append(out, s.Muted.Render(widgets.Fit("asking "+glyph.Ellipsis, width)))
	case d.Total > 0 && !d.Over:
		out = append(out, d.overall(width, s))
	}
	if roomy(height) && len(out) > 0 {
		out = append(out, "")
	}
	return out
}

// overall is the bar of the whole work, with its speed.
func (d Progress) overall(width int, s styles.Styles) string {
	percent := fmt.Sprintf(" %3d %%", 100*min(d.Done, d.Total)/d.Total)
	text := percent
	if d.Rate != "" && widgets.Width(d.Rate)+widgets.Width(percent)+14 < width {
		text += "  " + d.Rate
	}
	bar := max(4, width-widgets.Width(text))
	return gauge(d.Done, d.Total, bar, s.Accent.Render, s.Muted.Render) + s.Text.Render(text)
}

func (d Progress) foot(width, height int, s styles.Styles) []string {
	var out []string
	style := s.OK
	mark := glyph.Done + " "
	if d.Bad {
		style, mark = s.Bad, glyph.Problem+" "
	}
	for i, l := range breakLines(d.Note, width-2) {
		if i > 0 {
			mark = "  "
		}
		out = append(out, style.Render(mark+l))
	}
	for i, l := range breakLines(d.Hint, width-4) {
		lead := "  " + glyph.Right + " "
		if i > 0 {
			lead = "    "
		}
		out = append(out, s.Accent.Render(lead+l))
	}
	if roomy(height) {
		if len(out) > 0 && len(d.Parts) > 0 {
			out = append([]string{""}, out...)
		}
		out = append(out, "")
	}
	return out
}

// view is a part: its name, a bar, what it does, its size.
func (p Part) view(width int, s styles.Styles) string {
	const name = 12
	state, size := 12, 17
	if width < 56 {
		size = 0
	}
	if width < 34 {
		state = 0
	}
	bar := max(4, width-name-state-size-2)
	style, done, total := s.Accent, p.Done, p.Total
	switch {
	case p.Bad:
		style = s.Bad
	case p.Over:
		style, done, total = s.OK, 1, 1
	}
	out := s.Text.Render(widgets.Fit(p.Name, name)) + " " + gauge(done, total, bar, style.Render, s.Muted.Render) + " "
	if size > 0 {
		out += s.Muted.Render(widgets.FitLeft(p.Size, size-1) + " ")
	}
	word := s.Muted
	if p.Bad {
		word = s.Bad
	}
	return out + word.Render(widgets.Fit(p.State, state))
}

// gauge is a bar of exactly width cells, drawn to half a cell.
func gauge(done, total int64, width int, full, rest func(...string) string) string {
	fill := 0
	if total > 0 {
		fill = int(int64(width) * max(0, min(done, total)) / total)
	}
	return full(strings.Repeat(glyph.Full, fill)) + rest(strings.Repeat(glyph.Empty, width-fill))
}
