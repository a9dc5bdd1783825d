package dialogs

import (
	"fmt"
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Message says something that must be read: a failure, a report.
type Message struct {
	Name string
	Text string // wrapped
	Hint string // what to do next
	Bad  bool
}

func (d Message) Title() string { return d.Name }

func (d Message) Hints() []string { return []string{"esc close", "y copy"} }

func (d Message) Key(key, _ string) (Dialog, Result) {
	switch key {
	case "esc", "enter", "q", "ctrl+c", "space":
		return nil, Result{}
	case "y":
		return nil, Result{Tag: Copy(d.Text), OK: true}
	}
	return d, Result{}
}

// Copy is the tag of a result that asks for its text to be copied.
type Copy string

func (d Message) View(width, height int, s styles.Styles) []string {
	style := s.Text
	var lines []string
	for i, l := range widgets.Break(d.Text, width-2) {
		mark := "  "
		if i == 0 && d.Bad {
			mark, style = s.Bad.Render(glyph.Problem+" "), s.Text
		}
		lines = append(lines, mark+style.Render(l))
	}
	if d.Hint != "" {
		lines = append(lines, "")
		for _, l := range widgets.Break(d.Hint, width-2) {
			lines = append(lines, "  "+s.Accent.Render(l))
		}
	}
	if len(lines) > height-2 {
		lines = append(lines[:max(0, height-3)], s.Muted.Render(fmt.Sprintf("  "+glyph.Ellipsis+" %d more lines", len(lines)-height+3)))
	}
	return append(lines, "", s.Muted.Render("  esc close   y copy"))
}

// plural is "1 layer" or "3 layers".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Part is one line of work in progress.
type Part struct {
	Name  string
	State string
	Done  int64
	Total int64
	Bad   bool
	Over  bool
}

// Progress shows work until it is over. Leaving it does not end the work;
// Cancel does.
type Progress struct {
	Tag   any
	Name  string
	Parts []Part
	Note  string // at the end: how it went
	Over  bool
	Bad   bool
}

func (d Progress) Title() string { return d.Name }

func (d Progress) Hints() []string {
	if d.Over {
		return []string{"esc close"}
	}
	return []string{"esc hide, it goes on", "ctrl+c cancel it"}
}

func (d Progress) Key(key, _ string) (Dialog, Result) {
	switch {
	case key == "ctrl+c" && !d.Over:
		return nil, Result{Tag: d.Tag, OK: false}
	case key == "esc", d.Over && (key == "enter" || key == "q" || key == "ctrl+c"):
		return nil, Result{Tag: d.Tag, OK: true}
	}
	return d, Result{}
}

func (d Progress) View(width, height int, s styles.Styles) []string {
	var lines []string
	room := max(1, height-4)
	parts := d.Parts
	if len(parts) > room {
		parts = parts[len(parts)-room:]
	}
	bar := max(8, width-16-14-12)
	for _, p := range parts {
		style, fill := s.Accent, 0
		switch {
		case p.Bad:
			style = s.Bad
		case p.Over:
			style, fill = s.OK, bar
		case p.Total > 0:
			fill = int(int64(bar) * min(p.Done, p.Total) / p.Total)
		}
		lines = append(lines, s.Text.Render(widgets.Fit(p.Name, 16))+style.Render(strings.Repeat(glyph.Full, fill))+s.Muted.Render(strings.Repeat(glyph.Empty, bar-fill))+
			s.Muted.Render("  "+widgets.Fit(p.State, 24)))
	}
	if len(lines) == 0 {
		lines = append(lines, s.Muted.Render(s.Wait("beginning")))
	}
	if d.Note != "" {
		style := s.OK
		if d.Bad {
			style = s.Bad
		}
		lines = append(lines, "")
		for _, l := range widgets.Break(d.Note, width) {
			lines = append(lines, style.Render(l))
		}
	}
	return append(lines, "", s.Muted.Render(strings.Join(d.Hints(), "   ")))
}
