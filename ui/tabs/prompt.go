package tabs

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// prompt is a line that is typed below a tab: what to filter by or to search
// for.
type prompt struct {
	typing bool
	text   string
	before string // what esc goes back to
}

// maxPrompt is more than anybody types and little enough to search for.
const maxPrompt = 200

func (p *prompt) open() { p.typing, p.before = true, p.text }

// key takes a key while typing. All are handled: a letter that is also a
// command must not act. changed says that text is another one.
func (p *prompt) key(key string) (changed bool) {
	old := p.text
	switch key {
	case "enter":
		p.typing = false
	case "esc":
		p.typing, p.text = false, p.before
	case "ctrl+u":
		p.text = ""
	case "backspace", "ctrl+h":
		if p.text == "" {
			p.typing = false
		}
		_, n := utf8.DecodeLastRuneInString(p.text)
		p.text = p.text[:len(p.text)-n]
	case "space":
		p.text += " "
	default:
		if printable(key) && len(p.text) < maxPrompt {
			p.text += key
		}
	}
	return p.text != old
}

// printable tells a typed character, which may be several runes of one
// grapheme, from a key with a name: "é" from "f5".
func printable(key string) bool {
	r, n := utf8.DecodeRuneInString(key)
	return unicode.IsPrint(r) && (n == len(key) || r >= utf8.RuneSelf)
}

// clear takes the text away; false when there was none.
func (p *prompt) clear() bool {
	had := p.text != ""
	p.text = ""
	return had
}

// lines is the prompt while it is open: one line, or none.
func (p *prompt) lines(s styles.Styles, what string, width int) []string {
	if !p.typing || width < 4 {
		return nil
	}
	head, short := " "+what+" /", " /"
	if strings.HasSuffix(what, ":") {
		head, short = " "+what+" ", " "+glyph.Prompt+" "
	}
	if widgets.Width(head) > width/2 {
		head = short
	}
	room := width - widgets.Width(head)
	text := widgets.Safe([]byte(p.text))
	if over := widgets.Width(text) + 1 - room; over > 0 {
		text = widgets.FitName(text, room-1)
	}
	return []string{s.Accent.Render(head) + s.Text.Render(widgets.Fit(text+glyph.Caret, room))}
}
