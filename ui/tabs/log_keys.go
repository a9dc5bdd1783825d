package tabs

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/keys"
	"gantry/ui/widgets"
)

// logBindings are what can be done there.
var logBindings = bindings[*Log]{
	{Action: keys.Action{ID: "log.follow", Keys: []string{"f"}, Title: "Follow", Help: "Follow the end, or stand still; nothing that comes meanwhile is lost", Short: "follow"},
		do: (*Log).turnFollow},
	{Action: keys.Action{ID: "log.next", Keys: []string{"n"}, Title: "Next match", Help: "To the next line that holds what is searched for", Short: "next"},
		why: (*Log).noSearch, do: func(t *Log) tea.Cmd { return t.nextMatch(1) }},
	{Action: keys.Action{ID: "log.previous", Keys: []string{"N"}, Title: "Previous match", Help: "To the line before that holds it", Short: "previous"},
		why: (*Log).noSearch, do: func(t *Log) tea.Cmd { return t.nextMatch(-1) }},
	{Action: keys.Action{ID: "log.search", Keys: []string{"/"}, Title: "Search", Help: "Look for a text, which is a regular expression; what is found shows while one types", Short: "search"},
		do: shows((*Log).openSearch)},
	{Action: keys.Action{ID: "log.include", Keys: []string{"&"}, Title: "Only lines with…", Help: "Show only lines that hold a text; nothing typed shows all", Short: "include"},
		do: shows(func(t *Log) { t.openSift(&t.sift.include) })},
	{Action: keys.Action{ID: "log.error.next", Keys: []string{"e"}, Title: "Next error", Help: "To the next line that tells of an error, however far", Short: "next error"},
		do: func(t *Log) tea.Cmd { return t.goTo(1, "error", isError) }},
	{Action: keys.Action{ID: "log.error.previous", Keys: []string{"E"}, Title: "Previous error", Help: "To the error before"},
		do: func(t *Log) tea.Cmd { return t.goTo(-1, "error", isError) }},
	{Action: keys.Action{ID: "log.wrap", Keys: []string{"W"}, Title: "Wrap lines", Help: "Break long lines, or cut them", Short: "wrap"},
		do: shows((*Log).turnWrap)},
	{Action: keys.Action{ID: "log.exclude", Keys: []string{"!"}, Title: "No lines with…", Help: "Leave lines out that hold a text; nothing typed shows all", Short: "exclude"},
		do: shows(func(t *Log) { t.openSift(&t.sift.exclude) })},
	{Action: keys.Action{ID: "log.level", Keys: []string{"v"}, Title: "Only grave lines", Help: "Show lines from info on, from warn on, only errors, or all", Short: "level"},
		do: (*Log).nextLevel},
	{Action: keys.Action{ID: "log.all", Keys: []string{"A"}, Title: "All lines again", Help: "Show what level, texts and time left out", Short: "all lines"},
		why: (*Log).notSifted, do: (*Log).unsift},
	{Action: keys.Action{ID: "log.window", Keys: []string{"T"}, Title: "Only the last minutes…", Help: "A digit behind it says how many; 0 shows all", Short: "window"},
		do: shows(func(t *Log) { t.asksWindow = true })},
	{Action: keys.Action{ID: "log.jump", Keys: []string{"@"}, Title: "Go to a time…", Help: "14:05, or how long ago: 10m", Short: "jump"},
		do: shows(func(t *Log) { t.jump.text = ""; t.jump.open() })},
	{Action: keys.Action{ID: "log.json", Keys: []string{"J"}, Title: "JSON over several lines", Help: "Show JSON documents with a line for each member, or as they were printed", Short: "json"},
		do: shows(func(t *Log) { t.json = !t.json; t.redraw() })},
	{Action: keys.Action{ID: "log.copy", Keys: []string{"y"}, Title: "Copy the line", Help: "Copy the chosen line, or the last one on the screen", Short: "copy"},
		do: (*Log).copy},
	{Action: keys.Action{ID: "log.mark", Keys: []string{"M"}, Title: "Mark the line", Help: "Mark the chosen line, or the last one on the screen, to find it again; or take its mark away", Short: "mark"},
		do: (*Log).turnMark},
	{Action: keys.Action{ID: "log.mark.next", Keys: []string{"'"}, Title: "Next marked line", Help: "To the next line that is marked; after the last one to the first", Short: "next mark"},
		why: (*Log).noMarks, do: func(t *Log) tea.Cmd { return t.toMark(1) }},
	{Action: keys.Action{ID: "log.mark.previous", Keys: []string{"\""}, Title: "Previous marked line", Help: "To the marked line before; after the first one to the last"},
		why: (*Log).noMarks, do: func(t *Log) tea.Cmd { return t.toMark(-1) }},
	{Action: keys.Action{ID: "log.mark.copy", Keys: []string{"Y"}, Title: "Copy the marked lines", Help: "Copy all lines that are marked, in their order"},
		why: (*Log).noMarks, do: (*Log).copyMarks},
	{Action: keys.Action{ID: "log.streams", Keys: []string{"o"}, Title: "Choose streams", Help: "Both, only what goes to stdout, only what goes to stderr", Short: "streams"},
		do: (*Log).streams},
	{Action: keys.Action{ID: "log.times", Keys: []string{"i"}, Title: "Show times", Help: "The time before each line, or more room for it", Short: "times"},
		do: shows((*Log).turnTimes)},
	{Action: keys.Action{ID: "log.clear", Keys: []string{"C"}, Title: "Clear the view", Help: "Hide what is there; going to the beginning shows it again", Short: "clear"},
		do: (*Log).clear},
	{Action: keys.Action{ID: "log.line.up", Keys: []string{"shift+up"}, Title: "Choose the line above", Help: "Choose a line to copy"},
		do: func(t *Log) tea.Cmd { return t.choose(-1) }},
	{Action: keys.Action{ID: "log.line.down", Keys: []string{"shift+down"}, Title: "Choose the line below", Help: "Choose a line to copy"},
		do: func(t *Log) tea.Cmd { return t.choose(1) }},
}

// Scope implements Panel.
func (t *Log) Scope() keys.Scope { return keys.Log }

// Bind implements Panel. Whatever is done ends a search that is under way, and
// what was said before.
func (t *Log) Bind(id keys.ID) (Bound, bool) {
	b, ok := logBindings.of(t, id)
	do := b.Do
	b.Do = func() tea.Cmd {
		t.hush()
		return do()
	}
	return b.once(t.feed != nil), ok
}

// hush ends what the last key began.
func (t *Log) hush() { t.note, t.hunt = "", nil }

// Move implements Panel.
func (t *Log) Move(steps func(page int) int) tea.Cmd {
	if t.feed == nil {
		return nil
	}
	t.hush()
	switch n := steps(max(1, t.room()-1)); n {
	case keys.Far:
		return t.toEnd()
	case -keys.Far:
		return t.toStart()
	default:
		return t.scroll(n)
	}
}

// Back implements Panel: it ends the search, and forgets the chosen line.
func (t *Log) Back() bool {
	if t.feed == nil {
		return false
	}
	busy := t.hunt != nil
	t.hush()
	if !t.endSearch() && t.here == nowhere {
		return busy
	}
	t.here = nowhere
	return true
}

// Typing implements Panel.
func (t *Log) Typing() bool {
	return t.search.typing || t.sift.include.typing || t.sift.exclude.typing || t.jump.typing || t.asksWindow
}

// TypingHints implements Asker.
func (t *Log) TypingHints() []string {
	switch {
	case t.asksWindow:
		return []string{"1-6 how long", "0 all", "esc cancel"}
	case t.jump.typing:
		return []string{"enter go there", "esc cancel"}
	}
	return nil
}

// Type implements Panel.
func (t *Log) Type(key string) tea.Cmd {
	if t.feed == nil {
		t.search.typing, t.sift.include.typing, t.sift.exclude.typing, t.jump.typing, t.asksWindow = false, false, false, false, false
		return nil
	}
	t.hush()
	switch {
	case t.asksWindow:
		return t.windowed(key)
	case t.jump.typing:
		return t.jumped(key)
	case t.sift.include.typing:
		return t.sifted(&t.sift.include, key)
	case t.sift.exclude.typing:
		return t.sifted(&t.sift.exclude, key)
	}
	return t.typed(key)
}

func (t *Log) turnFollow() tea.Cmd {
	if t.still != nil {
		return t.toEnd()
	}
	t.pause()
	return nil
}

func (t *Log) turnWrap() {
	t.wrap = !t.wrap
	t.redraw()
}

func (t *Log) turnTimes() {
	t.bare = !t.bare
	t.redraw()
}

// redraw draws every line anew.
func (t *Log) redraw() {
	t.top.sub = 0
	t.memo = memo{}
}

func (t *Log) noSearch() string {
	if t.search.pattern == nil {
		return "nothing is searched for"
	}
	return ""
}

// copy takes the marked line, or marks and takes the last one on the screen.
func (t *Log) copy() tea.Cmd {
	var cmd tea.Cmd
	if !t.inSight() {
		cmd = t.choose(0)
	}
	lines, first := t.content(t.room())
	if t.here < first || t.here-first >= int64(len(lines)) {
		return cmd
	}
	l := lines[t.here-first]
	return tea.Batch(cmd, copyText(widgets.Print(l.Raw).Text, "the line of "+l.Time.Local().Format("15:04:05.000")))
}

// Wheel implements Pointer.
func (t *Log) Wheel(lines int) tea.Cmd {
	if t.feed == nil {
		return nil
	}
	t.hush()
	return t.scroll(lines)
}

// Click implements Pointer: it marks the line.
func (t *Log) Click(_, y int) (bool, tea.Cmd) {
	if t.feed == nil {
		return false, nil
	}
	rows := t.window(t.width, t.room()).rows
	if y < 0 || y >= len(rows) {
		return false, nil
	}
	t.note = ""
	return true, t.show(rows[y].line)
}

// DoubleClick implements Pointer: it copies the line.
func (t *Log) DoubleClick(x, y int) (bool, tea.Cmd) {
	ok, cmd := t.Click(x, y)
	if !ok {
		return false, cmd
	}
	return true, tea.Batch(cmd, t.copy())
}
