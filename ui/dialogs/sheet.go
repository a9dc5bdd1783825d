package dialogs

import (
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Sheet asks which kinds of things may go, with all of them by name. Kinds are
// ticked; what comes back is counted for what is ticked.
type Sheet struct {
	Tag      any
	Name     string
	Question string
	Groups   []Group
	Yes      string
	Note     string
	// Size writes a number of bytes.
	Size func(int64) string
	// Command is the command line for what is ticked.
	Command func(on []bool) string
	at      int // the line under the cursor
}

// Group is one kind.
type Group struct {
	Name    string
	Objects []Object
	Bytes   int64
	On      bool
	Needs   int // 1 + the group that goes whenever this one does; 0: none
}

func (d Sheet) Title() string { return d.Name }

func (d Sheet) Hints() []string {
	return []string{"space tick", "y " + d.Yes, "j/k move", "ctrl+y copy", "esc cancel"}
}

// On tells which groups are ticked.
func (d Sheet) On() []bool {
	out := make([]bool, len(d.Groups))
	for i, g := range d.Groups {
		out[i] = g.On
	}
	return out
}

func (d Sheet) sum() (objects int, bytes int64) {
	for _, g := range d.Groups {
		if g.On {
			objects += len(g.Objects)
			bytes += g.Bytes
		}
	}
	return objects, bytes
}

// rows are the lines of the list: a group, or an object of one.
func (d Sheet) rows() (out []struct{ group, object int }) {
	for g := range d.Groups {
		out = append(out, struct{ group, object int }{g, -1})
		for o := range d.Groups[g].Objects {
			out = append(out, struct{ group, object int }{g, o})
		}
	}
	return out
}

func (d Sheet) Key(key, _ string) (Dialog, Result) {
	rows := d.rows()
	for i := range d.Groups {
		if key == "group:"+itoa(i) {
			return d.tick(i), Result{}
		}
	}
	switch key {
	case "esc", "q", "n", "ctrl+c":
		return nil, Result{Tag: d.Tag}
	case "y":
		if n, _ := d.sum(); n > 0 {
			return nil, Result{Tag: d.Tag, OK: true}
		}
	case "enter":
		return nil, Result{Tag: d.Tag} // the safe answer is selected
	case "ctrl+y":
		return d, Result{Copy: d.Command(d.On())}
	case "space":
		return d.tick(rows[d.at].group), Result{}
	case "tab", "shift+tab":
		step := map[string]int{"tab": 1, "shift+tab": -1}[key]
		for i := d.at + step; i >= 0 && i < len(rows); i += step {
			if rows[i].object < 0 {
				d.at = i
				break
			}
		}
	default:
		d.at = max(0, min(d.at+scrollKeys[key], len(rows)-1))
	}
	return d, Result{}
}

// tick turns a group on or off, with what it takes along.
func (d Sheet) tick(i int) Dialog {
	d.Groups = append([]Group(nil), d.Groups...)
	g := &d.Groups[i]
	if len(g.Objects) == 0 {
		return d
	}
	g.On = !g.On
	if n := g.Needs - 1; n >= 0 && g.On && len(d.Groups[n].Objects) > 0 {
		d.Groups[n].On = true
	}
	for j := range d.Groups {
		if d.Groups[j].Needs == i+1 && !g.On {
			d.Groups[j].On = false
		}
	}
	return d
}

func (d Sheet) View(width, height int, s styles.Styles) Body {
	b := Body{Lines: []string{s.Text.Render(cut(d.Question, width))}}
	if roomy(height) {
		b.Lines = append(b.Lines, "")
	}
	n, bytes := d.sum()
	foot := []string{s.Text.Bold(true).Render(cut(d.Size(bytes)+" come back", width)) + s.Muted.Render(cut("  from "+plural(n, "object", "objects"), width-20))}
	if n == 0 {
		foot[0] = s.Muted.Render("nothing is ticked")
	}
	if roomy(height) {
		foot = append([]string{""}, foot...)
		for _, l := range breakLines(d.Note, width) {
			foot = append(foot, s.Muted.Render(l))
		}
		foot = append(foot, s.Muted.Render(cut("$ "+d.Command(d.On()), width)), "")
	}
	rows := d.rows()
	room := max(1, height-len(b.Lines)-len(foot)-1)
	from := widgets.Window(len(rows), room, d.at, max(0, d.at-room/2))
	for i := from; i < min(len(rows), from+room); i++ {
		b.Spots = append(b.Spots, Spot{len(b.Lines), 0, width, "group:" + itoa(rows[i].group)})
		b.Lines = append(b.Lines, d.row(rows[i].group, rows[i].object, i == d.at, width, s))
	}
	b.Lines = append(b.Lines, foot...)
	row, spots := buttons(s, width, len(b.Lines), 0, button("esc", "cancel"), button("y", d.Yes), button("space", "tick"))
	return Body{append(b.Lines, row), append(b.Spots, spots...)}
}

func (d Sheet) row(group, object int, cursor bool, width int, s styles.Styles) string {
	g := d.Groups[group]
	mark := "  "
	if cursor {
		mark = s.Accent.Render(glyph.Bar) + " "
	}
	if object >= 0 {
		o := g.Objects[object]
		about := widgets.Width(o.About)
		name := s.Muted
		if g.On {
			name = s.Text
		}
		return mark + "    " + name.Render(widgets.FitName(o.Name, max(4, width-8-about))) + s.Muted.Render("  "+o.About)
	}
	box := "[ ] "
	if g.On {
		box = "[" + glyph.Marked + "] "
	}
	right := itoa(len(g.Objects)) + "  " + widgets.FitLeft(d.Size(g.Bytes), 9)
	style := s.Text.Bold(true)
	if len(g.Objects) == 0 {
		style, box, right = s.Muted, "    ", "none"
	}
	return mark + style.Render(box+widgets.Fit(g.Name, max(4, width-7-widgets.Width(right)))) + " " + s.Muted.Render(right)
}
