package tabs

import (
	"context"
	"path"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/keys"
	"gantry/ui/styles"
)

// VolumeFiles browses a volume: a tree of directories, each read when it is
// opened, and a look into a file.
//
//	open a directory -> ReadDir -> dirMsg      its rows
//	then, one by one, for directories in sight:
//	                    Measure -> weighedMsg  their sizes
//	enter on a file  -> ReadFile -> textMsg    a page instead of the tree
//
// The invariant: nothing is read that nobody has opened, and sizes are only
// measured while their rows are in sight.
type VolumeFiles struct {
	frame
	eng    engine.Engine
	styles func() styles.Styles
	now    func() time.Time

	volume string
	ctx    context.Context // nil while closed
	cancel context.CancelFunc
	gen    *generation

	top      *node
	rows     []*node // what is to be seen of the tree
	list     list
	weighing *node // whose size is being measured
	bySize   bool
	page     *textPage // a file, instead of the tree
	reading  string    // the file that was asked for
}

// CopyOut asks the root to copy a file or a directory of a volume to the host.
type CopyOut struct {
	Volume, Path string
	Dir          bool
}

// NewVolumeFiles makes the tab. It shows nothing before Open.
func NewVolumeFiles(eng engine.Engine, s func() styles.Styles, now func() time.Time) *VolumeFiles {
	return &VolumeFiles{eng: eng, styles: s, now: now}
}

// reader is nil where the engine cannot look into volumes.
func (t *VolumeFiles) reader() engine.FileReader {
	r, _ := t.eng.Volumes().(engine.FileReader)
	return r
}

// Name implements Panel.
func (t *VolumeFiles) Name() string { return "Files" }

// Open implements ObjectTab. What was open of the same volume stays open.
func (t *VolumeFiles) Open(ctx context.Context, volume string) tea.Cmd {
	t.Close()
	if volume != t.volume || t.top == nil {
		t.volume, t.page = volume, nil
		t.top = &node{path: "/", open: true, entry: engine.DirEntry{Mode: dirMode}}
		t.list = list{}
	}
	t.lay()
	if volume == "" || t.reader() == nil {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t.Refresh()
}

// Close implements Panel.
func (t *VolumeFiles) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.ctx, t.cancel, t.gen, t.weighing, t.reading = nil, nil, nil, nil, ""
	if t.top != nil {
		t.top.each(func(n *node) { n.busy = false })
	}
}

// Refresh implements Panel: it reads again what is open.
func (t *VolumeFiles) Refresh() tea.Cmd {
	if t.ctx == nil {
		return nil
	}
	var cmds []tea.Cmd
	t.top.each(func(n *node) {
		if n.open {
			n.weight = nil
			cmds = append(cmds, t.read(n))
		}
	})
	return tea.Batch(cmds...)
}

type (
	dirMsg struct {
		gen  *generation
		path string
		list engine.DirList
		err  error
	}
	weighedMsg struct {
		gen  *generation
		path string
		size engine.TreeSize
		err  error
	}
	textMsg struct {
		gen  *generation
		path string
		data []byte
		err  error
	}
)

func (t *VolumeFiles) read(n *node) tea.Cmd {
	if n.busy {
		return nil
	}
	n.busy = true
	ctx, gen, volume, at, r := t.ctx, t.gen, t.volume, n.path, t.reader()
	return func() tea.Msg {
		list, err := r.ReadDir(ctx, volume, at)
		return dirMsg{gen, at, list, err}
	}
}

// weigh measures the next directory in sight whose size is not known.
func (t *VolumeFiles) weigh() tea.Cmd {
	if t.ctx == nil || t.weighing != nil || t.page != nil {
		return nil
	}
	for _, n := range t.rows[min(t.list.offset, len(t.rows)):min(len(t.rows), t.list.offset+t.room())] {
		if n.dir() && n.weight == nil {
			t.weighing = n
			ctx, gen, volume, at, r := t.ctx, t.gen, t.volume, n.path, t.reader()
			return func() tea.Msg {
				size, err := r.Measure(ctx, volume, at)
				return weighedMsg{gen, at, size, err}
			}
		}
	}
	return nil
}

// Update implements Panel.
func (t *VolumeFiles) Update(msg tea.Msg) (bool, tea.Cmd) {
	switch m := msg.(type) {
	case dirMsg:
		if t.gen == nil || m.gen != t.gen {
			return false, nil
		}
		if n := t.top.find(m.path); n != nil {
			n.busy = false
			if n.err = m.err; m.err == nil {
				n.fill(m.list)
			}
			t.lay()
		}
		return true, t.weigh()
	case weighedMsg:
		if t.gen == nil || m.gen != t.gen {
			return false, nil
		}
		t.weighing = nil
		if n := t.top.find(m.path); n != nil {
			n.weight = &weight{bytes: m.size.Bytes, unknown: m.err != nil, partial: m.size.Partial}
			if t.bySize {
				t.lay()
			}
		}
		return true, t.weigh()
	case textMsg:
		if t.gen == nil || m.gen != t.gen || m.path != t.reading {
			return false, nil
		}
		t.reading = ""
		t.page = newTextPage(m.path, m.data, m.err)
		return true, nil
	}
	return false, nil
}

// lay makes the rows; the cursor stays on its entry, or goes to the directory
// that held it.
func (t *VolumeFiles) lay() {
	before := ""
	if n := t.selected(); n != nil {
		before = n.path
	}
	t.rows = t.top.rows(nil, t.bySize)
	t.list.n = len(t.rows)
	at := t.list.at
	for p := before; p != "" && p != "/"; p = path.Dir(p) {
		if i := t.rowOf(p); i >= 0 {
			at = i
			break
		}
	}
	t.list.put(at, t.room())
}

func (t *VolumeFiles) rowOf(p string) int {
	for i, n := range t.rows {
		if n.path == p {
			return i
		}
	}
	return -1
}

func (t *VolumeFiles) selected() *node {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return nil
}

// room is the height of the tree below its titles.
func (t *VolumeFiles) room() int { return max(1, t.height-1) }

// fileBindings are what can be done there.
var fileBindings = bindings[*VolumeFiles]{
	{Action: keys.Action{ID: "files.open", Keys: []string{"enter", "space"}, Title: "Open", Help: "Open or close a directory, look into a file", Short: "open"},
		why: (*VolumeFiles).noEntry, do: (*VolumeFiles).enter},
	{Action: keys.Action{ID: "files.copyout", Keys: []string{"X"}, Title: "Copy out…", Help: "Copy a file, or a directory with all that is in it, to the host", Short: "copy out…"},
		why: (*VolumeFiles).noEntry, do: (*VolumeFiles).copyOut},
	{Action: keys.Action{ID: "files.sort", Keys: []string{"o"}, Title: "Sort by size or by name", Help: "The largest first, or by name", Short: "sort"},
		do: func(t *VolumeFiles) tea.Cmd { t.bySize = !t.bySize; t.lay(); return t.weigh() }},
	{Action: keys.Action{ID: "files.again", Keys: []string{"ctrl+r"}, Title: "Read again", Help: "Read the directories that are open, and measure them", Short: "read again"},
		do: (*VolumeFiles).Refresh},
	{Action: keys.Action{ID: "files.copy", Keys: []string{"y"}, Title: "Copy the path", Help: "Copy the path in the volume", Short: "copy the path"},
		why: (*VolumeFiles).noEntry, do: func(t *VolumeFiles) tea.Cmd { p := t.here(); return copyText(p, safe(p)) }},
	{Action: keys.Action{ID: "files.fold", Keys: []string{"h", "left"}, Title: "Close the directory", Help: "Close a directory, or go to the one that holds the entry"},
		why: (*VolumeFiles).noEntry, do: shows((*VolumeFiles).fold)},
	{Action: keys.Action{ID: "files.unfold", Keys: []string{"l", "right"}, Title: "Open the directory", Help: "Open a directory, or go into it"},
		why: (*VolumeFiles).noEntry, do: (*VolumeFiles).unfold},
}

// here is the path that actions go to.
func (t *VolumeFiles) here() string {
	if t.page != nil {
		return t.page.path
	}
	return t.selected().path
}

func (t *VolumeFiles) noEntry() string {
	if t.selected() == nil && t.page == nil {
		return "there is nothing under the cursor"
	}
	return ""
}

// enter opens or closes a directory, or looks into a file.
func (t *VolumeFiles) enter() tea.Cmd {
	n := t.selected()
	if t.page != nil || n == nil {
		return nil
	}
	if !n.dir() {
		t.reading = n.path
		ctx, gen, volume, at, r := t.ctx, t.gen, t.volume, n.path, t.reader()
		return func() tea.Msg {
			data, err := r.ReadFile(ctx, volume, at, mostText)
			return textMsg{gen, at, data, err}
		}
	}
	if n.open {
		n.open = false
		t.lay()
		return nil
	}
	return t.unfold()
}

// unfold opens the directory under the cursor; in one that is open it goes in.
func (t *VolumeFiles) unfold() tea.Cmd {
	n := t.selected()
	if t.page != nil || n == nil || !n.dir() {
		return nil
	}
	if n.open {
		if t.list.at+1 < len(t.rows) && path.Dir(t.rows[t.list.at+1].path) == n.path {
			t.list.put(t.list.at+1, t.room())
		}
		return t.weigh()
	}
	n.open = true
	t.lay()
	return tea.Batch(t.read(n), t.weigh())
}

// fold closes the directory under the cursor, or goes to the one it is in.
func (t *VolumeFiles) fold() {
	n := t.selected()
	if t.page != nil || n == nil {
		return
	}
	if n.dir() && n.open {
		n.open = false
		t.lay()
		return
	}
	if i := t.rowOf(path.Dir(n.path)); i >= 0 {
		t.list.put(i, t.room())
	}
}

func (t *VolumeFiles) copyOut() tea.Cmd {
	msg := CopyOut{Volume: t.volume, Path: t.here()}
	if t.page == nil {
		msg.Dir = t.selected().dir()
	}
	return func() tea.Msg { return msg }
}

// Scope implements Panel.
func (t *VolumeFiles) Scope() keys.Scope { return keys.Files }

// Bind implements Panel.
func (t *VolumeFiles) Bind(id keys.ID) (Bound, bool) {
	b, ok := fileBindings.of(t, id)
	return b.once(t.ctx != nil && t.top.read), ok
}

// Move implements Panel. What comes into sight is measured.
func (t *VolumeFiles) Move(steps func(page int) int) tea.Cmd {
	if t.page != nil {
		t.page.move(steps, t.width, t.room())
		return nil
	}
	t.list.move(steps, t.room())
	return t.weigh()
}

// Back implements Panel: it closes the file.
func (t *VolumeFiles) Back() bool {
	open := t.page != nil
	t.page, t.reading = nil, ""
	return open
}

// Typing implements Panel.
func (t *VolumeFiles) Typing() bool { return false }

// Type implements Panel.
func (t *VolumeFiles) Type(string) tea.Cmd { return nil }

// Wheel implements Pointer.
func (t *VolumeFiles) Wheel(lines int) tea.Cmd {
	if t.page != nil {
		t.page.move(func(int) int { return lines }, t.width, t.room())
		return nil
	}
	t.list.wheel(lines, t.room())
	return t.weigh()
}

// Click implements Pointer: on the sign of a directory it opens or closes it.
func (t *VolumeFiles) Click(x, y int) (bool, tea.Cmd) {
	row := t.list.offset + y - 1
	if t.page != nil || y < 1 || row >= len(t.rows) {
		return false, nil
	}
	t.list.put(row, t.room())
	if n := t.rows[row]; n.dir() && x <= 2*n.depth+1 {
		return true, t.enter()
	}
	return true, nil
}

// DoubleClick implements Pointer.
func (t *VolumeFiles) DoubleClick(x, y int) (bool, tea.Cmd) {
	ok, cmd := t.Click(x, y)
	if n := t.selected(); !ok || n == nil || n.dir() && x <= 2*n.depth+1 {
		return ok, cmd
	}
	return true, t.enter()
}

// Status implements Panel.
func (t *VolumeFiles) Status() string {
	switch {
	case t.page != nil:
		return t.page.status()
	case t.top == nil || !t.top.read:
		return ""
	}
	return count(len(t.rows), "entry", "entries")
}
