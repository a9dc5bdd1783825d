package dialogs

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// line is one line of text that is being edited. It is kept in grapheme
// clusters, so that the cursor never stands inside of what a reader sees as
// one character.
type line struct {
	text []string
	at   int // the cluster that the cursor stands on; len(text) at the end
}

func newLine(s string) line {
	l := line{text: clusters(s)}
	l.at = len(l.text)
	return l
}

// clusters takes text apart. Control characters do not become part of it.
func clusters(s string) []string {
	s = widgets.Safe([]byte(s))
	var out []string
	for s != "" {
		c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if c == "" {
			break
		}
		out = append(out, c)
		s = s[len(c):]
	}
	return out
}

func (l line) String() string { return strings.Join(l.text, "") }

// atEnd tells whether nothing stands behind the cursor.
func (l line) atEnd() bool { return l.at == len(l.text) }

// insert puts text before the cursor. The clusters are made anew, because a
// combining character joins the one before it.
func (l line) insert(s string) line {
	before := strings.Join(l.text[:l.at], "") + widgets.Safe([]byte(s))
	head := clusters(before)
	return line{append(head, l.text[l.at:]...), len(head)}
}

// cut takes the clusters from i to j out and leaves the cursor at i.
func (l line) cut(i, j int) line {
	text := append(append([]string(nil), l.text[:i]...), l.text[j:]...)
	return line{text, i}
}

// edit takes a key of line editors, or text. handled is false when it was
// neither.
func (l line) edit(key, text string) (out line, handled bool) {
	switch key {
	case "left", "ctrl+b":
		l.at = max(0, l.at-1)
	case "right", "ctrl+f":
		l.at = min(len(l.text), l.at+1)
	case "home", "ctrl+a":
		l.at = 0
	case "end", "ctrl+e":
		l.at = len(l.text)
	case "alt+left", "ctrl+left", "alt+b":
		l.at = l.wordStart()
	case "alt+right", "ctrl+right", "alt+f":
		l.at = l.wordEnd()
	case "backspace", "ctrl+h":
		if l.at > 0 {
			l = l.cut(l.at-1, l.at)
		}
	case "delete", "ctrl+d":
		if l.at < len(l.text) {
			l = l.cut(l.at, l.at+1)
		}
	case "ctrl+u":
		l = l.cut(0, l.at)
	case "ctrl+k":
		l = l.cut(l.at, len(l.text))
	case "ctrl+w", "alt+backspace":
		l = l.cut(l.wordStart(), l.at)
	default:
		if text == "" {
			return l, false
		}
		l = l.insert(text)
	}
	return l, true
}

func (l line) wordStart() int {
	i := l.at
	for i > 0 && l.text[i-1] == " " {
		i--
	}
	for i > 0 && l.text[i-1] != " " {
		i--
	}
	return i
}

func (l line) wordEnd() int {
	i := l.at
	for i < len(l.text) && l.text[i] == " " {
		i++
	}
	for i < len(l.text) && l.text[i] != " " {
		i++
	}
	return i
}

// view draws the line in exactly room cells with its cursor, or without when
// it has no focus. ghost is shown behind the text: what could be meant.
func (l line) view(room int, focused bool, ghost string, mask bool, s styles.Styles) string {
	cells := l.text
	if mask {
		cells = make([]string, len(l.text))
		for i := range cells {
			cells[i] = glyph.Secret
		}
	}
	if !focused {
		if len(cells) == 0 {
			return s.Muted.Render(widgets.Fit(ghost, room))
		}
		return s.Text.Render(widgets.Fit(strings.Join(cells, ""), room))
	}
	from := first(cells, l.at, room)
	before := strings.Join(cells[from:l.at], "")
	cursor, after := glyph.Caret, ghost
	style := s.Muted
	if l.at < len(cells) {
		cursor, after, style = cells[l.at], strings.Join(cells[l.at+1:], ""), s.Text
	}
	out := s.Text.Render(before)
	if l.at < len(cells) {
		out += s.Text.Reverse(true).Render(cursor)
	} else {
		out += s.Accent.Render(cursor)
	}
	return out + style.Render(widgets.Fit(after, max(0, room-widgets.Width(before)-widgets.Width(cursor))))
}

// first is the first cluster that is shown, so that the cursor is in view.
func first(cells []string, at, room int) int {
	used := 1
	if at < len(cells) {
		used = widgets.Width(cells[at])
	}
	from := at
	for from > 0 {
		w := widgets.Width(cells[from-1])
		if used+w > room {
			break
		}
		used += w
		from--
	}
	return from
}
