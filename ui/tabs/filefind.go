package tabs

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/widgets"
)

// asked is what is being typed for.
type asked int

const (
	forName asked = iota
	forPath
)

// goal is a path that the cursor is on its way to: directory by directory, as
// they are read.
type goal struct {
	path string // "": none
	hops int    // links that were followed
}

// mostHops is the kernel's own limit of links in a path.
const mostHops = 40

// mostFound is where a search ends.
const mostFound = 1000

// findEvery is how often what was found is shown.
const findEvery = 100 * time.Millisecond

// findings are a search for a name.
type findings struct {
	dir, text string
	ctx       context.Context
	cancel    context.CancelFunc

	mu    sync.Mutex
	fresh []engine.Found // not shown yet
	count int            // entries that were looked at
	end   bool
	err   error

	hits   []*node // by path; those of the page, which needs no lock
	looked int
	done   bool
	fault  error
}

// namesMsg tells that there may be something new.
type namesMsg struct{ of *findings }

func (f *findings) stop() { f.cancel(); f.done = true }

func (f *findings) rows() []*node { return f.hits }

func (f *findings) status() string {
	s := fmt.Sprintf("%d like %s below %s", len(f.hits), safe(f.text), safe(f.dir))
	switch {
	case len(f.hits) >= mostFound:
		s = "the first " + s
	case !f.done:
		s += glyph.Sep + count(f.looked, "entry", "entries") + " looked at " + glyph.Ellipsis
	}
	return s
}

// collect searches to the end, or until it has enough.
func (f *findings) collect(ref string, r engine.FileReader) {
	n := 0
	for hit, err := range r.Find(f.ctx, ref, f.dir, f.text) {
		f.mu.Lock()
		f.count, f.err = max(f.count, hit.Looked), err
		if hit.Path != "" {
			f.fresh = append(f.fresh, hit)
			n++
		}
		f.mu.Unlock()
		if err != nil || n >= mostFound {
			break
		}
	}
	f.mu.Lock()
	f.end = true
	f.mu.Unlock()
}

// take moves what was found to the page.
func (f *findings) take() {
	f.mu.Lock()
	fresh := f.fresh
	f.fresh, f.looked, f.done, f.fault = nil, f.count, f.end, f.err
	f.mu.Unlock()
	for _, hit := range fresh {
		n := &node{entry: hit.Entry, path: hit.Path, flat: strings.TrimPrefix(strings.TrimPrefix(hit.Path, f.dir), "/")}
		at, _ := slices.BinarySearchFunc(f.hits, n, func(a, b *node) int { return strings.Compare(a.path, b.path) })
		f.hits = slices.Insert(f.hits, at, n)
	}
}

func (t *Files) askFind() tea.Cmd {
	t.ask.text, t.asking, t.note = "", forName, ""
	t.ask.open()
	return nil
}

func (t *Files) askPath() {
	t.ask.text, t.asking, t.note = t.dirHere(), forPath, ""
	if !strings.HasSuffix(t.ask.text, "/") {
		t.ask.text += "/"
	}
	t.ask.open()
}

// label is what the prompt says.
func (t *Files) askLabel() string {
	if t.asking == forPath {
		return "go to:"
	}
	return "search below " + widgets.FitName(safe(t.dirHere()), 24) + ":"
}

// Typing implements Panel.
func (t *Files) Typing() bool { return t.ask.typing }

// Type implements Panel. Tab completes a path by what is known.
func (t *Files) Type(key string) tea.Cmd {
	if key == "tab" && t.asking == forPath {
		t.complete()
		return nil
	}
	t.ask.key(key)
	if t.ask.typing || key != "enter" || t.ask.text == "" {
		return nil
	}
	if t.asking == forPath {
		return t.goTo(t.ask.text)
	}
	return t.search(t.ask.text)
}

// complete goes on with a path as far as the names that were read agree.
func (t *Files) complete() {
	dir, base := path.Split(t.ask.text)
	n := t.top.find(path.Join("/", dir))
	if n == nil {
		return
	}
	var common string
	hits := 0
	for _, c := range n.children {
		if !strings.HasPrefix(c.entry.Name, base) || safe(c.entry.Name) != c.entry.Name {
			continue
		}
		name := c.entry.Name
		if c.dir() {
			name += "/"
		}
		if hits++; hits == 1 {
			common = name
			continue
		}
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if hits > 0 {
		t.ask.text = dir + common
	}
}

// search begins to look for a name below the directory under the cursor.
func (t *Files) search(text string) tea.Cmd {
	f := &findings{dir: t.dirHere(), text: text}
	if t.found != nil { // again, in the same place
		f.dir = t.found.dir
		t.found.stop()
	}
	f.ctx, f.cancel = context.WithCancel(t.ctx)
	t.found, t.page, t.list = f, nil, list{}
	t.lay()
	ref, r := t.ref, t.reader()
	return tea.Batch(func() tea.Msg { f.collect(ref, r); return namesMsg{f} }, f.soon)
}

// soon looks again after a while.
func (f *findings) soon() tea.Msg {
	if !pause(f.ctx, findEvery) {
		return nil
	}
	return namesMsg{f}
}

// tookFound shows what has come, and looks again while there may be more.
func (t *Files) tookFound(m namesMsg) tea.Cmd {
	f := m.of
	if f.done {
		return nil
	}
	f.take()
	t.lay()
	if f.done {
		f.cancel()
		return nil
	}
	return f.soon
}

// goTo leads the cursor to a path, and opens the directories on the way.
func (t *Files) goTo(p string) tea.Cmd {
	if t.found != nil {
		t.found.stop()
		t.found = nil
	}
	t.page, t.note = nil, ""
	t.goal = goal{path: path.Join("/", p)}
	t.lay()
	return t.approach()
}

// approach goes as far towards the goal as is known, and asks for what comes
// next.
func (t *Files) approach() tea.Cmd {
	if t.goal.path == "" || t.ctx == nil {
		return nil
	}
	n := t.top
	for rest := strings.Trim(t.goal.path, "/"); rest != ""; {
		if cmd, wait := t.await(n); wait {
			return cmd
		}
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := n.child(part)
		if next == nil {
			t.arrive(n, "there is no "+safe(path.Join(n.path, part)))
			return nil
		}
		if next.entry.Mode&fs.ModeSymlink != 0 && rest != "" {
			if t.goal.hops++; t.goal.hops > mostHops {
				t.arrive(next, "too many links")
				return nil
			}
			t.goal.path = path.Join("/", linkFrom(next.path, next.entry.LinkTarget), rest)
			return t.approach()
		}
		n = next
	}
	cmd, _ := t.await(n)
	t.arrive(n, "")
	return cmd
}

// await opens a directory on the way; wait tells that it is not read yet.
func (t *Files) await(n *node) (cmd tea.Cmd, wait bool) {
	if !n.dir() {
		return nil, false
	}
	n.open, n.folded = true, false
	if n.read || n.err != nil {
		return nil, false
	}
	return t.read(n), true
}

// arrive puts the cursor where the way ends.
func (t *Files) arrive(n *node, note string) {
	t.goal, t.note = goal{}, note
	if t.changed && !t.known.has(n.path) {
		t.changed = false
	}
	t.lay()
	if i := t.rowOf(n.path); i >= 0 {
		t.list.put(i, t.room())
	}
}
