package lists

import (
	"slices"
	"strings"
)

// rebuild makes the entries anew: filter, sort, group. The cursor stays on what
// it was on, at the same height of the screen; when that is gone it stays
// where it was.
func (l *List[T]) rebuild() {
	l.version++
	height := l.cursor - l.offset
	passed := l.pass()
	l.shown = len(passed)
	l.sort(passed)
	l.entries, l.groups = l.lay(passed)
	l.place = make(map[string]int, len(l.entries))
	for i, e := range l.entries {
		l.place[l.key(e)] = i
	}
	l.measure(passed)
	if i, ok := l.place[l.at]; ok {
		l.cursor = i
	} else if l.at == "" && len(l.entries) > 1 && l.entries[0].item < 0 && !l.folded[l.entries[0].group] {
		l.cursor, height = 1, 1 // the first time: on an item, its heading in sight
	}
	l.offset = l.cursor - height
	l.settle()
}

// pass are the items that the filter lets through.
func (l *List[T]) pass() []int {
	match := compile(l.filter, l.spec)
	passed := make([]int, 0, len(l.items))
	for i := range l.items {
		if match(&l.items[i]) {
			passed = append(passed, i)
		}
	}
	return passed
}

func (l *List[T]) sort(passed []int) {
	if len(l.spec.Orders) == 0 {
		return
	}
	order := l.spec.Orders[l.order]
	sign := 1
	if order.Down != l.reverse {
		sign = -1
	}
	grouped := order.Grouped && l.spec.Group != nil
	slices.SortStableFunc(passed, func(a, b int) int {
		x, y := &l.items[a], &l.items[b]
		if grouped {
			if c := compareGroups(l.spec.Group(x), l.spec.Group(y)); c != 0 {
				return c
			}
		}
		return sign * order.Compare(x, y)
	})
}

// compareGroups puts what stands alone behind all groups.
func compareGroups(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return strings.Compare(a, b)
}

// lay puts headings before the groups and leaves out what is folded.
func (l *List[T]) lay(passed []int) ([]entry, map[string]*group) {
	entries := make([]entry, 0, len(passed)+8)
	groups := make(map[string]*group)
	grouped := l.spec.Group != nil && len(l.spec.Orders) > 0 && l.spec.Orders[l.order].Grouped
	for _, i := range passed {
		name := ""
		if grouped {
			name = l.spec.Group(&l.items[i])
		}
		if name != "" {
			g := groups[name]
			if g == nil {
				g = &group{}
				groups[name] = g
				entries = append(entries, entry{-1, name})
			}
			g.items = append(g.items, i)
			if l.folded[name] {
				continue
			}
		}
		entries = append(entries, entry{i, name})
	}
	return entries, groups
}

// Ordered is the order in use, and whether it is turned round.
func (l *List[T]) Ordered() (Order[T], bool) {
	if len(l.spec.Orders) == 0 {
		return Order[T]{}, false
	}
	return l.spec.Orders[l.order], l.reverse
}

// Grouped tells whether there are headings now.
func (l *List[T]) Grouped() bool { return len(l.groups) > 0 }

// Sorted is the order in words, for the border of the pane.
func (l *List[T]) Sorted() string {
	order, reverse := l.Ordered()
	for _, o := range l.spec.Orders {
		if o.ID == order.Alone && !l.Grouped() {
			order = o
		}
	}
	if reverse {
		return order.Title + ", reversed"
	}
	return order.Title
}

// NextOrder goes on to the next way to sort that looks different.
func (l *List[T]) NextOrder() {
	n := len(l.spec.Orders)
	if n == 0 {
		return
	}
	was, alone := l.spec.Orders[l.order], !l.Grouped()
	l.order, l.reverse = (l.order+1)%n, false
	if alone && l.spec.Orders[l.order].ID == was.Alone {
		l.order = (l.order + 1) % n
	}
	l.ordered()
}

// ordered sorts after somebody has chosen how. An order that ranks shows what
// it ranks first; any other leaves the cursor on its item.
func (l *List[T]) ordered() {
	l.rebuild()
	if l.spec.Orders[l.order].Down {
		l.Move(-1 << 30)
	}
}

// Reverse turns the order round.
func (l *List[T]) Reverse() {
	if len(l.spec.Orders) > 0 {
		l.reverse = !l.reverse
		l.ordered()
	}
}

// OrderBy sorts by the order with this ID; a second time turns it round.
func (l *List[T]) OrderBy(id string) {
	for i, o := range l.spec.Orders {
		switch {
		case o.ID != id:
			continue
		case i == l.order:
			l.reverse = !l.reverse
		default:
			l.order, l.reverse = i, false
		}
		l.ordered()
		return
	}
}

// Fold closes or opens the group that the cursor is in. It tells whether there
// was one.
func (l *List[T]) Fold() bool {
	if l.cursor >= len(l.entries) || l.entries[l.cursor].group == "" {
		return false
	}
	name := l.entries[l.cursor].group
	if l.folded[name] = !l.folded[name]; l.folded[name] {
		l.at = "\x00" + name
	}
	l.rebuild()
	return true
}

// FoldAll closes all groups, or opens them when all are closed.
func (l *List[T]) FoldAll() {
	open := false
	for name := range l.groups {
		open = open || !l.folded[name]
	}
	for name := range l.groups {
		l.folded[name] = open
	}
	if l.cursor < len(l.entries) && open && l.entries[l.cursor].group != "" {
		l.at = "\x00" + l.entries[l.cursor].group
	}
	l.rebuild()
}

// InGroup are the items below a heading.
func (l *List[T]) InGroup(name string) []*T {
	g := l.groups[name]
	if g == nil {
		return nil
	}
	out := make([]*T, len(g.items))
	for i, at := range g.items {
		out[i] = &l.items[at]
	}
	return out
}
