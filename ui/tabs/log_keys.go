package tabs

import (
	tea "charm.land/bubbletea/v2"

	"gantry/ui/widgets"
)

// Key implements Panel.
func (t *Log) Key(key string) (bool, tea.Cmd) {
	if t.feed == nil {
		return false, nil
	}
	t.note, t.hunt = "", nil
	if t.search.takes(key) {
		return true, t.typed(key)
	}
	switch key {
	case "g", "home":
		return true, t.toStart()
	case "G", "end":
		return true, t.toEnd()
	}
	if step, ok := steps(key, max(1, t.room()-1)); ok {
		return true, t.scroll(step)
	}
	return t.command(key)
}

func (t *Log) command(key string) (bool, tea.Cmd) {
	switch key {
	case "f":
		if t.still != nil {
			return true, t.toEnd()
		}
		t.pause()
	case "/":
		t.openSearch()
	case "n":
		return true, t.nextMatch(1)
	case "N":
		return true, t.nextMatch(-1)
	case "e":
		return true, t.goTo(1, "error", isError)
	case "E":
		return true, t.goTo(-1, "error", isError)
	case "W":
		t.wrap = !t.wrap
		t.top.sub = 0
		t.memo = memo{}
	case "i":
		t.bare = !t.bare
		t.top.sub = 0
		t.memo = memo{}
	case "o":
		return true, t.streams()
	case "C":
		return true, t.clear()
	case "y":
		return true, t.copy()
	case "shift+up":
		return true, t.choose(-1)
	case "shift+down":
		return true, t.choose(1)
	case "esc":
		if !t.endSearch() && t.here == nowhere {
			return false, nil
		}
		t.here = nowhere
	default:
		return false, nil
	}
	return true, nil
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

// Keys implements Panel.
func (t *Log) Keys() []KeyHelp {
	return []KeyHelp{
		{"/ n N", "search"}, {"E e", "errors"}, {"W", "wrap"}, {"y", "copy a line"}, {"o", "streams"}, {"i", "times"}, {"C", "clear"},
		{"shift+up shift+down", "choose a line"}, pageKeys,
	}
}

// Wheel implements Pointer.
func (t *Log) Wheel(lines int) tea.Cmd {
	if t.feed == nil {
		return nil
	}
	t.note, t.hunt = "", nil
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
