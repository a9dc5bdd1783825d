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
	more     bool // it holds more than its nodes
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
			c = &node{path: path.Join(n.path, e.Name), depth: n.depth + 1}
			if n.path == "/" {
				c.depth = 0
			}
		}
		c.entry = e
		n.children = append(n.children, c)
	}
}

// rows adds what is to be seen below the node.
func (n *node) rows(out []*node, bySize bool) []*node {
	shown := slices.Clone(n.children)
	slices.SortStableFunc(shown, func(a, b *node) int {
		if bySize {
			return cmp.Or(cmp.Compare(b.size(), a.size()), strings.Compare(a.entry.Name, b.entry.Name))
		}
		return cmp.Or(btoi(b.dir())-btoi(a.dir()), strings.Compare(a.entry.Name, b.entry.Name))
	})
	for _, c := range shown {
		out = append(out, c)
		if c.open {
			out = c.rows(out, bySize)
		}
	}
	return out
}

// View implements Panel.
func (t *VolumeFiles) View(width, height int) []string {
	if width < 8 || height < 1 {
		return nil
	}
	s := t.styles()
	switch {
	case t.volume == "":
		return stack(notice(s, width, "No volume is chosen.", ""), nil, height)
	case t.reader() == nil:
		return stack(notice(s, width, "This engine cannot look into volumes.", ""), nil, height)
	case t.page != nil:
		return t.page.view(s, width, height)
	case t.top.err != nil:
		return stack(problem(s, width, t.top.err), nil, height)
	case !t.top.read:
		return stack(notice(s, width, "", s.Wait("Reading")), nil, height)
	case len(t.rows) == 0:
		return stack(notice(s, width, "The volume is empty.", "What a container writes where it is mounted goes here."), nil, height)
	}
	c := columnsOf(width)
	lines := []string{c.titles(s, t.bySize)}
	offset := widgets.Window(len(t.rows), height-1, t.list.at, t.list.offset)
	for i := offset; i < min(len(t.rows), offset+height-1); i++ {
		lines = append(lines, t.row(s, c, i))
	}
	return lines
}

// fileColumns are the widths of the columns; 0 leaves one out.
type fileColumns struct{ name, size, bar, mode, owner, age, width int }

func columnsOf(width int) fileColumns {
	c := fileColumns{width: width}
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
		c.owner = 9
	}
	c.name = width - 2
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
	line := " " + widgets.Fit(name, c.name)
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
func (t *VolumeFiles) row(s styles.Styles, c fileColumns, i int) string {
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
	lead, name, after := n.label()
	put(s.Muted, widgets.Fit(lead, min(c.name, widgets.Width(lead))))
	room := max(0, c.name-widgets.Width(lead))
	shown := min(room, widgets.Width(name))
	put(nameStyle(s, n), widgets.Fit(name, shown))
	put(s.Muted, widgets.Fit(after, room-shown))
	if c.size > 0 {
		put(s.Text, "  "+widgets.FitLeft(n.sizeText(), c.size))
	}
	if c.bar > 0 {
		put(s.Accent, "  "+widgets.Fit(t.share(n, c.bar), c.bar))
	}
	if c.age > 0 {
		put(s.Muted, "  "+widgets.FitLeft(fileAge(t.now().Sub(n.entry.Mtime)), c.age))
	}
	if c.mode > 0 {
		put(s.Muted, "  "+widgets.Fit(n.entry.Mode.String(), c.mode))
	}
	if c.owner > 0 {
		put(s.Muted, "  "+widgets.Fit(fmt.Sprintf("%d:%d", n.entry.UID, n.entry.GID), c.owner))
	}
	put(s.Text, " ")
	return b.String()
}

// label is what stands before the name, the name, and what is said about it.
func (n *node) label() (lead, name, after string) {
	lead = strings.Repeat("  ", n.depth)
	switch {
	case n.dir() && n.open:
		lead += glyph.Unfolded + " "
	case n.dir():
		lead += glyph.Folded + " "
	default:
		lead += "  "
	}
	name = safe(n.entry.Name)
	switch {
	case n.dir():
		name += "/"
	case n.entry.Mode&fs.ModeSymlink != 0:
		after = " " + glyph.Right + " " + safe(n.entry.LinkTarget)
	}
	switch {
	case n.err != nil:
		after = "  " + safe(n.err.Error())
	case n.busy && !n.read:
		after = " " + glyph.Ellipsis
	case n.open && n.read && len(n.children) == 0:
		after = "  empty"
	case n.more:
		after = fmt.Sprintf("  the first %d", engine.MaxDirEntries)
	}
	return lead, name, after
}

func nameStyle(s styles.Styles, n *node) lipgloss.Style {
	switch {
	case n.err != nil:
		return s.Bad
	case n.dir():
		return s.Name
	case !n.entry.Mode.IsRegular():
		return s.Muted
	}
	return s.Text
}

func (n *node) sizeText() string {
	switch {
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
func (t *VolumeFiles) share(n *node, width int) string {
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
