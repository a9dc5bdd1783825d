package lists

import (
	"charm.land/lipgloss/v2"
)

// Spec says what a list shows and how. Functions get pointers because items
// are large; they must not change them.
type Spec[T any] struct {
	ID      func(*T) string
	Columns []Column[T]
	Orders  []Order[T] // the first is the default
	// Group is the heading below which an item stands; "" stands alone. Only
	// orders that are Grouped use it. nil: there are none.
	Group func(*T) string
	// Keys are what a filter can name, as in "image:alpine"; Field is the
	// text to look at. A word without a key looks at all but the Named.
	Keys  []string
	Named []string
	Field func(item *T, key string) string
}

// Column is one column. It is at least Min wide and at most Max, or as wide as
// its widest text where Measure is set; one with neither has the width Min.
type Column[T any] struct {
	Title    string
	Order    string // the order that a click on the title chooses
	Min, Max int
	Measure  func(*T) int // how wide the text wants to be, at most Max
	Grow     bool         // takes what nobody wants
	Rank     int          // the highest leaves first when there is no room; 0 stays
	Right    bool
	Gap      int         // blanks before it; 0 is one
	If       func() bool // whether any item has something to say in it; nil: yes
	Cell     func(item *T, width int) Cell
}

// Cell is what stands in a row and a column.
type Cell struct {
	Text  string
	Style lipgloss.Style
	Else  []string // shorter wordings, for when there is less room
	Name  bool     // cut at its front: the end says most
	Over  int      // it takes the room of so many columns behind it too
}

// Order is one way to sort.
type Order[T any] struct {
	ID      string // "cpu"
	Title   string // on the pane: "by CPU"
	Compare func(a, b *T) int
	Down    bool   // the largest first, unless reversed
	Grouped bool   // below the headings of Spec.Group
	Alone   string // the ID of the order that it is while there are no groups
}

// List is a list of items. Make one with New.
type List[T any] struct {
	spec  Spec[T]
	items []T

	filter  string
	order   int // in spec.Orders
	reverse bool
	folded  map[string]bool // groups
	marks   map[string]bool // IDs
	anchor  string          // where a range of marks began; "" is none

	entries []entry
	place   map[string]int // key of an entry -> its position
	groups  map[string]*group
	shown   int   // items that the filter lets through
	natural []int // widths that the columns want

	width, height  int // of the room for rows and titles
	cursor, offset int
	at             string // key of the entry under the cursor
	version        uint64
}

// entry is one line: an item, or the heading of a group.
type entry struct {
	item  int // in items; heading: -1
	group string
}

// group is what stands below one heading.
type group struct{ items []int }

// New makes an empty list.
func New[T any](spec Spec[T]) *List[T] {
	l := &List[T]{spec: spec, folded: make(map[string]bool), marks: make(map[string]bool)}
	l.rebuild()
	return l
}

// Set replaces the items. Cursor, marks and folds stay; marks of items that are
// gone go with them.
func (l *List[T]) Set(items []T) {
	l.items = items
	if len(l.marks) > 0 {
		there := make(map[string]bool, len(items))
		for i := range items {
			there[l.spec.ID(&items[i])] = true
		}
		for id := range l.marks {
			if !there[id] {
				delete(l.marks, id)
			}
		}
	}
	l.rebuild()
}

// Resort sorts again, because what the order looks at has changed.
func (l *List[T]) Resort() { l.rebuild() }

// Touch says that cells have changed though the items have not.
func (l *List[T]) Touch() { l.version++ }

// Version grows with everything that can change the view.
func (l *List[T]) Version() uint64 { return l.version }

// Len is how many items the filter lets through, folded ones too; All is how
// many there are.
func (l *List[T]) Len() int { return l.shown }

// All is how many items there are.
func (l *List[T]) All() int { return len(l.items) }

// Lines is how many lines there are: items that are not folded, and headings.
func (l *List[T]) Lines() int { return len(l.entries) }

// Current is the item under the cursor; nil on a heading or an empty list.
func (l *List[T]) Current() *T {
	if l.cursor >= len(l.entries) || l.entries[l.cursor].item < 0 {
		return nil
	}
	return &l.items[l.entries[l.cursor].item]
}

// CurrentID is the ID of the item under the cursor, "" when there is none.
func (l *List[T]) CurrentID() string {
	if c := l.Current(); c != nil {
		return l.spec.ID(c)
	}
	return ""
}

// Heading is the group whose heading is under the cursor.
func (l *List[T]) Heading() (name string, ok bool) {
	if l.cursor >= len(l.entries) || l.entries[l.cursor].item >= 0 {
		return "", false
	}
	return l.entries[l.cursor].group, true
}

// Find looks an item up by its ID, whether it is shown or not.
func (l *List[T]) Find(id string) *T {
	for i := range l.items {
		if l.spec.ID(&l.items[i]) == id {
			return &l.items[i]
		}
	}
	return nil
}

// Visible calls yield with the items whose lines are on the screen.
func (l *List[T]) Visible(yield func(*T) bool) {
	for i := l.offset; i < min(len(l.entries), l.offset+l.rows()); i++ {
		if item := l.entries[i].item; item >= 0 && !yield(&l.items[item]) {
			return
		}
	}
}

// key of an entry. IDs hold no NUL, so headings and items never meet.
func (l *List[T]) key(e entry) string {
	if e.item < 0 {
		return "\x00" + e.group
	}
	return l.spec.ID(&l.items[e.item])
}
