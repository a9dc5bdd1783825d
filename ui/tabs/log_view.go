package tabs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/logs"
	"gantry/ui/feed"
	"gantry/ui/glyph"
	"gantry/ui/logtext"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

// stampWidth is a time of day with its milliseconds and a blank, gutterWidth
// the line beside the text and a blank. The time goes where it would take a
// third of the room.
const (
	stampWidth  = 13
	gutterWidth = 2
)

func (t *Log) stamped(width int) bool { return !t.bare && width >= 40 }

func (t *Log) textWidth(width int) int {
	if t.stamped(width) {
		width -= stampWidth
	}
	return max(2, width-gutterWidth)
}

// looked is a line as it is drawn.
type looked struct {
	line   feed.Line
	text   widgets.Printed
	level  logtext.Found
	places [][]int // what is searched for
	rows   []int   // the bytes at which its rows begin
}

// memo keeps what was worked out of the lines that were looked at last. It
// holds for one width.
type memo struct {
	width int
	lines map[int64]*looked
}

// memoLines is some screens full; then it begins anew.
const memoLines = 512

// look works out how a line is drawn.
func (t *Log) look(n int64, l feed.Line, width int) *looked {
	if t.memo.width != width || len(t.memo.lines) > memoLines || t.memo.lines == nil {
		t.memo = memo{width: width, lines: make(map[int64]*looked)}
	}
	if k := t.memo.lines[n]; k != nil && k.line == l {
		return k
	}
	k := &looked{line: l, text: widgets.Print(l.Raw), rows: []int{0}}
	if pretty, ok := t.pretty(l); ok {
		k.text = widgets.Printed{Text: pretty}
	}
	if !l.Mark {
		k.places = t.search.pattern.Places(k.text.Text)
		if !l.Cont {
			k.level = logtext.LevelOf(k.text.Text)
		}
		k.rows = t.rowsOf(k.text.Text, width)
	}
	t.memo.lines[n] = k
	return k
}

// levelText is the beginning of a line, where its level stands.
func levelText(raw string) string { return widgets.Print(raw[:min(len(raw), 1<<10)]).Text }

// View implements Panel.
func (t *Log) View(width, height int) []string {
	if width < 4 || height < 1 {
		return nil
	}
	s := t.styles()
	if t.feed == nil {
		return stack(notice(s, width, "No container is chosen.", ""), nil, height)
	}
	foot := t.promptLine(s, width)
	room := height - len(foot)
	if room < 1 {
		return foot
	}
	win := t.window(width, room)
	if len(win.rows) == 0 {
		return stack(t.instead(s, width), foot, height)
	}
	t.inks.mix(&s, !t.unfocused)
	lines := make([]string, 0, height)
	for _, r := range win.rows {
		lines = append(lines, t.row(t.look(r.line, win.lines[r.line-win.first], width), r, width))
	}
	return stack(lines, foot, height)
}

// instead is what is shown where there is no line.
func (t *Log) instead(s styles.Styles, width int) []string {
	st := t.feed.Status()
	switch {
	case st.Err != nil:
		return problem(s, width, st.Err)
	case !st.Loaded:
		return notice(s, width, "", s.Wait("Reading"))
	case t.floor != nowhere:
		return notice(s, width, "Cleared. What comes now is shown here.", "g goes back to the first line.")
	case t.read.chips() != "":
		return notice(s, width, "No line is among what is shown: "+t.read.chips()+".", t.wayBack())
	case t.read.without == logs.Stdout:
		return notice(s, width, "Nothing has been printed to stderr.", "o shows the other stream.")
	case t.read.without == logs.Stderr:
		return notice(s, width, "Nothing has been printed to stdout.", "o shows the other stream.")
	}
	return notice(s, width, "Nothing has been printed yet.", "")
}

// wayBack says how to see all lines again.
func (t *Log) wayBack() string {
	if t.Typing() {
		return "esc goes back to what was shown."
	}
	return "A shows all lines again."
}

// promptLine is what is typed, with what is wrong with it.
func (t *Log) promptLine(s styles.Styles, width int) []string {
	p, what, wrong := &t.search.prompt, "search", t.search.wrong
	switch {
	case t.asksWindow:
		return []string{s.Accent.Render(widgets.Fit(windowsHelp(width), width))}
	case t.jump.typing:
		what = "go to 14:05, or 10m ago:"
		if width < 54 { // it may take half of that
			what = "to 14:05 or 10m:"
		}
		return t.jump.lines(s, what, width)
	case t.sift.include.typing:
		p, what = &t.sift.include, "include"
	case t.sift.exclude.typing:
		p, what = &t.sift.exclude, "exclude"
	}
	if p != &t.search.prompt {
		_, wrong = logtext.Compile(p.text)
	}
	if wrong == nil {
		return p.lines(s, what, width)
	}
	text := " " + wrong.Error() + " "
	room := max(width/3, width-widgets.Width(text))
	if typed := p.lines(s, what, room); typed != nil && width >= 16 {
		return []string{typed[0] + s.Bad.Render(widgets.Fit(text, width-room))}
	}
	return p.lines(s, what, width)
}

func (t *Log) row(k *looked, r row, width int) string {
	if k.line.Mark {
		return t.markRow(k, width)
	}
	here := r.line == t.here
	in := &t.inks.usual
	if here {
		in = &t.inks.here
	}
	p := linePainter{in: in, k: k, width: t.textWidth(width)}
	p.b.Grow(width + 64)
	if t.stamped(width) {
		stamp := blankStamp
		if r.sub == 0 && !k.line.Cont {
			stamp = k.line.Time.Local().Format("15:04:05.000 ")
		}
		in.muted.Draw(&p.b, stamp)
	}
	marked := r.sub == 0 && t.hasMark(k.line)
	switch {
	case here && marked:
		in.bar.Draw(&p.b, glyph.Bar+glyph.Bookmark)
	case here:
		in.bar.Draw(&p.b, glyph.Bar)
		in.text.Draw(&p.b, " ")
	case marked:
		in.bar.Draw(&p.b, glyph.Bookmark+" ")
	case k.line.Stderr:
		in.stderr.Draw(&p.b, glyph.GutterError+" ")
	case t.stamped(width):
		in.border.Draw(&p.b, glyph.Gutter+" ")
	default: // beside the border of the pane a second line says nothing
		in.text.Draw(&p.b, "  ")
	}
	from, to := k.rows[r.sub], len(k.text.Text)
	if r.sub+1 < len(k.rows) {
		to = k.rows[r.sub+1]
	}
	to -= btoi(to > from && k.text.Text[to-1] == '\n') // of a document
	p.draw(from, to)
	return p.b.String()
}

var blankStamp = strings.Repeat(" ", stampWidth)

// markRow separates what was printed before and after something happened to
// the container.
func (t *Log) markRow(k *looked, width int) string {
	at := k.line.Time.Local()
	stamp := at.Format("15:04:05")
	if now := t.now().Local(); now.YearDay() != at.YearDay() || now.Year() != at.Year() {
		stamp = at.Format("Jan 2 15:04:05")
	}
	const rule = glyph.Horizontal + glyph.Horizontal + " "
	text := rule + stamp + " " + rule + k.text.Text + " "
	return t.inks.usual.muted.Text(widgets.Fit(text+strings.Repeat(glyph.Horizontal, max(0, width-widgets.Width(text))), width))
}

// Status implements Panel: what is searched for, where one is, and how much
// there is.
func (t *Log) Status() string {
	if t.feed == nil || !t.feed.Status().Loaded {
		return ""
	}
	parts := []string{t.note, t.sifting(), t.read.chips(), t.found(), t.howMarked(), t.where(), t.howMuch(), t.shownStreams()}
	const marked, where, howMuch, streams = 4, 5, 6, 7
	for _, least := range []int{howMuch, streams, marked, where} { // the first that goes where not all has room
		if t.width == 0 || widgets.Width(status(parts)) <= t.width-borderOfStatus { // not placed yet: any room
			break
		}
		parts[least] = ""
	}
	return status(parts)
}

// borderOfStatus is what the border has beside a status, within the pane.
const borderOfStatus = 4

// status joins the parts that say something.
func status(parts []string) string {
	said := slices.DeleteFunc(slices.Clone(parts), func(w string) bool { return w == "" })
	return strings.Join(said, glyph.Sep)
}

// sifting says that other lines are being looked for.
func (t *Log) sifting() string {
	if t.coming == nil || !t.coming.late {
		return ""
	}
	return "looking for what fits " + glyph.Ellipsis
}

func (t *Log) howMarked() string {
	if n := len(t.marks[t.id]); n > 0 {
		return count(n, "mark", "marks")
	}
	return ""
}

// where is what is below the screen.
func (t *Log) where() string {
	st := t.feed.Status()
	switch {
	case t.hunt != nil:
		return "looking for the next " + t.hunt.what + " at " + t.hunt.time().Local().Format("15:04:05") + " " + glyph.Ellipsis
	case t.still == nil && st.Ended:
		return "ended"
	case t.still == nil:
		return "following"
	case t.asked && !t.still.head && t.top.line <= t.still.first:
		return "reading older lines " + glyph.Ellipsis
	}
	if n := st.Printed - t.before; n > 0 {
		return glyph.Paused + " " + thousands(n) + " new " + noun(n, "line", "lines") + " below"
	}
	if !t.still.kin {
		return glyph.Paused + " more below"
	}
	if n := int(st.End - t.window(t.width, t.room()).end); n > 0 {
		return glyph.Paused + " " + thousands(n) + " " + noun(n, "line", "lines") + " below"
	}
	return glyph.Paused + " paused"
}

// time is how far a hunt has come.
func (h *hunt) time() time.Time {
	l, _ := h.at.oldest()
	if h.step > 0 {
		l, _ = h.at.newest()
	}
	return l.Time
}

func (t *Log) howMuch() string {
	st := t.feed.Status()
	switch {
	case st.Printed == 0:
		return ""
	case st.Head:
		return thousands(st.Printed) + " " + noun(st.Printed, "line", "lines")
	case t.still == nil:
		return "last " + thousands(int(st.End-st.First)) + " lines"
	}
	return ""
}

func (t *Log) shownStreams() string {
	switch t.read.without {
	case logs.Stdout:
		return "stderr only"
	case logs.Stderr:
		return "stdout only"
	}
	return ""
}

// thousands writes a number with commas: "10,412".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func noun(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
