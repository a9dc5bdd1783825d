package dialogs

import (
	"strconv"
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Form asks several things at once. Make one with NewForm. It is changed in
// place, so that answers which take I/O, such as suggestions and the defaults
// of an image, can be given to it while it stands open.
type Form struct {
	Tag    any
	Name   string // the title
	About  string // one line in bold: what it is about
	Fields []Field
	Yes    string // the word for going on: "pull"
	// Preview, if set, is shown below the fields: the equivalent command.
	Preview func(Values) string
	// Note, if set, is what is good to know, such as where something is kept.
	Note func(Values) string
	// Follow, if set, names what the form depends on besides its fields, such as
	// the image that is run. When the name changes the root calls ask outside of
	// Update and lets what it returns change the form.
	Follow func(Values) (name string, ask func() func(*Form))
	// Check, if set, tells what is wrong with the values together.
	Check func(Values) string

	at      int
	wrong   string
	typed   int // characters that a user would have to type again
	leaving bool
	follows string
}

// NewForm makes a form ready to be opened.
func NewForm(f Form) *Form {
	for i := range f.Fields {
		f.Fields[i].begin()
	}
	return &f
}

// much is how many typed characters esc does not throw away without asking.
const much = 12

func (d *Form) Title() string { return d.Name }

func (d *Form) Hints() []string {
	if d.leaving {
		return []string{"y leave", "esc go on"}
	}
	h := []string{"enter " + d.Yes, "tab next"}
	switch f := d.Fields[d.at]; {
	case f.Kind == Choice:
		h = append(h, glyph.Left+"/"+glyph.Right+" choose")
	case f.Kind == Toggle:
		h = append(h, "space switch")
	case f.Kind == Rows:
		h[0] = "enter next row"
		h = append(h, "ctrl+s "+d.Yes)
	case f.ghost() != "":
		h[1] = "tab complete"
	case f.Take != "" && f.typed() == "":
		h = append(h, glyph.Right+" take it over")
	}
	if d.Preview != nil {
		h = append(h, "ctrl+y copy")
	}
	return append(h, "esc cancel")
}

// Values are the answers as they stand.
func (d *Form) Values() Values {
	v := make(Values, len(d.Fields))
	for i := range d.Fields {
		v[d.Fields[i].Key] = d.Fields[i].values()
	}
	return v
}

// Field finds a field by its key, to change what it hints at.
func (d *Form) Field(key string) *Field {
	for i := range d.Fields {
		if d.Fields[i].Key == key {
			return &d.Fields[i]
		}
	}
	return nil
}

func (d *Form) Key(key, text string) (Dialog, Result) {
	if d.leaving {
		switch key {
		case "y", "ctrl+c":
			return nil, Result{Tag: d.Tag}
		}
		d.leaving = false
		return d, Result{}
	}
	switch key {
	case "esc":
		if d.leaving = d.typed > much; d.leaving {
			return d, Result{}
		}
		return nil, Result{Tag: d.Tag}
	case "ctrl+c":
		return nil, Result{Tag: d.Tag}
	case "ctrl+y":
		if d.Preview != nil {
			return d, Result{Copy: d.Preview(d.Values())}
		}
	case "ctrl+s":
		return d.send()
	}
	if n, ok := strings.CutPrefix(key, "field:"); ok {
		i, _ := strconv.Atoi(n)
		d.move(i)
		if k := d.Fields[d.at].Kind; k == Toggle || k == Choice {
			d.Fields[d.at].key("space", "")
		}
		return d, Result{}
	}
	return d.fieldKey(key, text)
}

func (d *Form) fieldKey(key, text string) (Dialog, Result) {
	f := &d.Fields[d.at]
	if key == "tab" {
		if g := f.ghost(); g != "" {
			f.key("right", "")
			return d, Result{}
		}
	}
	if key == "enter" && f.Kind == Rows && f.typed() == "" && len(f.values()) > 0 {
		key = "tab" // an empty row ends the rows
	}
	if f.key(key, text) {
		d.typed += len([]rune(text))
		d.wrong = ""
		return d, Result{}
	}
	switch key {
	case "enter":
		return d.send()
	case "tab", "down":
		d.move(d.at + 1)
	case "shift+tab", "up":
		d.move(d.at - 1)
	}
	return d, Result{}
}

// move moves to a field and checks the one that is left.
func (d *Form) move(to int) {
	d.Fields[d.at].check()
	d.at = (to + len(d.Fields)) % len(d.Fields)
}

// send ends the form when nothing is wrong; else it goes to what is.
func (d *Form) send() (Dialog, Result) {
	bad := -1
	for i := range d.Fields {
		d.Fields[i].check()
		if d.Fields[i].wrong != "" && bad < 0 {
			bad = i
		}
	}
	if bad >= 0 {
		d.at = bad
		return d, Result{}
	}
	v := d.Values()
	if d.Check != nil {
		if d.wrong = d.Check(v); d.wrong != "" {
			return d, Result{}
		}
	}
	return nil, Result{Tag: d.Tag, OK: true, Values: v}
}

// Paste puts text into the field that has the focus.
func (d *Form) Paste(text string) Dialog {
	d.Fields[d.at].paste(text)
	d.typed += len([]rune(text))
	d.wrong, d.leaving = "", false
	return d
}

// Ask is what the field with the focus wants looked up, once for each text.
func (d *Form) Ask() (field int, typed string, lookup func(string) []string) {
	f := &d.Fields[d.at]
	if f.Lookup == nil || f.asked == f.typed() {
		return 0, "", nil
	}
	f.asked = f.typed()
	return d.at, f.asked, f.Lookup
}

// Suggest answers Ask; an answer to what no longer stands there is dropped.
func (d *Form) Suggest(field int, typed string, words []string) {
	if f := &d.Fields[field]; f.typed() == typed {
		f.words = words
	}
}

// Follows is what Follow wants to be asked now; nil when nothing has changed.
func (d *Form) Follows() func() func(*Form) {
	if d.Follow == nil {
		return nil
	}
	name, ask := d.Follow(d.Values())
	if name == d.follows {
		return nil
	}
	d.follows = name
	return ask
}

func (d *Form) View(width, height int, s styles.Styles) Body {
	var foot []string
	if d.wrong != "" {
		foot = append(foot, wrongLine(d.wrong, width, s))
	}
	var spots []Spot
	add := func(selected int, list ...Button) {
		row, at := buttons(s, width, len(foot), selected, list...)
		foot, spots = append(foot, row), append(spots, at...)
	}
	switch {
	case d.leaving:
		foot = append(foot, s.Busy.Render(cut("Leave, and lose what was typed?", width)))
		add(0, button("esc", "go on typing"), button("y", "leave"))
	case d.Fields[d.at].Kind == Rows:
		add(-1, button("esc", "cancel"), button("ctrl+s", d.Yes))
	default:
		add(1, button("esc", "cancel"), button("enter", d.Yes))
	}
	var body Body
	if d.About != "" && height > 8 {
		body.Lines = append(body.Lines, s.Text.Bold(true).Render(cut(d.About, width)), "")
	}
	extra := d.extra(width, height, s)
	room := max(1, height-len(body.Lines)-len(foot)-len(extra))
	lines, at := d.fieldLines(width, s)
	// The field with the focus stands in the middle, with what is around it.
	from := max(0, min(at.from-(room-at.to+at.from)/2, len(lines)-room))
	window(&body, lines, from, room, width, s)
	body.Lines = append(body.Lines, extra...)
	for _, spot := range spots {
		spot.Line += len(body.Lines)
		body.Spots = append(body.Spots, spot)
	}
	body.Lines = append(body.Lines, foot...)
	return body
}

// extra stands between the fields and the buttons: the command that does the
// same, and what is good to know; where it is tight, only one line of it.
func (d *Form) extra(width, height int, s styles.Styles) []string {
	var out []string
	if height > 12 {
		out = append(out, "")
	}
	if d.Preview != nil {
		most := max(1, min(4, height/6))
		for _, l := range commandLines(d.Preview(d.Values()), width, most) {
			out = append(out, s.Muted.Render(l))
		}
	}
	if d.Note != nil && (height > 12 || d.Preview == nil) {
		for _, l := range breakLines(d.Note(d.Values()), width) {
			out = append(out, s.Muted.Render(l))
		}
	}
	if height > 12 && len(out) > 1 {
		out = append(out, "")
	}
	return out
}

// commandLines breaks a command line; what goes on is set in.
func commandLines(command string, width, most int) []string {
	lines := widgets.Break(command, width-2)
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cut(lines[most-1], width-3)+glyph.Ellipsis)
	}
	for i := range lines {
		lead := "  "
		if i == 0 {
			lead = "$ "
		}
		lines[i] = lead + lines[i]
	}
	return lines
}

// window shows the part of the fields that fits, and how much more there is.
func window(body *Body, lines []fieldLine, from, room, width int, s styles.Styles) {
	end := min(len(lines), from+room)
	for i := from; i < end; i++ {
		text := lines[i].text
		more := ""
		if i == from && from > 0 {
			more = " " + glyph.Upwards
		} else if i == end-1 && end < len(lines) {
			more = " " + glyph.Downward
		}
		if more != "" {
			text = widgets.Slice(text, 0, width-2) + s.Accent.Render(more)
		}
		body.Spots = append(body.Spots, Spot{len(body.Lines), 0, width, "field:" + itoa(lines[i].field)})
		body.Lines = append(body.Lines, text)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// cut is text of at most width cells.
func cut(s string, width int) string {
	if widgets.Width(s) <= width {
		return s
	}
	return strings.TrimRight(widgets.Fit(s, width), " ")
}

func wrongLine(text string, width int, s styles.Styles) string {
	return s.Bad.Render(cut(glyph.Problem+" "+text, width))
}
