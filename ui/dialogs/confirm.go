package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Confirm asks one question. The safe answer is preselected; esc always leaves.
type Confirm struct {
	Tag      any
	Question string   // "Remove 2 containers?"
	Objects  []string // each by name, with what is to be known of it
	Note     string   // consequences, such as the bytes that come back
	Yes      string   // the word on the button that acts: "remove"
	YesKey   string   // the key that acts, "y" when empty
	yes      bool     // whether that button is selected
}

func (c Confirm) Title() string { return "Sure?" }

func (c Confirm) Hints() []string {
	return []string{c.key() + " " + c.Yes, "esc cancel", glyph.Left + "/" + glyph.Right + " choose", "enter take it"}
}

func (c Confirm) key() string {
	if c.YesKey != "" {
		return c.YesKey
	}
	return "y"
}

func (c Confirm) Key(key, _ string) (Dialog, Result) {
	switch key {
	case "esc", "n", "q", "ctrl+c":
		return nil, Result{Tag: c.Tag}
	case c.key():
		return nil, Result{Tag: c.Tag, OK: true}
	case "left", "right", "h", "l", "tab", "shift+tab":
		c.yes = !c.yes
	case "enter":
		return nil, Result{Tag: c.Tag, OK: c.yes}
	}
	return c, Result{}
}

func (c Confirm) View(width, height int, s styles.Styles) []string {
	lines := []string{s.Title.Render(widgets.Fit(c.Question, min(width, widgets.Width(c.Question)))), ""}
	room := max(1, height-len(lines)-4)
	for i, o := range c.Objects {
		if i == room-1 && len(c.Objects) > room {
			lines = append(lines, s.Muted.Render("  "+glyph.Ellipsis+" and "+plural(len(c.Objects)-i, "more", "more")))
			break
		}
		lines = append(lines, "  "+s.Text.Bold(true).Render(strings.TrimRight(widgets.Fit(o, min(width-2, widgets.Width(o))), " ")))
	}
	if c.Note != "" {
		lines = append(lines, "")
		for _, l := range widgets.Break(c.Note, width) {
			lines = append(lines, s.Muted.Render(l))
		}
	}
	return append(lines, "", button(s, !c.yes, "esc", "cancel")+"   "+button(s, c.yes, c.key(), c.Yes))
}

// button shows its key; the selected one is marked, not by colour alone.
func button(s styles.Styles, selected bool, key, word string) string {
	if selected {
		return s.Bar(true).Render(glyph.Bar) + s.On(s.Text).Render(" "+key+" "+word+" ")
	}
	return s.Muted.Render("  " + key + " " + word + " ")
}
