package lists

// Marked tells whether an item is marked, also by a range that is still open.
func (l *List[T]) Marked(id string) bool {
	if l.marks[id] {
		return true
	}
	from, to, ok := l.span()
	if !ok {
		return false
	}
	i, there := l.place[id]
	return there && i >= from && i <= to
}

// span is the open range, from its first to its last entry.
func (l *List[T]) span() (from, to int, ok bool) {
	if l.anchor == "" {
		return 0, 0, false
	}
	from, ok = l.place[l.anchor]
	return min(from, l.cursor), max(from, l.cursor), ok
}

// Marks is how many items are marked.
func (l *List[T]) Marks() int {
	n := len(l.marks)
	from, to, ok := l.span()
	for i := from; ok && i <= to; i++ {
		if e := l.entries[i]; e.item >= 0 && !l.marks[l.key(e)] {
			n++
		}
	}
	return n
}

// Mark marks what the cursor is on or takes the mark away: an item, or all of
// a group, which loses its marks when all of it had one. An open range becomes
// marks instead.
func (l *List[T]) Mark() {
	if l.closeRange() || l.cursor >= len(l.entries) {
		return
	}
	l.version++
	e := l.entries[l.cursor]
	if e.item >= 0 {
		l.turn(l.key(e), !l.marks[l.key(e)])
		return
	}
	all := true
	for _, item := range l.InGroup(e.group) {
		all = all && l.marks[l.spec.ID(item)]
	}
	for _, item := range l.InGroup(e.group) {
		l.turn(l.spec.ID(item), !all)
	}
}

func (l *List[T]) turn(id string, on bool) {
	if on {
		l.marks[id] = true
	} else {
		delete(l.marks, id)
	}
}

// Range begins a range of marks at the cursor, or makes marks of the open one.
func (l *List[T]) Range() {
	if !l.closeRange() && l.at != "" {
		l.anchor = l.at
		l.version++
	}
}

// Ranging tells whether a range is open.
func (l *List[T]) Ranging() bool { return l.anchor != "" }

// Extend moves the cursor with a range open, as shift with an arrow does.
func (l *List[T]) Extend(by int) {
	if l.anchor == "" {
		l.Range()
	}
	l.Move(by)
}

// DropRange forgets the open range; marks that were there stay.
func (l *List[T]) DropRange() {
	if l.anchor != "" {
		l.anchor = ""
		l.version++
	}
}

func (l *List[T]) closeRange() bool {
	if l.anchor == "" {
		return false
	}
	from, to, ok := l.span()
	for i := from; ok && i <= to; i++ {
		if e := l.entries[i]; e.item >= 0 {
			l.marks[l.key(e)] = true
		}
	}
	l.anchor = ""
	l.version++
	return true
}

// MarkAll marks all that the filter lets through.
func (l *List[T]) MarkAll() {
	l.anchor = ""
	l.version++
	for _, i := range l.passing() {
		l.marks[l.spec.ID(&l.items[i])] = true
	}
}

// Unmark takes all marks away, and a range that is open.
func (l *List[T]) Unmark() {
	if len(l.marks) == 0 && l.anchor == "" {
		return
	}
	clear(l.marks)
	l.anchor = ""
	l.version++
}

// passing are the items that the filter lets through, in their order, those in
// closed groups too.
func (l *List[T]) passing() []int {
	out := make([]int, 0, l.shown)
	for _, e := range l.entries {
		switch {
		case e.item >= 0:
			out = append(out, e.item)
		case l.folded[e.group]:
			out = append(out, l.groups[e.group].items...)
		}
	}
	return out
}

// Targets are what an action goes to: the marked items that the filter lets
// through, else the one under the cursor, or all below its heading.
func (l *List[T]) Targets() []*T {
	var out []*T
	if len(l.marks) > 0 || l.anchor != "" {
		for _, i := range l.passing() {
			if l.Marked(l.spec.ID(&l.items[i])) {
				out = append(out, &l.items[i])
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	if name, ok := l.Heading(); ok {
		return l.InGroup(name)
	}
	if c := l.Current(); c != nil {
		return []*T{c}
	}
	return nil
}
