package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Input asks for lines of text, one per field.
type Input struct {
	Tag    any
	Name   string // the title
	Fields []Field
	Yes    string // the word for going on: "pull"
	// Preview, if set, is shown below the fields: the equivalent command.
	Preview func(values []string) string
	// Check, if set, tells what is wrong with the values, "" when nothing is.
	Check func(values []string) string
	at    int
	wrong string
}

// Field is one line of an Input.
type Field struct {
	Label string
	Hint  string // shown while it is empty
	Value string
	// Secret hides what is typed.
	Secret bool
}

func (d Input) Title() string { return d.Name }

func (d Input) Hints() []string { return []string{"enter " + d.Yes, "tab next field", "esc cancel"} }

// Values are the fields' texts.
func (d Input) Values() []string {
	out := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		out[i] = f.Value
	}
	return out
}

func (d Input) Key(key, text string) (Dialog, Result) {
	fields := append([]Field(nil), d.Fields...)
	d.Fields = fields
	f := &fields[d.at]
	switch key {
	case "esc", "ctrl+c":
		return nil, Result{Tag: d.Tag}
	case "enter":
		if d.Check != nil {
			if d.wrong = d.Check(d.Values()); d.wrong != "" {
				return d, Result{}
			}
		}
		return nil, Result{Tag: d.Tag, OK: true, Text: strings.Join(d.Values(), "\x00")}
	case "tab", "down":
		d.at = (d.at + 1) % len(fields)
	case "shift+tab", "up":
		d.at = (d.at + len(fields) - 1) % len(fields)
	case "backspace":
		if r := []rune(f.Value); len(r) > 0 {
			f.Value = string(r[:len(r)-1])
		}
	case "ctrl+u":
		f.Value = ""
	case "ctrl+w":
		f.Value = strings.TrimRight(f.Value, " ")
		f.Value = f.Value[:strings.LastIndexByte(f.Value, ' ')+1]
	default:
		f.Value += widgets.Safe([]byte(text))
	}
	d.wrong = ""
	return d, Result{}
}

func (d Input) View(width, height int, s styles.Styles) []string {
	label := 0
	for _, f := range d.Fields {
		label = max(label, widgets.Width(f.Label))
	}
	var lines []string
	for i, f := range d.Fields {
		value, style := f.Value, s.Text
		if f.Secret {
			value = strings.Repeat(glyph.Secret, len([]rune(value)))
		}
		room := max(4, width-label-4)
		if over := widgets.Width(value) - room + 1; over > 0 { // the end is what is being typed
			value = widgets.Slice(value, over, over+room)
		}
		mark := "  "
		if i == d.at {
			mark, value = s.Accent.Render(glyph.Bar)+" ", value+glyph.Caret
		} else if value == "" {
			value, style = f.Hint, s.Muted
		}
		if i == d.at && f.Value == "" && f.Hint != "" {
			value = glyph.Caret + f.Hint
			style = s.Muted
		}
		lines = append(lines, mark+s.Muted.Render(widgets.Fit(f.Label, label))+"  "+style.Render(widgets.Fit(value, room)))
	}
	if d.Preview != nil {
		lines = append(lines, "", s.Muted.Render(strings.TrimRight(widgets.Fit("$ "+d.Preview(d.Values()), width), " ")))
	}
	if d.wrong != "" {
		lines = append(lines, "", s.Bad.Render(glyph.Problem+" "+strings.TrimRight(widgets.Fit(d.wrong, width-2), " ")))
	}
	return append(lines, "", s.Muted.Render("enter "+d.Yes+"   esc cancel"))
}

// Values splits the text of an Input's result.
func Values(r Result) []string { return strings.Split(r.Text, "\x00") }
