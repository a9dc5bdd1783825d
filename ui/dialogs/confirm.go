package dialogs

import (
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Confirm asks one question. The safe answer is preselected; esc always leaves.
type Confirm struct {
	Tag      any
	Name     string   // the title: "Remove"
	Question string   // "Remove 2 containers?"
	Objects  []Object // all that it is about
	Note     string   // consequences, such as the bytes that come back
	Warn     string   // what is easily overlooked
	Command  string   // that does the same
	Yes      string   // the word on the button that acts: "remove"
	// More are other ways on, each a result with its key.
	More []Button
	// Harmless says that the button that acts is selected at first.
	Harmless bool
	other    bool // the other button is selected
	scroll   scroll
}

// Object is what a question or a piece of work is about, by name.
type Object struct {
	Name  string
	About string   // its state, its size
	Under []string // what depends on it
}

func (c Confirm) Title() string {
	if c.Name == "" {
		return "Sure?"
	}
	return c.Name
}

func (c Confirm) Hints() []string {
	h := hints(c.buttons())
	if c.Yes != "" {
		h = append(h, glyph.Left+"/"+glyph.Right+" choose", "enter take it")
	}
	return append(h, "ctrl+y copy")
}

// buttons are the ways on; without a word for yes there are only the others.
func (c Confirm) buttons() []Button {
	list := []Button{button("esc", "cancel")}
	if c.Yes != "" {
		list = append(list, button("y", c.Yes))
	}
	return append(list, c.More...)
}

func (c Confirm) Key(key, _ string) (Dialog, Result) {
	for _, b := range c.More {
		if b.Key == key {
			return nil, Result{Tag: c.Tag, OK: true, Key: key}
		}
	}
	if c.Yes == "" && (key == "y" || key == "enter" || key == "tab") {
		key = "esc"
	}
	switch key {
	case "esc", "n", "q", "ctrl+c":
		return nil, Result{Tag: c.Tag}
	case "y":
		return nil, Result{Tag: c.Tag, OK: true}
	case "left", "right", "h", "l", "tab", "shift+tab":
		c.other = !c.other
	case "enter":
		return nil, Result{Tag: c.Tag, OK: c.acts()}
	case "ctrl+y":
		return c, Result{Copy: c.Command}
	default:
		c.scroll.key(key)
	}
	return c, Result{}
}

// acts tells whether the button that acts is selected.
func (c Confirm) acts() bool { return c.Harmless != c.other }

// Sized implements Sized.
func (c Confirm) Sized(width, height int) Dialog {
	_, _, c.scroll.over = c.parts(width, height, styles.Styles{})
	return c
}

func (c Confirm) View(width, height int, s styles.Styles) Body {
	objects, foot, _ := c.parts(width, height, s)
	b := Body{Lines: []string{s.Text.Render(cut(c.Question, width))}}
	if roomy(height) {
		b.Lines = append(b.Lines, "")
	}
	b.Lines = append(b.Lines, windowed(objects, max(1, height-len(b.Lines)-len(foot)-1), c.scroll.offset, s)...)
	b.Lines = append(b.Lines, foot...)
	selected := 0
	if c.acts() {
		selected = 1
	}
	row, spots := buttons(s, width, len(b.Lines), selected, c.buttons()...)
	return Body{append(b.Lines, row), spots}
}

// roomy tells whether there is room for empty lines and for what is only good
// to know.
func roomy(height int) bool { return height > 12 }

// parts are the lines between question and buttons, and how many of the objects
// do not fit.
func (c Confirm) parts(width, height int, s styles.Styles) (objects, foot []string, over int) {
	for _, l := range breakLines(c.Warn, width) {
		foot = append(foot, s.Busy.Render(l))
	}
	for _, l := range breakLines(c.Note, width) {
		foot = append(foot, s.Muted.Render(l))
	}
	head := 1
	if !roomy(height) { // the objects matter more than what is said about them
		foot = foot[:min(len(foot), max(0, height-5))]
	} else {
		head = 2
		if len(foot) > 0 {
			foot = append([]string{""}, foot...)
		}
		if c.Command != "" {
			foot = append(foot, "")
			for _, l := range commandLines(c.Command, width, 3) {
				foot = append(foot, s.Muted.Render(l))
			}
		}
		foot = append(foot, "")
	}
	objects = objectLines(c.Objects, width, s)
	return objects, foot, len(objects) - (height - head - len(foot) - 1)
}

func breakLines(text string, width int) []string {
	if text == "" {
		return nil
	}
	return widgets.Break(text, width)
}

// objectLines names each object in bold, what is to be known of it, and what
// depends on it.
func objectLines(list []Object, width int, s styles.Styles) []string {
	names := 0
	for _, o := range list {
		names = max(names, widgets.Width(o.Name))
	}
	names = min(names, max(8, width*3/5))
	var out []string
	for _, o := range list {
		out = append(out, "  "+s.Text.Bold(true).Render(widgets.FitName(o.Name, names))+"  "+s.Muted.Render(cut(o.About, max(0, width-names-4))))
		for i, u := range o.Under {
			branch := glyph.Branch
			if i == len(o.Under)-1 {
				branch = glyph.Corner
			}
			out = append(out, "    "+s.Muted.Render(cut(branch+" "+u, width-4)))
		}
	}
	return out
}
