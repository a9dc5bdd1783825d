package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// fieldLine is a line of the form and the field that it belongs to.
type fieldLine struct {
	text  string
	field int
}

// span is a run of lines.
type span struct{ from, to int }

// fieldLines draws all fields, each width cells wide, and tells which lines
// belong to the one with the focus.
func (d *Form) fieldLines(width int, s styles.Styles) (lines []fieldLine, at span) {
	label := 0
	for _, f := range d.Fields {
		label = max(label, widgets.Width(f.Label))
	}
	for i := range d.Fields {
		from := len(lines)
		for _, text := range d.Fields[i].view(i == d.at, label, width, s) {
			lines = append(lines, fieldLine{text, i})
		}
		if i == d.at {
			at = span{from, len(lines)}
		}
	}
	return lines, at
}

// view draws a field: its label, its value over one or more lines, and below it
// what is wrong or what could be meant.
func (f *Field) view(focused bool, label, width int, s styles.Styles) []string {
	mark, style := "  ", s.Muted
	if focused {
		mark, style = s.Accent.Render(glyph.Bar)+" ", s.Text
	}
	room := max(6, width-label-4)
	lead := func(first bool, mark string) string {
		if first {
			return mark + style.Render(widgets.Fit(f.Label, label)) + "  "
		}
		return mark + strings.Repeat(" ", label+2)
	}
	var out []string
	for i, v := range f.viewValue(focused, room, s) {
		out = append(out, lead(i == 0, mark)+v)
	}
	below := ""
	switch {
	case f.wrong != "":
		for _, l := range widgets.Break(glyph.Problem+" "+f.wrong, room) {
			out = append(out, lead(false, mark)+s.Bad.Render(widgets.Fit(l, room)))
		}
	case focused && len(f.words) > 1:
		below = f.suggestions(room)
	}
	if below != "" {
		out = append(out, lead(false, mark)+s.Muted.Render(widgets.Fit(below, room)))
	}
	return out
}

func (f *Field) viewValue(focused bool, room int, s styles.Styles) []string {
	switch f.Kind {
	case Toggle:
		box, style := "[ ] ", s.Muted
		if f.on {
			box, style = "["+glyph.Marked+"] ", s.Text
		}
		return []string{s.Text.Render(box) + style.Render(widgets.Fit(f.About, room-4))}
	case Choice:
		return []string{f.viewChoice(focused, room, s)}
	}
	var out []string
	for i, l := range f.lines {
		on := focused && i == f.row
		ghost := ""
		switch {
		case len(l.text) == 0 && i == 0 && len(f.lines) == 1:
			ghost = f.Hint
		case on:
			ghost = f.ghost()
		}
		out = append(out, l.view(room, on, ghost, f.Kind == Secret, s))
	}
	return out
}

func (f *Field) viewChoice(focused bool, room int, s styles.Styles) string {
	out, used := "", 0
	for i, o := range f.Options {
		mark, style := glyph.Exited+" ", s.Muted
		if i == f.option {
			mark, style = glyph.Running+" ", s.Text
			if focused {
				style = s.Accent.Bold(true)
			}
		}
		w := widgets.Width(o) + 4
		if used+w > room && i != f.option {
			continue
		}
		out += style.Render(mark + o + "  ")
		used += w
	}
	return out + strings.Repeat(" ", max(0, room-used))
}

// suggestions are the words that fit, as many as there is room for. Of paths
// only the last part is shown.
func (f *Field) suggestions(room int) string {
	out := ""
	for i, w := range f.words {
		if j := strings.LastIndexByte(strings.TrimSuffix(w, "/"), '/'); f.Lookup != nil && j >= 0 {
			w = w[j+1:]
		}
		if widgets.Width(out)+widgets.Width(w)+2 > room-8 && i > 0 {
			return out + "+" + itoa(len(f.words)-i)
		}
		out += w + "  "
	}
	return out
}
