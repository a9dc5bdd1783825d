package dialogs

import (
	"strings"

	"github.com/sahilm/fuzzy"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Pick chooses one of many by typing: the menu of what can be done, and the
// palette.
type Pick struct {
	Tag   any
	Name  string
	Items []Item
	typed string
	at    int // in the matches
}

// Item is one choice. One that cannot be chosen says why.
type Item struct {
	Text     string
	Key      string
	Detail   string
	Disabled string
}

func (d Pick) Title() string { return d.Name }

func (d Pick) Hints() []string { return []string{"type to find", "enter do it", "esc cancel"} }

// matches are the indices of the items that fit what was typed, best first.
func (d Pick) matches() []int {
	if d.typed == "" {
		out := make([]int, len(d.Items))
		for i := range out {
			out[i] = i
		}
		return out
	}
	texts := make([]string, len(d.Items))
	for i, it := range d.Items {
		texts[i] = it.Text + " " + it.Detail
	}
	var out []int
	for _, m := range fuzzy.Find(d.typed, texts) {
		out = append(out, m.Index)
	}
	return out
}

func (d Pick) Key(key, text string) (Dialog, Result) {
	m := d.matches()
	switch key {
	case "esc", "ctrl+c":
		return nil, Result{Tag: d.Tag}
	case "enter":
		if d.at < len(m) && d.Items[m[d.at]].Disabled == "" {
			return nil, Result{Tag: d.Tag, OK: true, Pick: m[d.at]}
		}
	case "down", "ctrl+n", "tab":
		d.at = min(d.at+1, max(0, len(m)-1))
	case "up", "ctrl+p", "shift+tab":
		d.at = max(0, d.at-1)
	case "backspace":
		if r := []rune(d.typed); len(r) > 0 {
			d.typed, d.at = string(r[:len(r)-1]), 0
		}
	default:
		if t := widgets.Safe([]byte(text)); t != "" {
			d.typed, d.at = d.typed+t, 0
		}
	}
	return d, Result{}
}

func (d Pick) View(width, height int, s styles.Styles) []string {
	lines := []string{s.Accent.Render(glyph.Prompt+" ") + s.Text.Render(strings.TrimRight(widgets.Fit(d.typed+glyph.Caret, width-2), " ")), ""}
	m := d.matches()
	if len(m) == 0 {
		return append(lines, s.Muted.Render("nothing fits"))
	}
	room := max(1, height-len(lines))
	offset := widgets.Window(len(m), room, d.at, max(0, d.at-room/2))
	text := 10
	for _, it := range d.Items {
		text = max(text, widgets.Width(it.Text))
	}
	text = min(text, max(10, width*2/5))
	for i := offset; i < min(len(m), offset+room); i++ {
		lines = append(lines, d.row(d.Items[m[i]], i == d.at, text, width, s))
	}
	return lines
}

func (d Pick) row(it Item, cursor bool, text, width int, s styles.Styles) string {
	detail := it.Detail
	style, muted := s.Text, s.Muted
	if it.Disabled != "" {
		style, detail = s.Muted, it.Disabled
	}
	mark := "  "
	if cursor {
		mark, style, muted = s.Bar(true).Render(glyph.Bar)+s.On(s.Text).Render(" "), s.On(style), s.On(muted)
	}
	const key = 8
	room := max(0, width-2-text-key-2)
	return mark + style.Render(widgets.Fit(it.Text, text)) + muted.Render("  "+widgets.Fit(it.Key, key)) + muted.Render(widgets.Fit(detail, room))
}
