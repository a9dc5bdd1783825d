package ui

import (
	"cmp"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/keys"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// offers are the actions that an empty store is good for, most useful first.
// One that the registry does not have is not offered.
var offers = []keys.ID{"image.pull", "image.load", "demo.start"}

// welcoming tells whether there is nothing to list yet: then the page offers a
// beginning instead of empty lists.
func (m *Model) welcoming() bool {
	s := &m.state
	return s.Have.Has(feed.Containers|feed.Images|feed.Volumes|feed.Jobs) && len(s.Containers)+len(s.Images)+len(s.Volumes)+len(s.Jobs) == 0
}

// offered are the actions of the welcome with the keys that they have now.
func (m *Model) offered() []keys.Action {
	var out []keys.Action
	for _, id := range offers {
		if a, ok := m.keys.Get(id); ok {
			out = append(out, a)
		}
	}
	return out
}

// welcomeKey takes the keys of the offers wherever they belong otherwise, and
// those that choose among them.
func (m *Model) welcomeKey(key string) (bool, tea.Cmd) {
	list := m.offered()
	for _, a := range list {
		if len(a.Keys) > 0 && a.Keys[0] == key {
			return true, m.act(a)
		}
	}
	switch key {
	case "j", "down":
		m.offer = min(m.offer+1, len(list)-1)
	case "k", "up":
		m.offer = max(m.offer-1, 0)
	case "enter":
		if m.offer < len(list) {
			return true, m.act(list[m.offer])
		}
	default:
		return false, nil
	}
	return true, nil
}

func (m *Model) welcomeHints() []string {
	var out []string
	for _, a := range m.offered() {
		if len(a.Keys) > 0 {
			out = append(out, a.Keys[0]+" "+cmp.Or(a.Short, a.Word))
		}
	}
	return append(out, "q quit", "? help")
}

// welcome is the page of an empty store, from below the header to the footer.
func (m *Model) welcome() []string {
	r := rect{0, 1, m.width, m.height - 2}
	p := widgets.Pane{Title: "Welcome", Width: r.w, Height: r.h, Focused: true, Border: m.styles.Focus, Bold: m.styles.FocusTitle}
	w, h := p.Inner()
	c := card{s: m.styles, width: w}
	if h > 13 && w > 30 {
		c.crane()
	}
	c.title("There are no containers and no images yet.")
	c.rows(m.offered(), m.offer)
	if len(m.info.Warnings) > 0 {
		c.gap()
		for _, warning := range m.info.Warnings {
			c.problem(warning, "")
		}
		for _, f := range m.info.Features {
			if !f.OK && f.Hint != "" {
				c.problem(f.Name+": "+f.Note, f.Hint)
			}
		}
	}
	return p.Render(c.middle(h))
}

// card is a text in the middle of a pane.
type card struct {
	s     styles.Styles
	width int
	lines []string
}

func (c *card) gap() { c.lines = append(c.lines, "") }

// centre adds a line whose text is w cells wide.
func (c *card) centre(line string, w int) {
	left := max(0, (c.width-w)/2)
	c.lines = append(c.lines, strings.Repeat(" ", left)+line+strings.Repeat(" ", max(0, c.width-left-w)))
}

// crane draws what a gantry is: a frame, and between its legs the load. Its
// letters stand for glyphs.
func (c *card) crane() {
	sign := strings.NewReplacer("=", glyph.Full, "|", glyph.Vertical, "-", glyph.Horizontal,
		"/", glyph.TopLeft, "\\", glyph.TopRight, "<", glyph.BottomLeft, ">", glyph.BottomRight)
	for _, part := range [][3]string{
		{"====", "==================", "===="},
		{" |  ", "      |    |      ", "  | "},
		{" |  ", "/----------------\\", "  | "},
		{" |  ", "| | | gantry | | |", "  | "},
		{" |  ", "<---------------->", "  | "},
		{"=== ", "                  ", " ==="},
	} {
		load := c.s.Accent
		if strings.Contains(part[1], "=") {
			load = c.s.Muted
		}
		line := c.s.Muted.Render(sign.Replace(part[0])) + load.Render(sign.Replace(part[1])) + c.s.Muted.Render(sign.Replace(part[2]))
		c.centre(line, len(part[0])+len(part[1])+len(part[2]))
	}
	c.gap()
}

func (c *card) title(text string) {
	for _, line := range widgets.Break(text, c.width-2) {
		c.centre(c.s.Title.Render(line), widgets.Width(line))
	}
	c.gap()
}

// rows are the offers: key, what it does, and a word about it where there is
// room.
func (c *card) rows(list []keys.Action, cursor int) {
	key, title, help := 0, 0, 0
	for _, a := range list {
		key = max(key, widgets.Width(firstKey(a)))
		title, help = max(title, widgets.Width(a.Title)), max(help, widgets.Width(a.Help))
	}
	if help = min(help, c.width-2-(7+key+title)); help < 30 {
		help = 0 // too little to be understood
	}
	for i, a := range list {
		bar, text, muted, accent := " ", c.s.Text, c.s.Muted, c.s.Key
		if i == cursor {
			bar, text, muted, accent = c.s.Bar(true).Render(glyph.Bar), c.s.On(text.Bold(true)), c.s.On(muted), c.s.On(accent)
		}
		line := bar + accent.Render(" "+widgets.Fit(firstKey(a), key+2)) + text.Render(widgets.Fit(a.Title, title+2))
		width := 4 + key + title + 2
		if help > 0 {
			line += muted.Render(widgets.Fit(a.Help, help+1))
			width += help + 1
		}
		c.centre(line, width)
	}
}

// firstKey is the key that is shown for an action, or its word in the palette.
func firstKey(a keys.Action) string {
	if len(a.Keys) > 0 {
		return a.Keys[0]
	}
	return ":" + a.Word
}

// problem is something that is missing, and how to get it.
func (c *card) problem(text, hint string) {
	width := min(c.width-4, 90)
	add := func(style func(...string) string, mark, text string) {
		for i, line := range widgets.Break(text, width-2) {
			if i > 0 {
				mark = " "
			}
			c.centre(style(mark+" "+widgets.Fit(line, width-2)), width)
		}
	}
	add(c.s.Warn.Render, glyph.Problem, text)
	if hint != "" {
		add(c.s.Muted.Render, glyph.Right, hint)
	}
}

// middle is the card in the middle of h lines, a little above it because the
// eye finds it there; what is too much is cut at the end.
func (c *card) middle(h int) []string {
	if len(c.lines) >= h {
		return c.lines[:h]
	}
	return append(make([]string, (h-len(c.lines))*2/5), c.lines...)
}
