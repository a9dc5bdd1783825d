package lists

// lead is the cell for the bar of the cursor and for marks; indent is how far
// items stand in below headings.
const (
	lead   = 1
	indent = 2
)

// measure finds how wide the columns want to be.
func (l *List[T]) measure(passed []int) {
	l.natural = make([]int, len(l.spec.Columns))
	for c, col := range l.spec.Columns {
		n := max(col.Min, col.Max)
		if col.Measure != nil && (col.If == nil || col.If()) {
			n = col.Min
			for _, i := range passed {
				n = max(n, col.Measure(&l.items[i]))
			}
			if col.Max > 0 {
				n = min(n, max(col.Min, col.Max))
			}
		}
		l.natural[c] = n
	}
}

func (c Column[T]) gap() int {
	if c.Gap > 0 {
		return c.Gap
	}
	return 1
}

// widths gives each column its cells; 0 leaves it out. All get their least;
// when that is too much, those of the highest rank go; what is over goes to
// the columns in their order until each has what it wants, and the rest to
// those that grow.
func (l *List[T]) widths(room int) []int {
	cols := l.spec.Columns
	w := make([]int, len(cols))
	used := 0
	for i, c := range cols {
		if c.If == nil || c.If() {
			w[i] = c.Min
			used += c.Min + c.gap()
		}
	}
	for used > room {
		worst := -1
		for i, c := range cols {
			if w[i] > 0 && c.Rank > 0 && (worst < 0 || c.Rank > cols[worst].Rank) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		used -= w[worst] + cols[worst].gap()
		w[worst] = 0
	}
	for _, measured := range []bool{true, false} { // what is said goes before what would only be wider
		for i, c := range cols {
			if w[i] > 0 && (c.Measure != nil) == measured {
				more := max(0, min(l.natural[i]-w[i], room-used))
				w[i] += more
				used += more
			}
		}
	}
	for i, c := range cols {
		if c.Grow && w[i] > 0 && used < room {
			w[i] += room - used
			used = room
		}
	}
	return w
}

// inset is the room left of the first column.
func (l *List[T]) inset() int {
	if l.Grouped() {
		return lead + indent
	}
	return lead
}

// room is what columns and the gaps before them have. The first needs no gap;
// instead a blank stays before the border.
func (l *List[T]) room() int { return l.width - l.inset() }

// titleAt is the order of the title in column x.
func (l *List[T]) titleAt(x int) string {
	from := l.inset() - 1
	for i, w := range l.widths(l.room()) {
		if w == 0 {
			continue
		}
		to := from + l.spec.Columns[i].gap() + w
		if x >= from && x < to {
			return l.spec.Columns[i].Order
		}
		from = to
	}
	return ""
}
