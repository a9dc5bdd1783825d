package tabs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

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
	if !l.Mark {
		k.places = t.search.pattern.Places(k.text.Text)
		if !l.Cont {
			k.level = logtext.LevelOf(k.text.Text)
		}
		if t.wrap {
			k.rows = widgets.Rows(k.text.Text, t.textWidth(width))
		}
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
	lines := make([]string, 0, height)
	content, first := t.content(room)
	for _, r := range win.rows {
		lines = append(lines, t.row(s, t.look(r.line, content[r.line-first], width), r, width))
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
	case t.floor > 0:
		return notice(s, width, "Cleared. What comes now is shown here.", "g goes back to the first line.")
	case t.without == logs.Stdout:
		return notice(s, width, "Nothing has been printed to stderr.", "o shows the other stream.")
	case t.without == logs.Stderr:
		return notice(s, width, "Nothing has been printed to stdout.", "o shows the other stream.")
	}
	return notice(s, width, "Nothing has been printed yet.", "")
}

// promptLine is the search while it is typed, with what is wrong with it.
func (t *Log) promptLine(s styles.Styles, width int) []string {
	if t.search.wrong == nil {
		return t.search.lines(s, "search", width)
	}
	what := " " + t.search.wrong.Error() + " "
	room := max(width/3, width-widgets.Width(what))
	if typed := t.search.lines(s, "search", room); typed != nil && width >= 16 {
		return []string{typed[0] + s.Bad.Render(widgets.Fit(what, width-room))}
	}
	return t.search.lines(s, "search", width)
}

func (t *Log) row(s styles.Styles, k *looked, r row, width int) string {
	if k.line.Mark {
		return t.markRow(s, k, width)
	}
	here := r.line == t.here
	on := func(style lipgloss.Style) lipgloss.Style {
		if here && !t.unfocused {
			return s.On(style)
		}
		return style
	}
	var b strings.Builder
	if t.stamped(width) {
		stamp := strings.Repeat(" ", stampWidth)
		if r.sub == 0 && !k.line.Cont {
			stamp = k.line.Time.Local().Format("15:04:05.000 ")
		}
		b.WriteString(on(s.Muted).Render(stamp))
	}
	switch {
	case here:
		b.WriteString(s.Bar(!t.unfocused).Render(glyph.Bar) + on(s.Text).Render(" "))
	case k.line.Stderr:
		b.WriteString(s.Stderr.Render(glyph.GutterError + " "))
	default:
		b.WriteString(s.Border.Render(glyph.Gutter + " "))
	}
	from, to := k.rows[r.sub], len(k.text.Text)
	if r.sub+1 < len(k.rows) {
		to = k.rows[r.sub+1]
	}
	p := linePainter{s: s, k: k, on: on, width: t.textWidth(width), here: here}
	p.draw(from, to)
	b.WriteString(p.b.String())
	return b.String()
}

// markRow separates what was printed before and after something happened to
// the container.
func (t *Log) markRow(s styles.Styles, k *looked, width int) string {
	at := k.line.Time.Local()
	stamp := at.Format("15:04:05")
	if now := t.now().Local(); now.YearDay() != at.YearDay() || now.Year() != at.Year() {
		stamp = at.Format("Jan 2 15:04:05")
	}
	const rule = glyph.Horizontal + glyph.Horizontal + " "
	text := rule + stamp + " " + rule + k.text.Text + " "
	return s.Muted.Render(widgets.Fit(text+strings.Repeat(glyph.Horizontal, max(0, width-widgets.Width(text))), width))
}

// linePainter draws a part of a line: in the colours of its program, its level
// word in ours, what is searched for above all.
type linePainter struct {
	s     styles.Styles
	k     *looked
	on    func(lipgloss.Style) lipgloss.Style
	width int
	here  bool
	b     strings.Builder
}

// draw fills width cells with text[from:to], or as much as fits.
func (p *linePainter) draw(from, to int) {
	text := p.k.text.Text
	n, cells := widgets.Head(text[from:to], p.width)
	more := from+n < to
	if more {
		n, cells = widgets.Head(text[from:to], p.width-1)
	}
	for at := from; at < from+n; {
		style, next := p.styleAt(at)
		next = min(next, from+n)
		p.b.WriteString(p.on(style).Render(text[at:next]))
		at = next
	}
	if more {
		style := p.s.Muted
		if i := len(p.k.places); i > 0 && p.k.places[i-1][1] > from+n {
			style = p.s.Match // what is searched for is out of sight
		}
		p.b.WriteString(p.on(style).Render(glyph.Ellipsis))
		cells++
	}
	if pad := strings.Repeat(" ", max(0, p.width-cells)); pad != "" {
		p.b.WriteString(p.on(p.s.Text).Render(pad))
	}
}

// styleAt is the style of the text at a byte and where another one begins.
func (p *linePainter) styleAt(at int) (lipgloss.Style, int) {
	next := len(p.k.text.Text)
	for _, m := range p.k.places {
		if at >= m[0] && at < m[1] {
			if p.here {
				return p.s.MatchHere, m[1]
			}
			return p.s.Match, m[1]
		}
		if m[0] > at {
			next = min(next, m[0])
			break
		}
	}
	if l := p.k.level; at >= l.From && at < l.To {
		return p.levelStyle(l.Level), min(next, l.To)
	} else if l.From > at {
		next = min(next, l.From)
	}
	style := p.s.Text
	runs := p.k.text.Runs
	i, on := slices.BinarySearchFunc(runs, at, func(r widgets.Run, at int) int { return r.From - at })
	if on {
		i++
	}
	if i > 0 {
		style = runs[i-1].Look.Over(style)
	}
	if i < len(runs) {
		next = min(next, runs[i].From)
	}
	return style, next
}

func (p *linePainter) levelStyle(l logtext.Level) lipgloss.Style {
	switch l {
	case logtext.Error:
		return p.s.LogError
	case logtext.Warn:
		return p.s.LogWarn
	case logtext.Info:
		return p.s.LogInfo
	}
	return p.s.LogDebug
}

// Status implements Panel: what is searched for, where one is, and how much
// there is.
func (t *Log) Status() string {
	if t.feed == nil || !t.feed.Status().Loaded {
		return ""
	}
	var words []string
	for _, w := range []string{t.note, t.found(), t.where(), t.howMuch(), t.shownStreams()} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, glyph.Sep)
}

// where is what is below the screen.
func (t *Log) where() string {
	st := t.feed.Status()
	switch {
	case t.hunt != nil:
		return "looking for " + t.hunt.what + "s at " + t.hunt.time().Local().Format("15:04:05") + " " + glyph.Ellipsis
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
	case st.Head:
		return thousands(st.Printed) + " " + noun(st.Printed, "line", "lines")
	case t.still == nil:
		return "last " + thousands(int(st.End-st.First)) + " lines"
	}
	return ""
}

func (t *Log) shownStreams() string {
	switch t.without {
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
