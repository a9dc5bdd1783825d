package tabs

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"gantry/engine"
	"gantry/ui/glyph"
	"gantry/ui/styles"
	"gantry/ui/widgets"
)

const dirMode = fs.ModeDir

// node is an entry of the tree.
type node struct {
	entry    engine.DirEntry
	path     string
	depth    int // of the top's entries: 0
	open     bool
	busy     bool // its entries are on their way
	read     bool
	folded   bool   // closed by hand
	gone     bool   // it was removed: only its name is known
	flat     string // of what a search found: its path below where that began
	more     bool   // it holds more than its nodes
	err      error
	children []*node
	weight   *weight // of a directory; nil: not measured
}

// weight is what a directory takes with all below it.
type weight struct {
	bytes            int64
	unknown, partial bool
}

func (n *node) dir() bool { return n.entry.Mode.IsDir() }

// size is -1 where it is not known.
func (n *node) size() int64 {
	switch {
	case !n.dir():
		return n.entry.Size
	case n.weight == nil || n.weight.unknown:
		return -1
	}
	return n.weight.bytes
}

// each calls f with the node and all that are known below it.
func (n *node) each(f func(*node)) {
	f(n)
	for _, c := range n.children {
		c.each(f)
	}
}

// find is the node of a path, nil when there is none any more.
func (n *node) find(p string) *node {
	if n == nil || n.path == p {
		return n
	}
	for _, c := range n.children {
		if c.path == p || strings.HasPrefix(p, c.path+"/") {
			return c.find(p)
		}
	}
	return nil
}

// child is the entry of a name, nil when there is none.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.entry.Name == name {
			return c
		}
	}
	return nil
}

// below makes a node of an entry.
func (n *node) below(e engine.DirEntry, gone bool) *node {
	c := &node{entry: e, path: path.Join(n.path, e.Name), depth: n.depth + 1, gone: gone}
	if n.path == "/" {
		c.depth = 0
	}
	return c
}

// fill takes a directory's entries; what is open below it stays so.
func (n *node) fill(list engine.DirList) {
	old := make(map[string]*node, len(n.children))
	for _, c := range n.children {
		old[c.entry.Name] = c
	}
	n.read, n.more = true, list.More
	n.children = make([]*node, 0, len(list.Entries))
	for _, e := range list.Entries {
		c := old[e.Name]
		if c == nil || c.dir() != e.Mode.IsDir() {
			c = n.below(e, false)
		}
		c.entry = e
		n.children = append(n.children, c)
	}
}

// rows adds what is to be seen below the node.
func (n *node) rows(out []*node, t *Files) []*node {
	shown := slices.Concat(n.children, t.known.ghosts(n))
	if t.changed {
		shown = slices.DeleteFunc(shown, func(c *node) bool { return !t.known.has(c.path) })
	}
	slices.SortStableFunc(shown, func(a, b *node) int {
		if t.bySize {
			return cmp.Or(cmp.Compare(b.size(), a.size()), strings.Compare(a.entry.Name, b.entry.Name))
		}
		return cmp.Or(btoi(b.dir())-btoi(a.dir()), strings.Compare(a.entry.Name, b.entry.Name))
	})
	for _, c := range shown {
		out = append(out, c)
		if c.open {
			out = c.rows(out, t)
		}
	}
	return out
}

// View implements Panel.
func (t *Files) View(width, height int) []string {
	if width < 8 || height < 1 {
		return nil
	}
	s := t.styles()
	if t.page != nil {
		return t.page.view(s, width, height)
	}
	below := t.below(s, width)
	if lines := t.instead(s, width); lines != nil {
		return stack(lines, below, height)
	}
	c := columnsOf(width, t.markWidth())
	lines := []string{c.titles(s, t.bySize && t.found == nil)}
	rows := height - 1 - len(below)
	offset := widgets.Window(len(t.rows), rows, t.list.at, t.list.offset)
	for i := offset; i < min(len(t.rows), offset+rows); i++ {
		lines = append(lines, t.row(s, c, i))
	}
	return stack(lines, below, height)
}

// instead is what stands there while there is no row; nil when there is one.
func (t *Files) instead(s styles.Styles, width int) []string {
	kind := string(t.of.kind)
	switch {
	case t.ref == "":
		return notice(s, width, "No "+kind+" is chosen.", "")
	case t.reader() == nil:
		return notice(s, width, "This engine cannot look into "+kind+"s.", "")
	case t.found != nil && t.found.fault != nil:
		return problem(s, width, t.found.fault)
	case t.found != nil && len(t.rows) == 0 && !t.found.done:
		return notice(s, width, "", s.Wait("Searching"))
	case t.found != nil && len(t.rows) == 0:
		return notice(s, width, "Nothing below "+safe(t.found.dir)+" is called like "+safe(t.found.text)+".", "A part of the name will do, and so will a pattern such as *.conf.")
	case t.found == nil && t.top.err != nil:
		return problem(s, width, t.top.err)
	case t.found == nil && !t.top.read:
		return notice(s, width, "", s.Wait("Reading"))
	case len(t.rows) == 0:
		return notice(s, width, t.of.empty[0], t.of.empty[1])
	}
	return nil
}

// below is what is typed, or what became of it.
func (t *Files) below(s styles.Styles, width int) []string {
	if lines := t.ask.lines(s, t.askLabel(), width); lines != nil || t.note == "" {
		return lines
	}
	return []string{s.Warn.Render(widgets.Fit(" "+t.note, width))}
}

// markWidth is that of the sign of what has changed.
func (t *Files) markWidth() int {
	if t.of.kind == engine.KindContainer {
		return 2
	}
	return 0
}

// fileColumns are the widths of the columns; 0 leaves one out.
type fileColumns struct{ mark, name, size, bar, mode, owner, age, width int }

func columnsOf(width, mark int) fileColumns {
	c := fileColumns{width: width, mark: mark}
	if width >= 18 {
		c.size = 7
	}
	if width >= 48 {
		c.bar = 8
	}
	if width >= 58 {
		c.age = 4
	}
	if width >= 72 {
		c.mode = 10
	}
	if width >= 86 {
		c.owner = 11
	}
	c.name = width - 2 - mark
	for _, w := range []int{c.size, c.bar, c.age, c.mode, c.owner} {
		if w > 0 {
			c.name -= w + 2
		}
	}
	return c
}

func (c fileColumns) titles(s styles.Styles, bySize bool) string {
	name, size := "NAME", "SIZE"
	if bySize {
		size += glyph.Downward
	}
	line := " " + strings.Repeat(" ", c.mark) + widgets.Fit(name, c.name)
	if c.size > 0 {
		line += "  " + widgets.FitLeft(size, c.size)
	}
	for _, col := range []struct {
		title string
		width int
	}{{"", c.bar}, {"AGE", c.age}, {"MODE", c.mode}, {"OWNER", c.owner}} {
		if col.width > 0 {
			line += "  " + widgets.Fit(col.title, col.width)
		}
	}
	return s.Muted.Render(widgets.Fit(line, c.width))
}

// row draws one entry: what it is, how large, and how large beside the others
// of its directory.
func (t *Files) row(s styles.Styles, c fileColumns, i int) string {
	n := t.rows[i]
	lit := func(style lipgloss.Style) lipgloss.Style {
		if i == t.list.at && !t.unfocused {
			return widgets.Lit(style, s.Selected)
		}
		return style
	}
	var b strings.Builder
	if i == t.list.at {
		b.WriteString(s.Bar(!t.unfocused).Render(glyph.Bar))
	} else {
		b.WriteString(" ")
	}
	put := func(style lipgloss.Style, text string) { b.WriteString(lit(style).Render(text)) }
	if c.mark > 0 {
		sign, style := t.mark(s, n)
		put(style, sign+" ")
	}
	lead, name, after := n.label(t.known.mounts)
	put(s.Muted, widgets.Fit(lead, min(c.name, widgets.Width(lead))))
	room := max(0, c.name-widgets.Width(lead))
	shown := min(room, widgets.Width(name))
	put(nameStyle(s, n), widgets.Fit(name, shown))
	put(s.Muted, widgets.Fit(after, room-shown))
	if c.size > 0 {
		put(s.Text, "  "+widgets.FitLeft(t.sizeText(n), c.size))
	}
	if c.bar > 0 {
		put(s.Accent, "  "+widgets.Fit(t.share(n, c.bar), c.bar))
	}
	if c.age > 0 {
		put(s.Muted, "  "+widgets.FitLeft(t.age(n), c.age))
	}
	if c.mode > 0 {
		put(s.Muted, "  "+widgets.Fit(n.modeText(), c.mode))
	}
	if c.owner > 0 {
		put(s.Muted, "  "+widgets.Fit(t.owner(n), c.owner))
	}
	put(s.Text, " ")
	return b.String()
}

// mark tells what has become of an entry: docker's letter.
func (t *Files) mark(s styles.Styles, n *node) (string, lipgloss.Style) {
	kind, ok := t.known.kinds[n.path]
	switch {
	case !ok && t.known.below[n.path]:
		return glyph.Dot, s.Muted
	case !ok:
		return " ", s.Muted
	case kind == engine.Added:
		return kind.String(), s.Added
	case kind == engine.Deleted:
		return kind.String(), s.Removed
	}
	return kind.String(), s.Modified
}

func (t *Files) owner(n *node) string {
	if n.gone {
		return ""
	}
	return t.known.owner(n.entry)
}

func (t *Files) age(n *node) string {
	if n.gone {
		return ""
	}
	return fileAge(t.now().Sub(n.entry.Mtime))
}

// modeText is what ls -l says.
func (n *node) modeText() string {
	if n.gone {
		return ""
	}
	m := n.entry.Mode
	b := []byte(m.Perm().String())
	switch {
	case m.IsDir():
		b[0] = 'd'
	case m&fs.ModeSymlink != 0:
		b[0] = 'l'
	case m&fs.ModeNamedPipe != 0:
		b[0] = 'p'
	case m&fs.ModeSocket != 0:
		b[0] = 's'
	case m&fs.ModeCharDevice != 0:
		b[0] = 'c'
	case m&fs.ModeDevice != 0:
		b[0] = 'b'
	}
	for _, bit := range []struct {
		is fs.FileMode
		at int
		on byte
	}{{fs.ModeSetuid, 3, 's'}, {fs.ModeSetgid, 6, 's'}, {fs.ModeSticky, 9, 't'}} {
		if m&bit.is == 0 {
			continue
		}
		if b[bit.at] != 'x' {
			bit.on -= 'a' - 'A'
		}
		b[bit.at] = bit.on
	}
	return string(b)
}

// label is what stands before the name, the name, and what is said about it.
func (n *node) label(mounts map[string]engine.MountPoint) (lead, name, after string) {
	lead = strings.Repeat("  ", n.depth)
	switch {
	case n.flat != "":
	case n.dir() && n.open:
		lead += glyph.Unfolded + " "
	case n.dir():
		lead += glyph.Folded + " "
	default:
		lead += "  "
	}
	name = safe(n.entry.Name)
	if n.flat != "" {
		name = safe(n.flat)
	}
	if n.dir() {
		name += "/"
	}
	return lead, name, n.remark(mounts)
}

func (n *node) remark(mounts map[string]engine.MountPoint) string {
	mount := ""
	if m, ok := mounts[n.path]; ok {
		mount = " " + glyph.Left + " " + safe(strings.TrimSpace(m.Type+" "+cmp.Or(m.Name, m.Source)))
	} else if n.entry.Mount {
		mount = " " + glyph.Left + " mount"
	}
	switch {
	case n.gone:
		return "  removed"
	case n.err != nil:
		return "  " + safe(n.err.Error())
	case n.entry.Mode&fs.ModeSymlink != 0:
		return " " + glyph.Right + " " + safe(n.entry.LinkTarget)
	case n.busy && !n.read:
		return mount + " " + glyph.Ellipsis
	case n.open && n.read && len(n.children) == 0:
		return mount + "  empty"
	case n.more:
		return mount + fmt.Sprintf("  the first %d", engine.MaxDirEntries)
	}
	return mount
}

func nameStyle(s styles.Styles, n *node) lipgloss.Style {
	switch {
	case n.err != nil:
		return s.Bad
	case n.gone:
		return s.Removed
	case n.dir():
		return s.Name
	case !n.entry.Mode.IsRegular():
		return s.Muted
	}
	return s.Text
}

func (t *Files) sizeText(n *node) string {
	switch {
	case n.gone:
		return ""
	case n.dir() && (t.unmeasured(n) || n.flat != ""):
		return glyph.Dash
	case n.dir() && n.weight == nil:
		return glyph.Ellipsis
	case n.dir() && n.weight.unknown, !n.dir() && !n.entry.Mode.IsRegular():
		return glyph.Dash
	case n.dir() && n.weight.partial:
		return glyph.AtLeast + widgets.Bytes(float64(n.weight.bytes))
	}
	return widgets.Bytes(float64(n.size()))
}

// share is a bar of the entry's part of the largest beside it.
func (t *Files) share(n *node, width int) string {
	holder := t.top.find(path.Dir(n.path))
	if holder == nil || n.size() <= 0 || !n.dir() && !n.entry.Mode.IsRegular() {
		return ""
	}
	largest := int64(1)
	for _, c := range holder.children {
		largest = max(largest, c.size())
	}
	return strings.Repeat(glyph.Full, int((n.size()*int64(width)+largest/2)/largest))
}

// fileAge is ago for what may be years old, or of the future.
func fileAge(d time.Duration) string {
	const year = 365 * 24 * time.Hour
	if d > 2*year {
		return fmt.Sprintf("%dy", int(d/year))
	}
	return ago(d)
}
