package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Help lists keys in sections, in as many columns as there is room for. It can
// be searched and scrolled.
type Help struct {
	Name     string
	Sections []Section
	line     line
	typing   bool
	scroll   scroll
	page     int // lines on one page
}

// Section is a titled list of keys.
type Section struct {
	Title string
	Rows  []HelpRow
}

// HelpRow is one key, or several for the same.
type HelpRow struct{ Keys, Text, Note string }

func (d Help) Title() string { return d.Name }

// Widest implements Widest: help takes the whole screen.
func (d Help) Widest() int { return allOfIt }

func (d Help) Hints() []string {
	if d.typing {
		return []string{"enter keep", "esc clear"}
	}
	return []string{"/ search", "pgdn next page", "j/k scroll", "esc close"}
}

func (d Help) Key(key, text string) (Dialog, Result) {
	if d.typing {
		switch key {
		case "enter":
			d.typing = false
		case "esc", "ctrl+c":
			d.typing, d.line = false, line{}
		default:
			d.line, _ = d.line.edit(key, text)
		}
		d.scroll.offset = 0
		return d, Result{}
	}
	switch key {
	case "esc":
		if d.line.String() != "" {
			d.line = line{}
			return d, Result{}
		}
		return nil, Result{}
	case "?", "q", "enter", "ctrl+c":
		return nil, Result{}
	case "/":
		d.typing = true
	case "pgdown", "space":
		d.scroll.offset = max(0, min(d.scroll.offset+d.page, d.scroll.over))
	case "pgup":
		d.scroll.offset = max(0, d.scroll.offset-d.page)
	default:
		d.scroll.key(key)
	}
	return d, Result{}
}

// Sized implements Sized.
func (d Help) Sized(width, height int) Dialog {
	n, w := columns(width)
	d.page = n * d.rows(height)
	d.scroll.over = len(d.lines(w, styles.Styles{})) - d.page
	return d
}

// columns are as many as are at least 36 cells wide.
func columns(width int) (n, each int) {
	n = max(1, min(4, width/36))
	return n, width / n
}

func (d Help) rows(height int) int { return max(1, height-2) }

func (d Help) View(width, height int, s styles.Styles) Body {
	n, w := columns(width)
	rows := d.rows(height)
	lines := d.lines(w, s)
	offset := max(0, min(d.scroll.offset, len(lines)-n*rows))
	var b Body
	for y := range min(rows, len(lines)) {
		row := ""
		for c := range n {
			text := ""
			if i := offset + c*rows + y; i < len(lines) {
				text = lines[i]
			}
			row += text + strings.Repeat(" ", max(0, w-widgets.Width(widgets.Plain(text))))
		}
		b.Lines = append(b.Lines, row)
	}
	b.Lines = append(b.Lines, "", d.foot(len(lines)-offset-n*rows, offset, width, s))
	return b
}

// foot says what is searched for and how much more there is; the keys for it
// are hints, which stand in the footer of the screen.
func (d Help) foot(below, above, width int, s styles.Styles) string {
	rest := ""
	switch {
	case below > 0:
		rest = itoa(below) + " more lines " + glyph.Downward
	case above > 0:
		rest = "the end; more above " + glyph.Upwards
	}
	if !d.typing && d.line.String() == "" {
		return s.Muted.Render(cut(rest, width))
	}
	search := s.Accent.Render("/") + d.line.view(max(1, min(24, width-1)), d.typing, "", false, s)
	if room := width - widgets.Width(widgets.Plain(search)) - 3; widgets.Width(rest) <= room {
		search += "   " + s.Muted.Render(rest)
	}
	return search
}

// lines are the sections below each other, w cells wide, only what fits the
// search.
func (d Help) lines(w int, s styles.Styles) []string {
	words := strings.Fields(strings.ToLower(d.line.String()))
	var out []string
	for _, sec := range d.Sections {
		var rows []string
		for _, r := range sec.Rows {
			if holds(sec.Title+" "+r.Keys+" "+r.Text+" "+r.Note, words) {
				rows = append(rows, r.view(w, s))
			}
		}
		if len(rows) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, "")
		}
		out = append(append(out, s.Title.Render(cut(sec.Title, w-1))), rows...)
	}
	if len(out) == 0 {
		out = append(out, s.Muted.Render("nothing fits"))
	}
	return out
}

func holds(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func (r HelpRow) view(w int, s styles.Styles) string {
	keys := 11
	if w >= 38 {
		keys = 15
	}
	text := r.Text
	note := ""
	if r.Note != "" && widgets.Width(text)+widgets.Width(r.Note)+2 <= w-keys-2 {
		note = "  " + r.Note
	}
	return s.Key.Render(widgets.Fit(r.Keys, keys-1)) + " " + s.Text.Render(cut(text, w-keys-1)) + s.Muted.Render(note)
}
