package dialogs

import (
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Pick chooses one of many by typing: the menu of what can be done, a signal.
type Pick struct {
	Tag   any
	Name  string
	About string // in bold above the choices: what it is about
	Yes   string // the word for taking one, "take it" when empty
	Items []Item
	typed line
	at    int    // in the matches
	wrong string // why what was chosen cannot be
}

// Item is one choice. One that cannot be chosen says why.
type Item struct {
	Text     string
	Key      string
	Detail   string
	Disabled string
	Also     string // another word by which it is found
}

func (d Pick) Title() string { return d.Name }

// Widest implements Widest: there are two columns and the keys to show.
func (d Pick) Widest() int { return listWidth }

const listWidth = 104

func (d Pick) Hints() []string {
	yes := d.Yes
	if yes == "" {
		yes = "take it"
	}
	return []string{"enter " + yes, "type to find", glyph.Upwards + "/" + glyph.Downward + " choose", "esc cancel"}
}

// matches are the items that fit what was typed, best first.
func (d Pick) matches() []match { return find(d.typed.String(), d.Items) }

func (d Pick) Key(key, text string) (Dialog, Result) {
	m := d.matches()
	d.wrong = ""
	if n, ok := strings.CutPrefix(key, "item:"); ok {
		for i, it := range m {
			if itoa(it.item) == n {
				d.at, key = i, "enter"
			}
		}
	}
	switch key {
	case "esc", "ctrl+c":
		return nil, Result{Tag: d.Tag}
	case "enter":
		if d.at < len(m) {
			it := d.Items[m[d.at].item]
			if it.Disabled == "" {
				return nil, Result{Tag: d.Tag, OK: true, Pick: m[d.at].item}
			}
			d.wrong = it.Text + ": " + it.Disabled
		}
	case "down", "ctrl+n", "tab":
		d.at = min(d.at+1, max(0, len(m)-1))
	case "up", "ctrl+p", "shift+tab":
		d.at = max(0, d.at-1)
	case "pgdown":
		d.at = min(d.at+8, max(0, len(m)-1))
	case "pgup":
		d.at = max(0, d.at-8)
	default:
		before := d.typed.String()
		d.typed, _ = d.typed.edit(key, text)
		if d.typed.String() != before {
			d.at = 0
		}
	}
	return d, Result{}
}

// Paste implements Paster.
func (d Pick) Paste(text string) Dialog {
	d.typed, d.at = d.typed.insert(text), 0
	return d
}

func (d Pick) View(width, height int, s styles.Styles) Body {
	var b Body
	if d.About != "" {
		b.Lines = append(b.Lines, s.Text.Bold(true).Render(cut(d.About, width)))
	}
	b.Lines = append(b.Lines, s.Accent.Render(glyph.Prompt+" ")+d.typed.view(width-2, true, "", false, s))
	if d.wrong != "" {
		b.Lines = append(b.Lines, wrongLine(d.wrong, width, s))
	} else if roomy(height) {
		b.Lines = append(b.Lines, "")
	}
	listItems(&b, d.Items, d.matches(), d.at, width, height, s)
	return b
}

// listItems adds the part of the items around the chosen one that fits.
func listItems(b *Body, items []Item, m []match, at, width, height int, s styles.Styles) {
	room := max(1, height-len(b.Lines))
	text, key, detail := 4, 0, 0
	for _, it := range items {
		text, key, detail = max(text, widgets.Width(it.Text)), max(key, widgets.Width(it.Key)), max(detail, widgets.Width(it.Detail))
	}
	key = min(key, width/2)
	switch room := width - key - 4; {
	case width < 50: // only what it is called, and its key
		text = room
	case text+detail+4 > room: // what it is called matters more than what it does
		text = min(text, max(room*2/5, room-detail-4))
	}
	// What is typed makes the list shorter, but the dialog does not jump for it.
	full := len(b.Lines) + min(room, len(items))
	defer pad(b, full)
	offset := widgets.Window(len(m), room, at, max(0, at-room/2))
	if len(m) == 0 {
		b.Lines = append(b.Lines, s.Muted.Render(widgets.Fit("  nothing fits", width)))
	}
	for i := offset; i < min(len(m), offset+room); i++ {
		b.Spots = append(b.Spots, Spot{len(b.Lines), 0, width, "item:" + itoa(m[i].item)})
		b.Lines = append(b.Lines, items[m[i].item].view(i == at, m[i].runes, text, key, width, s))
	}
}

func (it Item) view(cursor bool, runes []int, text, key, width int, s styles.Styles) string {
	detail := it.Detail
	style, muted, hit, shown := s.Text, s.Muted, s.Accent.Bold(true), s.Accent
	if it.Disabled != "" {
		style, hit, shown, detail = s.Muted, s.Muted, s.Muted, it.Disabled
	}
	mark := "  "
	if cursor {
		mark = s.Bar(true).Render(glyph.Bar) + s.On(s.Text).Render(" ")
		style, muted, hit, shown = s.On(style), s.On(muted), s.On(hit), s.On(shown)
	}
	out := mark + marked(it.Text, runes, text, style.Render, hit.Render)
	if key > 0 {
		out += shown.Render("  " + widgets.Fit(it.Key, key))
	}
	room := width - 2 - text - 2
	if key > 0 {
		room -= key + 2
	}
	if room < 4 {
		return out + muted.Render(strings.Repeat(" ", max(0, room+2)))
	}
	return out + muted.Render("  "+widgets.Fit(detail, room-2)+"  ")
}

// marked draws text in exactly width cells with the letters at some positions
// drawn otherwise.
func marked(text string, at []int, width int, plain, hit func(...string) string) string {
	if len(at) == 0 || widgets.Width(text) > width {
		return plain(widgets.Fit(text, width))
	}
	isHit := make(map[int]bool, len(at))
	for _, i := range at {
		isHit[i] = true
	}
	var b, run strings.Builder
	on := false
	flush := func() {
		if run.Len() > 0 && on {
			b.WriteString(hit(run.String()))
		} else if run.Len() > 0 {
			b.WriteString(plain(run.String()))
		}
		run.Reset()
	}
	for i, r := range text {
		if isHit[i] != on {
			flush()
			on = isHit[i]
		}
		run.WriteRune(r)
	}
	flush()
	if pad := width - widgets.Width(text); pad > 0 {
		b.WriteString(plain(strings.Repeat(" ", pad)))
	}
	return b.String()
}
