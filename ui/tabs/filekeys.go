package tabs

import (
	"fmt"
	"io/fs"
	"path"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
)

// fileBindings are what can be done there.
var fileBindings = bindings[*Files]{
	{Action: keys.Action{ID: "files.open", Keys: []string{"enter", "space"}, Title: "Open", Help: "Open or close a directory, look into a file, follow a link", Short: "open"},
		why: (*Files).noEntry, do: (*Files).enter},
	{Action: keys.Action{ID: "files.copyout", Keys: []string{"X"}, Title: "Copy out…", Help: "Copy a file, or a directory with all that is in it, to the host", Short: "copy out…"},
		why: (*Files).noCopyOut, do: (*Files).copyOut},
	{Action: keys.Action{ID: "files.copyin", Keys: []string{"I"}, Title: "Copy in…", Help: "Copy a file or a directory of the host into the directory", Short: "copy in…"},
		why: (*Files).noCopyIn, do: (*Files).copyIn},
	{Action: keys.Action{ID: "files.find", Keys: []string{"/"}, Title: "Search for a name", Help: "Find what has a name with a text, or one like *.conf, in the directory and all below it", Short: "search"},
		do: (*Files).askFind},
	{Action: keys.Action{ID: "files.changed", Keys: []string{"u"}, Title: "Only what has changed", Help: "Show only what the container has added, changed and removed, or everything", Short: "only changes"},
		why: (*Files).noChanges, do: (*Files).onlyChanges},
	{Action: keys.Action{ID: "files.sort", Keys: []string{"o"}, Title: "Sort by size or by name", Help: "The largest first, or by name", Short: "sort"},
		do: func(t *Files) tea.Cmd { t.bySize = !t.bySize; t.lay(); return t.weigh() }},
	{Action: keys.Action{ID: "files.goto", Keys: []string{"@"}, Title: "Go to a path", Help: "Type a path, and go there"},
		do: shows((*Files).askPath)},
	{Action: keys.Action{ID: "files.volume", Keys: []string{"V"}, Title: "Go to the volume", Help: "Show the volume that is mounted there in its list"},
		why: (*Files).noVolume, do: (*Files).goVolume},
	{Action: keys.Action{ID: "files.again", Keys: []string{"ctrl+r"}, Title: "Read again", Help: "Read the directories that are open, and measure them", Short: "read again"},
		do: (*Files).Refresh},
	{Action: keys.Action{ID: "files.copy", Keys: []string{"y"}, Title: "Copy the path", Help: "Copy the path", Short: "copy the path"},
		why: (*Files).noEntry, do: func(t *Files) tea.Cmd { p := t.here(); return copyText(p, safe(p)) }},
	{Action: keys.Action{ID: "files.fold", Keys: []string{"h", "left"}, Title: "Close the directory", Help: "Close a directory, or go to the one that holds the entry"},
		why: (*Files).noEntry, do: shows((*Files).fold)},
	{Action: keys.Action{ID: "files.unfold", Keys: []string{"l", "right"}, Title: "Open the directory", Help: "Open a directory, or go into it; of what was found, go to its place"},
		why: (*Files).noEntry, do: (*Files).unfold},
}

// here is the path that actions go to.
func (t *Files) here() string {
	if t.page != nil {
		return t.page.path
	}
	return t.selected().path
}

// dirHere is the directory under the cursor, or that of what is.
func (t *Files) dirHere() string {
	n := t.selected()
	switch {
	case t.page != nil:
		return path.Dir(t.page.path)
	case n == nil:
		return "/"
	case n.dir():
		return n.path
	}
	return path.Dir(n.path)
}

func (t *Files) noEntry() string {
	if t.selected() == nil && t.page == nil {
		return "there is nothing under the cursor"
	}
	return ""
}

func (t *Files) noCopyOut() string {
	if why := t.noEntry(); why != "" || t.page != nil || !t.selected().gone {
		return why
	}
	return removedWhy
}

const removedWhy = "the container has removed it; its image has it"

func (t *Files) noCopyIn() string {
	if t.of.kind != engine.KindContainer {
		return "only a container can be copied into; " + map[engine.ObjectKind]string{
			engine.KindVolume: "choose one that mounts the volume", engine.KindImage: "an image stays as it is",
		}[t.of.kind]
	}
	return ""
}

func (t *Files) noChanges() string {
	switch {
	case t.of.kind != engine.KindContainer:
		return "only a container changes files of its image"
	case !t.facts.loaded:
		return "what has changed is not known yet"
	case t.known.err != nil:
		return safe(t.known.err.Error())
	case len(t.known.kinds) == 0:
		return "nothing has changed since it was made of its image"
	}
	return ""
}

func (t *Files) noVolume() string {
	if why := t.noEntry(); why != "" {
		return why
	}
	if m := t.known.mountOver(t.here()); m.Type != "volume" {
		return "no volume is mounted there"
	}
	return ""
}

func (t *Files) goVolume() tea.Cmd {
	name := t.known.mountOver(t.here()).Name
	return func() tea.Msg { return GoVolume{name} }
}

// enter opens or closes a directory, looks into a file or follows a link.
func (t *Files) enter() tea.Cmd {
	n := t.selected()
	t.note = ""
	switch {
	case t.page != nil || n == nil:
		return nil
	case n.gone:
		t.note = removedWhy
		return nil
	case n.entry.Mode&fs.ModeSymlink != 0:
		return t.goTo(linkFrom(n.path, n.entry.LinkTarget))
	case !n.dir():
		return t.look(n.path)
	case n.flat != "":
		return t.goTo(n.path)
	case n.open:
		n.open, n.folded = false, true
		t.lay()
		return nil
	}
	return t.unfold()
}

// linkFrom is where a link leads to.
func linkFrom(link, target string) string {
	if path.IsAbs(target) {
		return path.Clean(target)
	}
	return path.Join(path.Dir(link), target)
}

// look reads the beginning of a file.
func (t *Files) look(at string) tea.Cmd {
	t.reading = at
	ctx, gen, ref, r := t.ctx, t.gen, t.ref, t.reader()
	return func() tea.Msg {
		data, err := r.ReadFile(ctx, ref, at, mostText)
		return textMsg{gen, at, data, err}
	}
}

// unfold opens the directory under the cursor; in one that is open it goes in.
func (t *Files) unfold() tea.Cmd {
	n := t.selected()
	switch {
	case t.page != nil || n == nil:
		return nil
	case n.flat != "":
		return t.goTo(n.path)
	case !n.dir():
		return nil
	}
	if n.open {
		if t.list.at+1 < len(t.rows) && path.Dir(t.rows[t.list.at+1].path) == n.path {
			t.list.put(t.list.at+1, t.room())
		}
		return t.weigh()
	}
	n.open, n.folded = true, false
	t.lay()
	return tea.Batch(t.read(n), t.weigh())
}

// fold closes the directory under the cursor, or goes to the one it is in.
func (t *Files) fold() {
	n := t.selected()
	if t.page != nil || n == nil || n.flat != "" {
		return
	}
	if n.dir() && n.open {
		n.open, n.folded = false, true
		t.lay()
		return
	}
	if i := t.rowOf(path.Dir(n.path)); i >= 0 {
		t.list.put(i, t.room())
	}
}

func (t *Files) copyOut() tea.Cmd {
	msg := CopyOut{Kind: t.of.kind, Ref: t.ref, Path: t.here()}
	if t.page == nil {
		msg.Dir = t.selected().dir()
	}
	return func() tea.Msg { return msg }
}

func (t *Files) copyIn() tea.Cmd {
	msg := CopyIn{Container: t.ref, Dir: t.dirHere()}
	return func() tea.Msg { return msg }
}

// Scope implements Panel.
func (t *Files) Scope() keys.Scope { return keys.Files }

// Bind implements Panel.
func (t *Files) Bind(id keys.ID) (Bound, bool) {
	b, ok := fileBindings.of(t, id)
	return b.once(t.ctx != nil && t.top.read), ok
}

// Move implements Panel. What comes into sight is measured.
func (t *Files) Move(steps func(page int) int) tea.Cmd {
	t.note = ""
	if t.page != nil {
		t.page.move(steps, t.width, t.room())
		return nil
	}
	t.list.move(steps, t.room())
	return t.weigh()
}

// Back implements Panel: it closes the file, then what was found, then shows
// again what has not changed.
func (t *Files) Back() bool {
	t.note = ""
	switch {
	case t.page != nil || t.reading != "":
		t.page, t.reading = nil, ""
	case t.found != nil:
		t.found.stop()
		t.found = nil
		t.lay()
	case t.changed:
		t.changed = false
		t.lay()
	default:
		return false
	}
	return true
}

// Wheel implements Pointer.
func (t *Files) Wheel(lines int) tea.Cmd {
	if t.page != nil {
		t.page.move(func(int) int { return lines }, t.width, t.room())
		return nil
	}
	t.list.wheel(lines, t.room())
	return t.weigh()
}

// onSign tells whether a column is that of the sign before a directory.
func (t *Files) onSign(n *node, x int) bool {
	return n.dir() && n.flat == "" && x <= 2*n.depth+1+t.markWidth()
}

// Click implements Pointer: on the sign of a directory it opens or closes it.
func (t *Files) Click(x, y int) (bool, tea.Cmd) {
	row := t.list.offset + y - 1
	if t.page != nil || y < 1 || y > t.room() || row >= len(t.rows) {
		return false, nil
	}
	t.list.put(row, t.room())
	if t.onSign(t.rows[row], x) {
		return true, t.enter()
	}
	return true, nil
}

// DoubleClick implements Pointer.
func (t *Files) DoubleClick(x, y int) (bool, tea.Cmd) {
	ok, cmd := t.Click(x, y)
	if n := t.selected(); !ok || n == nil || t.onSign(n, x) {
		return ok, cmd
	}
	return true, t.enter()
}

// Status implements Panel.
func (t *Files) Status() string {
	switch {
	case t.page != nil:
		return t.page.status()
	case t.found != nil:
		return t.found.status()
	case t.top == nil || !t.top.read:
		return ""
	case t.changed:
		return count(len(t.known.kinds), "change", "changes") + " alone"
	case len(t.known.kinds) > 0:
		return fmt.Sprintf("%d shown, %s", len(t.rows), count(len(t.known.kinds), "change", "changes"))
	}
	return count(len(t.rows), "entry", "entries")
}
