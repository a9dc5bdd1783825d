package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Message says something that must be read: a failure, a list of what was done.
// Of a failure Name says what failed and on which object.
type Message struct {
	Tag     any
	Name    string   // the title
	What    string   // one sentence, in bold: "stop db"
	Text    string   // why, wrapped
	Hint    string   // what to do next
	Chain   string   // the whole account of a failure, one key away
	Buttons []Button // ways on besides closing; a press is a result with its key
	Bad     bool
	open    bool // the chain is shown
	scroll  scroll
}

func (d Message) Title() string { return d.Name }

func (d Message) Hints() []string {
	return hints(d.buttons())
}

func (d Message) buttons() []Button {
	list := append([]Button{button("esc", "close")}, d.Buttons...)
	list = append(list, button("y", "copy"))
	if d.Chain != "" && !d.open {
		list = append(list, button("e", "details"))
	}
	return list
}

func (d Message) Key(key, _ string) (Dialog, Result) {
	for _, b := range d.Buttons {
		if key == b.Key {
			return nil, Result{Tag: d.Tag, OK: true, Key: key}
		}
	}
	switch key {
	case "esc", "enter", "q", "ctrl+c", "space":
		return nil, Result{Tag: d.Tag}
	case "y":
		return d, Result{Copy: d.plain()}
	case "e":
		d.open = true
	default:
		d.scroll.key(key)
	}
	return d, Result{}
}

// plain is what is copied: everything.
func (d Message) plain() string {
	var parts []string
	for _, p := range []string{d.What, d.Text, d.Hint, d.Chain} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "\n")
}

// Sized implements Sized.
func (d Message) Sized(width, height int) Dialog {
	d.scroll.over = len(d.lines(width, styles.Styles{})) - (height - 2)
	return d
}

func (d Message) View(width, height int, s styles.Styles) Body {
	lines := windowed(d.lines(width, s), max(1, height-2), d.scroll.offset, s)
	if len(lines) < height-1 {
		lines = append(lines, "")
	}
	row, spots := buttons(s, width, len(lines), 0, d.buttons()...)
	return Body{append(lines, row), spots}
}

func (d Message) lines(width int, s styles.Styles) []string {
	var lines []string
	if d.What != "" {
		mark, style := "", s.Text.Bold(true)
		if d.Bad {
			mark = glyph.Problem + " "
		}
		for i, l := range widgets.Break(d.What, width-2) {
			if i > 0 && d.Bad {
				mark = "  "
			}
			lines = append(lines, s.Bad.Render(mark)+style.Render(l))
		}
		lines = append(lines, "")
	}
	indent := ""
	if d.Bad {
		indent = "  "
	}
	add := func(text, lead string, style func(...string) string) {
		if text == "" {
			return
		}
		if len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, "")
		}
		for i, l := range widgets.Break(text, width-len(indent)-widgets.Width(lead)) {
			if i > 0 {
				lead = strings.Repeat(" ", widgets.Width(lead))
			}
			lines = append(lines, indent+style(lead+l))
		}
	}
	add(d.Text, "", s.Text.Render)
	add(d.Hint, glyph.Right+" ", s.Accent.Render)
	if d.open {
		add(d.Chain, "", s.Muted.Render)
	}
	return lines
}
