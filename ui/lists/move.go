package lists

// Place says how much room there is, titles included.
func (l *List[T]) Place(width, height int) {
	if width == l.width && height == l.height {
		return
	}
	l.width, l.height = width, height
	l.version++
	l.settle()
}

// rows is how many entries fit below the titles.
func (l *List[T]) rows() int {
	if l.titled() {
		return l.height - 1
	}
	return max(0, l.height)
}

// titled tells whether there is room for a line of column titles: a short list
// needs its lines more.
func (l *List[T]) titled() bool {
	const least = 8
	if l.height < least {
		return false
	}
	for _, c := range l.spec.Columns {
		if c.Title != "" {
			return true
		}
	}
	return false
}

// settle brings cursor and offset into what there is and remembers what the
// cursor is on.
func (l *List[T]) settle() {
	l.cursor = max(0, min(l.cursor, len(l.entries)-1))
	l.offset = min(l.offset, l.cursor)
	if rows := l.rows(); rows > 0 {
		l.offset = max(l.offset, l.cursor-rows+1)
		l.offset = min(l.offset, len(l.entries)-rows)
	}
	l.offset = max(0, l.offset)
	l.at = ""
	if l.cursor < len(l.entries) {
		l.at = l.key(l.entries[l.cursor])
	}
}

// Move moves the cursor; more than there is goes to the end.
func (l *List[T]) Move(by int) {
	was := l.cursor
	l.cursor = max(0, min(l.cursor+by, len(l.entries)-1))
	if l.cursor != was {
		l.version++
	}
	l.settle()
}

// Page is how far a page key moves: one line less than is visible.
func (l *List[T]) Page() int { return max(1, l.rows()-1) }

// Scroll moves the lines below the cursor, as a wheel does; the cursor goes
// along when it would leave the screen.
func (l *List[T]) Scroll(by int) {
	rows := l.rows()
	offset := max(0, min(l.offset+by, len(l.entries)-rows))
	if offset == l.offset {
		return
	}
	l.offset = offset
	l.cursor = max(l.offset, min(l.cursor, l.offset+rows-1))
	l.version++
	l.settle()
}

// Select puts the cursor on the item with this ID and opens its group.
func (l *List[T]) Select(id string) bool {
	i, ok := l.place[id]
	if !ok && l.unfold(id) {
		i, ok = l.place[id]
	}
	if !ok {
		return false
	}
	l.cursor = i
	l.version++
	l.settle()
	return true
}

// unfold opens the group of an item that a fold hides.
func (l *List[T]) unfold(id string) bool {
	for name, g := range l.groups {
		for _, i := range g.items {
			if l.folded[name] && l.spec.ID(&l.items[i]) == id {
				delete(l.folded, name)
				l.rebuild()
				return true
			}
		}
	}
	return false
}

// Hit is what stands at a place of the view.
type Hit struct {
	Entry int    // the line's position; -1: none
	Order string // the order of the title there; "": no title
}

// At finds what stands in column x and line y of the view.
func (l *List[T]) At(x, y int) Hit {
	if l.titled() {
		if y == 0 {
			return Hit{-1, l.titleAt(x)}
		}
		y--
	}
	if i := l.offset + y; y >= 0 && y < l.rows() && i < len(l.entries) {
		return Hit{Entry: i}
	}
	return Hit{Entry: -1}
}

// Click puts the cursor on a line.
func (l *List[T]) Click(entry int) {
	if entry < 0 || entry >= len(l.entries) {
		return
	}
	l.cursor = entry
	l.version++
	l.settle()
}
