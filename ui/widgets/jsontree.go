package widgets

import (
	"maps"
	"slices"
)

// JSONTree shows a document as a tree that folds and can be searched. It keeps
// folds and the cursor by path, so that they survive when the document is
// replaced by one of the same shape. The zero value is an empty tree.
type JSONTree struct {
	reveal bool // show masked values

	root    *JSONNode
	folded  map[string]bool // by path
	rows    []*JSONNode     // what is not hidden in a fold
	cursor  int
	find    string
	matches []*JSONNode
	from    *anchor // while a search is typed
	cuts    cuts
}

// SetRoot replaces the document. The cursor stays on its path, or goes to the
// nearest part of it that is still there.
func (t *JSONTree) SetRoot(root *JSONNode) {
	trail := t.trail()
	t.root, t.from = root, nil
	t.search(t.find)
	t.layout()
	t.cursor = max(0, min(t.cursor, len(t.rows)-1))
	for _, path := range trail {
		if i := slices.IndexFunc(t.rows, func(n *JSONNode) bool { return n.Path == path }); i >= 0 {
			t.cursor = i
			return
		}
	}
}

// trail is the paths of the selected node and of all around it, innermost
// first.
func (t *JSONTree) trail() []string {
	var paths []string
	for n := t.Selected(); n != nil && n.parent != nil; n = n.parent {
		paths = append(paths, n.Path)
	}
	return paths
}

// Reveal tells whether masked values are shown.
func (t *JSONTree) Reveal() bool { return t.reveal }

// SetReveal shows or hides masked values. What is hidden is not found either.
func (t *JSONTree) SetReveal(on bool) {
	t.reveal, t.cuts = on, cuts{}
	t.search(t.find)
}

// layout collects the rows that are not folded away.
func (t *JSONTree) layout() {
	t.rows, t.cuts = t.rows[:0], cuts{}
	if t.root == nil {
		return
	}
	var walk func(n *JSONNode)
	walk = func(n *JSONNode) {
		for _, c := range n.Children {
			t.rows = append(t.rows, c)
			if !t.folded[c.Path] {
				walk(c)
			}
		}
	}
	walk(t.root)
	if len(t.rows) == 0 && !t.root.Branch() { // a document that is one scalar
		t.rows = append(t.rows, t.root)
	}
}

// Len is the number of rows, Cursor the selected one.
func (t *JSONTree) Len() int    { return len(t.rows) }
func (t *JSONTree) Cursor() int { return t.cursor }

// SetCursor selects a row.
func (t *JSONTree) SetCursor(i int) { t.cursor = max(0, min(i, len(t.rows)-1)) }

// Selected is the node under the cursor, nil in an empty tree.
func (t *JSONTree) Selected() *JSONNode {
	if t.cursor >= len(t.rows) {
		return nil
	}
	return t.rows[t.cursor]
}

// Fold hides what is below the selected node; on one that is folded, or has
// nothing below it, the cursor goes up to the parent instead.
func (t *JSONTree) Fold() {
	n := t.Selected()
	switch {
	case n == nil:
	case n.Branch() && !t.folded[n.Path]:
		t.fold(n, true)
	case n.parent != nil:
		t.goTo(n.parent)
	}
}

// Unfold shows what is below the selected node.
func (t *JSONTree) Unfold() {
	if n := t.Selected(); n != nil && n.Branch() {
		t.fold(n, false)
	}
}

// Toggle folds or unfolds the selected node.
func (t *JSONTree) Toggle() {
	if n := t.Selected(); n != nil && n.Branch() {
		t.fold(n, !t.folded[n.Path])
	}
}

func (t *JSONTree) fold(n *JSONNode, folded bool) {
	if t.folded == nil {
		t.folded = map[string]bool{}
	}
	if folded {
		t.folded[n.Path] = true
	} else {
		delete(t.folded, n.Path)
	}
	t.layout()
}

// ToggleAll folds the members of the root; when all are folded, it unfolds
// everything.
func (t *JSONTree) ToggleAll() {
	if t.root == nil {
		return
	}
	open := slices.ContainsFunc(t.root.Children, func(c *JSONNode) bool { return c.Branch() && !t.folded[c.Path] })
	top := t.Selected()
	for top != nil && top.depth > 0 {
		top = top.parent
	}
	t.folded = map[string]bool{}
	if open {
		for _, c := range t.root.Children {
			if c.Branch() {
				t.folded[c.Path] = true
			}
		}
	}
	selected := t.Selected()
	t.layout()
	if open {
		selected = top
	}
	t.goTo(selected)
}

// goTo moves the cursor to a node and unfolds what hides it.
func (t *JSONTree) goTo(n *JSONNode) {
	if n == nil {
		return
	}
	for p := n.parent; p != nil; p = p.parent {
		delete(t.folded, p.Path)
	}
	t.layout()
	if i := slices.Index(t.rows, n); i >= 0 {
		t.cursor = i
	}
}

// anchor is what a search goes back to while its text is still typed.
type anchor struct {
	folded map[string]bool
	node   *JSONNode
}

// BeginSearch remembers folds and cursor: until EndSearch every Search starts
// from here, so that what a half-typed text found leaves no trace.
func (t *JSONTree) BeginSearch() { t.from = &anchor{maps.Clone(t.folded), t.Selected()} }

// EndSearch keeps what was found, or goes back to where the search began.
func (t *JSONTree) EndSearch(keep bool) {
	if !keep {
		t.goBack()
	}
	t.from = nil
}

func (t *JSONTree) goBack() {
	if t.from == nil {
		return
	}
	t.folded = maps.Clone(t.from.folded)
	t.layout()
	t.goTo(t.from.node)
}

// Search looks for text in names and shown values; capitals count only when
// text has some. It goes to the first match from the cursor on.
func (t *JSONTree) Search(text string) {
	t.goBack()
	t.search(text)
	if len(t.matches) == 0 {
		return
	}
	i, _ := t.nearest()
	t.goTo(t.matches[i%len(t.matches)])
}

// nearest is the index of the first match from the cursor on, and whether the
// cursor is on it.
func (t *JSONTree) nearest() (int, bool) {
	here := 0
	if n := t.Selected(); n != nil {
		here = n.order
	}
	return slices.BinarySearchFunc(t.matches, here, func(n *JSONNode, order int) int { return n.order - order })
}

func (t *JSONTree) search(text string) {
	t.find, t.matches = text, nil
	if text == "" || t.root == nil {
		return
	}
	t.root.Each(func(n *JSONNode) {
		if n != t.root && (Find(n.label, text) >= 0 || Find(t.text(n), text) >= 0) {
			t.matches = append(t.matches, n)
		}
	})
}

// Next goes to the next match, or the one before when step is -1, around the
// ends.
func (t *JSONTree) Next(step int) {
	n := len(t.matches)
	if n == 0 {
		return
	}
	i, exact := t.nearest()
	switch {
	case step < 0:
		i--
	case exact:
		i++
	}
	t.goTo(t.matches[(i+n)%n])
}

// Matches is what is searched for, the number of the match under the cursor
// (0: none is) and how many there are.
func (t *JSONTree) Matches() (text string, at, of int) {
	here := t.Selected()
	return t.find, slices.Index(t.matches, here) + 1, len(t.matches)
}

// text is what is shown of a scalar.
func (t *JSONTree) text(n *JSONNode) string {
	if n.Mask != "" && !t.reveal {
		return n.Mask
	}
	return n.shown
}

// SelectedText is what the selected row shows of its value, without cutting.
func (t *JSONTree) SelectedText() string {
	n := t.Selected()
	if n == nil || n.Branch() {
		return ""
	}
	return t.text(n)
}

// Cuts tells whether some row is too long for the width. It looks at all rows
// when they are others, or the width is.
func (t *JSONTree) Cuts(width int) bool {
	if k := &t.cuts; !k.known || k.width != width {
		*k = cuts{known: true, width: width, cut: slices.ContainsFunc(t.rows, func(n *JSONNode) bool {
			return !n.Branch() && indent(n, width)+Width(n.label)+2+Width(t.text(n)) > width
		})}
	}
	return t.cuts.cut
}

// cuts is what Cuts said last.
type cuts struct {
	known, cut bool
	width      int
}
