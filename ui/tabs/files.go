package tabs

import (
	"context"
	"path"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/styles"
)

// Files browses what has files: a tree of directories, each read when it is
// opened, and a look into a file.
//
//	open a directory -> ReadDir -> dirMsg      its rows
//	then, one by one, for directories in sight:
//	                    Measure -> weighedMsg  their sizes
//	enter on a file  -> ReadFile -> textMsg    a page instead of the tree
//	/ and a name     -> Find    -> namesMsg    a list of paths instead of the tree
//	of a container:     Changes, Inspect -> readMsg  what it changed, what is mounted
//
// The invariant: nothing is read that nobody has opened, and sizes are only
// measured while their rows are in sight.
type Files struct {
	frame
	of     browsed
	eng    engine.Engine
	styles func() styles.Styles
	now    func() time.Time

	ref    string          // of what is browsed
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

	facts   reading[fileFacts] // of a container
	known   changeSet
	changed bool // only what has changed is shown

	ask    prompt // a name to search for, or a path to go to
	asking asked
	found  *findings // instead of the tree
	goal   goal      // the path that the cursor is to go to
	note   string    // what became of the last one
}

// CopyOut asks the root to copy a file or a directory to the host.
type CopyOut struct {
	Kind      engine.ObjectKind
	Ref, Path string
	Dir       bool
}

// CopyIn asks the root to copy something of the host into a directory of a
// container.
type CopyIn struct{ Container, Dir string }

// GoVolume asks the root to show a volume.
type GoVolume struct{ Name string }

// browsed is what a Files tab is of.
type browsed struct {
	kind  engine.ObjectKind
	role  func(engine.Engine) any // that may be engine.Browsable
	empty [2]string               // what is said of one without files
	facts func(ctx context.Context, eng engine.Engine, ref string) (fileFacts, error)
}

// NewVolumeFiles makes the tab of volumes. It shows nothing before Open.
func NewVolumeFiles(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Files {
	return newFiles(eng, s, now, browsed{
		kind: engine.KindVolume, role: func(e engine.Engine) any { return e.Volumes() },
		empty: [2]string{"The volume is empty.", "What a container writes where it is mounted goes here."},
	})
}

// NewImageFiles makes the tab of images. It shows nothing before Open.
func NewImageFiles(eng engine.Engine, s func() styles.Styles, now func() time.Time) *Files {
	return newFiles(eng, s, now, browsed{
		kind: engine.KindImage, role: func(e engine.Engine) any { return e.Images() },
		empty: [2]string{"The image has no files.", "Containers of it begin empty."}, facts: imageFacts,
	})
}

// ContainerFiles browses a container, whether it runs or not, and tells what has
// changed since it was its image.
type ContainerFiles struct{ *Files }

// NewContainerFiles makes the tab. It shows nothing before Open.
func NewContainerFiles(eng engine.Engine, s func() styles.Styles, now func() time.Time) *ContainerFiles {
	return &ContainerFiles{newFiles(eng, s, now, browsed{
		kind: engine.KindContainer, role: func(e engine.Engine) any { return e.Containers() },
		empty: [2]string{"The container has no files.", "Its image is empty, and it has written nothing."}, facts: containerFacts,
	})}
}

// Open implements Tab.
func (t *ContainerFiles) Open(ctx context.Context, id engine.ID) tea.Cmd {
	return t.Files.Open(ctx, string(id))
}

func newFiles(eng engine.Engine, s func() styles.Styles, now func() time.Time, of browsed) *Files {
	t := &Files{eng: eng, styles: s, now: now, of: of}
	if of.facts != nil {
		t.facts.read = func(ctx context.Context, ref string) (fileFacts, error) { return of.facts(ctx, eng, ref) }
	}
	return t
}

// reader is nil where the engine cannot look into such things.
func (t *Files) reader() engine.FileReader {
	if b, ok := t.of.role(t.eng).(engine.Browsable); ok {
		return b.Files()
	}
	return nil
}

// Name implements Panel.
func (t *Files) Name() string { return "Files" }

// Open implements ObjectTab. What was open of the same object stays open.
func (t *Files) Open(ctx context.Context, ref string) tea.Cmd {
	t.Close()
	if ref != t.ref || t.top == nil {
		t.ref, t.page, t.found, t.known = ref, nil, nil, changeSet{}
		t.top = &node{path: "/", open: true, entry: engine.DirEntry{Mode: dirMode}}
		t.list = list{}
	}
	t.lay()
	if ref == "" || t.reader() == nil {
		return nil
	}
	t.gen = new(generation)
	t.ctx, t.cancel = context.WithCancel(ctx)
	var facts tea.Cmd
	if t.of.facts != nil {
		facts = t.facts.open(ctx, ref)
	}
	return tea.Batch(t.readOpen(), facts)
}

// Close implements Panel.
func (t *Files) Close() {
	if t.cancel != nil {
		t.cancel()
	}
	t.facts.close()
	t.ctx, t.cancel, t.gen, t.weighing, t.reading, t.goal = nil, nil, nil, nil, "", goal{}
	if t.found != nil {
		t.found.stop()
	}
	if t.top != nil {
		t.top.each(func(n *node) { n.busy = false })
	}
}

// Refresh implements Panel: it reads again what is open.
func (t *Files) Refresh() tea.Cmd {
	if t.ctx == nil {
		return nil
	}
	return tea.Batch(t.readOpen(), t.facts.refresh())
}

func (t *Files) readOpen() tea.Cmd {
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

func (t *Files) read(n *node) tea.Cmd {
	if n.busy || n.gone {
		return nil
	}
	n.busy = true
	ctx, gen, ref, at, r := t.ctx, t.gen, t.ref, n.path, t.reader()
	return func() tea.Msg {
		list, err := r.ReadDir(ctx, ref, at)
		return dirMsg{gen, at, list, err}
	}
}

// weigh measures the next directory in sight whose size is not known.
func (t *Files) weigh() tea.Cmd {
	if t.ctx == nil || t.weighing != nil || t.page != nil || t.found != nil {
		return nil
	}
	for _, n := range t.rows[min(t.list.offset, len(t.rows)):min(len(t.rows), t.list.offset+t.room())] {
		if n.dir() && n.weight == nil && !t.unmeasured(n) {
			t.weighing = n
			ctx, gen, ref, at, r := t.ctx, t.gen, t.ref, n.path, t.reader()
			return func() tea.Msg {
				size, err := r.Measure(ctx, ref, at)
				return weighedMsg{gen, at, size, err}
			}
		}
	}
	return nil
}

// Update implements Panel.
func (t *Files) Update(msg tea.Msg) (bool, tea.Cmd) {
	switch m := msg.(type) {
	case dirMsg:
		if t.gen == nil || m.gen != t.gen {
			return false, nil
		}
		return true, t.tookDir(m)
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
	case namesMsg:
		if t.found == nil || m.of != t.found {
			return false, nil
		}
		return true, t.tookFound(m)
	}
	if t.of.facts == nil {
		return false, nil
	}
	ok, cmd := t.facts.accept(msg)
	if ok {
		t.known = newChangeSet(t.facts.value)
		t.lay()
		return true, tea.Batch(cmd, t.openChanged(), t.weigh())
	}
	return false, cmd
}

func (t *Files) tookDir(m dirMsg) tea.Cmd {
	n := t.top.find(m.path)
	if n == nil {
		return nil
	}
	n.busy = false
	if n.err = m.err; m.err == nil {
		n.fill(m.list)
	}
	t.lay()
	return tea.Batch(t.openChanged(), t.approach(), t.weigh())
}

// lay makes the rows; the cursor stays on its entry, or goes to the directory
// that held it.
func (t *Files) lay() {
	before := ""
	if n := t.selected(); n != nil {
		before = n.path
	}
	if t.found != nil {
		t.rows = t.found.rows()
	} else {
		t.rows = t.top.rows(nil, t)
	}
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

func (t *Files) rowOf(p string) int {
	for i, n := range t.rows {
		if n.path == p {
			return i
		}
	}
	return -1
}

func (t *Files) selected() *node {
	if t.list.at < len(t.rows) {
		return t.rows[t.list.at]
	}
	return nil
}

// room is the height of the tree below its titles.
func (t *Files) room() int { return max(1, t.height-1-btoi(t.ask.typing || t.note != "")) }
