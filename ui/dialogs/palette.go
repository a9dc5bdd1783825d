package dialogs

import (
	"slices"
	"strings"

	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// Palette finds an action by name and takes its arguments: "stop web db". Its
// result is the line; Pick is the action that was chosen when only its name was
// looked for, -1 when the line has arguments.
type Palette struct {
	Tag      any
	Commands []Command
	History  []string // oldest first
	Wrong    string   // why the line did not work
	// Words are what can stand at the end of a line that names the action.
	Words func(command int, line string) []string
	// Lookup is Words where finding out takes I/O, such as names of files; the
	// root calls it outside of Update and hands the answer to Suggest. What ends
	// with a slash goes on.
	Lookup func(command int, line string) []string

	line  line
	asked string   // what Lookup was asked last
	found []string // and answered
	at    int      // in the matches, or in the words; -1: none of the words
	past  int      // how far back in the history; 0 is the line itself
	draft string
}

// Command is an action in the palette.
type Command struct {
	Item
	Word string // by which it takes arguments
	Args string // which those are
}

// NewPalette makes a palette with a line in it.
func NewPalette(p Palette, text string) Palette {
	p.line = newLine(text)
	p.settle()
	return p
}

func (d Palette) Title() string { return "Command" }

// Widest implements Widest.
func (d Palette) Widest() int { return listWidth }

func (d Palette) Hints() []string {
	if _, ok := d.command(); ok {
		return []string{"enter do it", "tab complete", glyph.Upwards + "/" + glyph.Downward + " choose", "esc cancel"}
	}
	return []string{"enter do it", "tab give arguments", glyph.Upwards + " earlier lines", "esc cancel"}
}

// command is the action that the line names, once a blank stands behind it.
func (d Palette) command() (int, bool) {
	word, _, ok := strings.Cut(d.line.String(), " ")
	if !ok || word == "" {
		return 0, false
	}
	i := slices.IndexFunc(d.Commands, func(c Command) bool { return c.Word == word })
	return i, i >= 0
}

func (d Palette) items() []Item {
	out := make([]Item, len(d.Commands))
	for i, c := range d.Commands {
		out[i] = c.Item
	}
	return out
}

// matches are the actions that fit, best first.
func (d Palette) matches() []match { return find(d.line.String(), d.items()) }

// words are what fits the last word of the line.
func (d Palette) words() []string {
	i, ok := d.command()
	if !ok || d.Words == nil {
		return nil
	}
	text := d.line.String()
	last := text[lastWord(text):]
	var out []string
	for _, w := range append(d.Words(i, text), d.found...) {
		if strings.HasPrefix(w, last) && w != last {
			out = append(out, w)
		}
	}
	return out
}

// lastWord is where the last word of a line begins. A blank behind a backslash
// is a part of one.
func lastWord(text string) int {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == ' ' && (i == 0 || text[i-1] != '\\') {
			return i + 1
		}
	}
	return 0
}

// Ask is what the line wants looked up, once for each text. The palette to go on
// with knows that it was asked.
func (d Palette) Ask() (next Palette, line string, lookup func() []string) {
	i, ok := d.command()
	text := d.line.String()
	if !ok || d.Lookup == nil || d.asked == text {
		return d, "", nil
	}
	d.asked = text
	return d, text, func() []string { return d.Lookup(i, text) }
}

// Suggest answers Ask; an answer to what no longer stands there is dropped.
func (d Palette) Suggest(line string, words []string) Palette {
	if d.line.String() == line {
		d.found = words
	}
	return d
}

// settle puts the cursor of the list where it belongs after the line changed.
func (d *Palette) settle() {
	d.at = 0
	if _, ok := d.command(); ok {
		d.at = -1
	}
}

func (d Palette) Key(key, text string) (Dialog, Result) {
	d.Wrong = ""
	_, arguments := d.command()
	n := len(d.matches())
	if arguments {
		n = len(d.words())
	}
	if i, ok := strings.CutPrefix(key, "item:"); ok && !arguments {
		for j, m := range d.matches() {
			if itoa(m.item) == i {
				d.at, key = j, "enter"
			}
		}
	}
	switch key {
	case "esc", "ctrl+c":
		return nil, Result{Tag: d.Tag}
	case "enter":
		return d.enter(arguments)
	case "tab":
		return d.complete(arguments), Result{}
	case "up", "ctrl+p":
		if d.past > 0 || d.at <= 0 {
			return d.back(1), Result{}
		}
		d.at--
	case "down", "ctrl+n", "shift+tab":
		if d.past > 0 {
			return d.back(-1), Result{}
		}
		d.at = min(d.at+1, n-1)
	default:
		before := d.line.String()
		d.line, _ = d.line.edit(key, text)
		if d.line.String() != before {
			d.past = 0
			d.settle()
		}
	}
	return d, Result{}
}

// back goes through the history.
func (d Palette) back(by int) Dialog {
	to := d.past + by
	if to < 0 || to > len(d.History) {
		return d
	}
	if d.past == 0 {
		d.draft = d.line.String()
	}
	d.past = to
	text := d.draft
	if to > 0 {
		text = d.History[len(d.History)-to]
	}
	d.line = newLine(text)
	d.settle()
	return d
}

// complete takes the word over that is chosen, or what all of them have in
// common; of an action it begins the arguments.
func (d Palette) complete(arguments bool) Dialog {
	if !arguments {
		if m := d.matches(); d.at >= 0 && d.at < len(m) {
			if c := d.Commands[m[d.at].item]; c.Word != "" {
				d.line = newLine(c.Word + " ")
				d.settle()
			}
		}
		return d
	}
	words := d.words()
	switch {
	case d.at >= 0 && d.at < len(words):
		return d.put(whole(words[d.at]))
	case len(words) == 1:
		return d.put(whole(words[0]))
	case len(words) > 1:
		text := d.line.String()
		last := text[lastWord(text):]
		if c := common(words); len(c) > len(last) {
			return d.put(c)
		}
		d.at = 0
	}
	return d
}

// put replaces the last word of the line.
func (d Palette) put(word string) Palette {
	text := d.line.String()
	d.line = newLine(text[:lastWord(text)] + word)
	d.settle()
	return d
}

// whole is a word with a blank behind it; behind a folder something may follow.
func whole(word string) string {
	if strings.HasSuffix(word, "/") {
		return word
	}
	return word + " "
}

func (d Palette) enter(arguments bool) (Dialog, Result) {
	if !arguments {
		m := d.matches()
		if d.at < 0 || d.at >= len(m) {
			return d, Result{}
		}
		c := d.Commands[m[d.at].item]
		if c.Disabled != "" {
			d.Wrong = c.Text + ": " + c.Disabled
			return d, Result{}
		}
		return nil, Result{Tag: d.Tag, OK: true, Pick: m[d.at].item, Line: c.Word}
	}
	if words := d.words(); d.at >= 0 && d.at < len(words) {
		d = d.put(words[d.at])
	}
	i, _ := d.command()
	return nil, Result{Tag: d.Tag, OK: true, Pick: i, Line: strings.TrimSpace(d.line.String()), Arguments: true}
}

// Paste implements Paster.
func (d Palette) Paste(text string) Dialog {
	d.line = d.line.insert(text)
	d.settle()
	return d
}

func (d Palette) View(width, height int, s styles.Styles) (b Body) {
	ghost := ""
	i, arguments := d.command()
	words := d.words()
	text := d.line.String()
	if arguments && len(words) > 0 {
		ghost = strings.TrimPrefix(common(words), text[lastWord(text):])
	}
	if arguments && ghost == "" && strings.HasSuffix(text, " ") && strings.Count(text, " ") == 1 {
		ghost = d.Commands[i].Args
	}
	if text == "" {
		ghost = "an action, or: run alpine, stop web, pull debian"
	}
	b = Body{Lines: []string{s.Accent.Render(glyph.Prompt+" ") + d.line.view(width-2, true, ghost, false, s)}}
	if d.Wrong != "" {
		for _, l := range widgets.Break(d.Wrong, width-2) {
			b.Lines = append(b.Lines, s.Bad.Render(glyph.Problem+" "+l))
		}
	}
	if roomy(height) {
		b.Lines = append(b.Lines, "")
	}
	if !arguments {
		listItems(&b, d.items(), d.matches(), d.at, width, min(height, 24), s)
		return b
	}
	b.Lines = append(b.Lines, s.Text.Bold(true).Render(cut(d.Commands[i].Text, width))+s.Muted.Render(cut("  "+d.Commands[i].Word+" "+d.Commands[i].Args, max(0, width-widgets.Width(d.Commands[i].Text)))))
	if roomy(height) {
		b.Lines = append(b.Lines, s.Muted.Render(cut(d.Commands[i].Detail, width)), "")
	}
	defer pad(&b, min(min(height, 24), 2+len(d.Commands)))
	if len(words) == 0 {
		return b
	}
	items, all := make([]Item, len(words)), make([]match, len(words))
	for j, w := range words {
		items[j], all[j] = Item{Text: w}, match{item: j}
	}
	listItems(&b, items, all, d.at, width, min(height, 24), s)
	return b
}

// pad fills a body up, so that it does not jump as its content changes.
func pad(b *Body, height int) {
	for len(b.Lines) < height {
		b.Lines = append(b.Lines, "")
	}
}

// common is what all words begin with.
func common(words []string) string {
	c := words[0]
	for _, w := range words[1:] {
		n := 0
		for n < len(w) && n < len(c) && w[n] == c[n] {
			n++
		}
		c = c[:n]
	}
	return strings.ToValidUTF8(c, "")
}
