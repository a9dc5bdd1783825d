package lists_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"gantry/themes"
	"gantry/ui/lists"
	"gantry/ui/styles"
)

type animal struct {
	id, name, herd string
	weight         int
}

func spec() lists.Spec[animal] {
	cell := func(text func(*animal) string) func(*animal, int) lists.Cell {
		return func(a *animal, _ int) lists.Cell { return lists.Cell{Text: text(a), Style: lipgloss.NewStyle()} }
	}
	return lists.Spec[animal]{
		ID:    func(a *animal) string { return a.id },
		Group: func(a *animal) string { return a.herd },
		Keys:  []string{"id", "name", "herd"}, Named: []string{"herd"},
		Field: func(a *animal, key string) string {
			return map[string]string{"id": a.id, "name": a.name, "herd": a.herd}[key]
		},
		Orders: []lists.Order[animal]{
			{ID: "herd", Compare: func(a, b *animal) int { return cmp.Compare(a.name, b.name) }, Grouped: true},
			{ID: "name", Compare: func(a, b *animal) int { return cmp.Compare(a.name, b.name) }},
			{ID: "weight", Compare: func(a, b *animal) int { return cmp.Compare(a.weight, b.weight) }, Down: true},
		},
		Columns: []lists.Column[animal]{
			{Title: "name", Order: "name", Min: 6, Measure: func(a *animal) int { return len(a.name) }, Cell: cell(func(a *animal) string { return a.name })},
			{Title: "kg", Order: "weight", Min: 5, Right: true, Rank: 1, Cell: cell(func(a *animal) string { return fmt.Sprint(a.weight) })},
			{Title: "id", Min: 4, Rank: 2, Grow: true, Cell: cell(func(a *animal) string { return a.id })},
		},
	}
}

func zoo() []animal {
	return []animal{{"3", "cow", "farm", 600}, {"1", "ant", "", 1}, {"2", "bee", "", 2}, {"4", "dog", "farm", 30}, {"5", "emu", "bush", 40}}
}

func full() *lists.List[animal] {
	l := lists.New(spec())
	l.Set(zoo())
	l.Place(30, 20)
	return l
}

// names of the lines, headings in brackets.
func names(l *lists.List[animal]) string {
	s := styles.New(themes.Dark())
	var out []string
	for i, line := range l.View(lists.Look{Styles: s}) {
		f := strings.Fields(ansi.Strip(line))
		if i == 0 && f[0] == "name" || strings.HasPrefix(f[0], "name") {
			continue
		}
		word := f[0]
		if word == "▌" || word == "✓" {
			word = f[1]
		}
		if strings.ContainsAny(line, "▾▸") {
			word = "[" + f[len(f)-1] + "]"
		}
		out = append(out, strings.TrimLeft(word, "▌✓"))
	}
	return strings.Join(out, " ")
}

func TestOrders(t *testing.T) {
	t.Parallel()
	l := full()
	for _, tt := range []struct {
		do   func()
		want string
	}{
		{func() {}, "[bush] emu [farm] cow dog ant bee"},
		{l.Reverse, "[bush] emu [farm] dog cow bee ant"},
		{l.NextOrder, "ant bee cow dog emu"},
		{l.NextOrder, "cow emu dog bee ant"},
		{l.Reverse, "ant bee dog emu cow"},
		{func() { l.OrderBy("name") }, "ant bee cow dog emu"},
		{func() { l.OrderBy("name") }, "emu dog cow bee ant"},
		{func() { l.OrderBy("nothing") }, "emu dog cow bee ant"},
	} {
		tt.do()
		if got := names(l); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"":            "ant bee cow dog emu",
		"^[a-b]":      "ant bee",
		"E":           "bee emu",
		"e !emu":      "bee",
		"farm":        "", // named only
		"herd:farm":   "cow dog",
		"!herd:farm":  "ant bee emu",
		"herd:far. d": "dog",
		"[":           "",
		"!":           "ant bee cow dog emu",
		"name:":       "ant bee cow dog emu",
		"colour:red":  "",
	} {
		l := full()
		l.NextOrder()
		l.Filter(filter)
		if got := names(l); got != want {
			t.Errorf("%q: got %q, want %q", filter, got, want)
		}
		if n := len(strings.Fields(want)); l.Len() != n || l.All() != 5 {
			t.Errorf("%q: %d of %d, want %d of 5", filter, l.Len(), l.All(), n)
		}
	}
}

func TestFoldsAreRemembered(t *testing.T) {
	t.Parallel()
	l := full()
	l.Select("4")
	if !l.Fold() {
		t.Fatal("there is a group to fold")
	}
	if h, ok := l.Heading(); !ok || h != "farm" {
		t.Errorf("the cursor is on %q", h)
	}
	l.Set(append(zoo(), animal{"6", "fox", "farm", 9}))
	l.NextOrder()
	l.NextOrder()
	l.NextOrder()
	if got, want := names(l), "[bush] emu [farm] ant bee"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := len(l.InGroup("farm")); got != 3 {
		t.Errorf("%d in the closed group", got)
	}
	if !l.Select("6") || l.CurrentID() != "6" {
		t.Error("what a fold hides cannot be chosen")
	}
	l.FoldAll()
	if got, want := names(l), "[bush] [farm] ant bee"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	l.FoldAll()
	if got, want := names(l), "[bush] emu [farm] cow dog fox ant bee"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	l.Select("1")
	if l.Fold() {
		t.Error("what stands alone was folded")
	}
}

// TestCursorStaysOnItsItem whatever happens around it.
func TestCursorStaysOnItsItem(t *testing.T) {
	t.Parallel()
	l := full()
	l.Select("4")
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"others come", func() { l.Set(append([]animal{{"0", "aal", "bush", 3}, {"9", "zebu", "", 8}}, zoo()...)) }},
		{"others go", func() { l.Set(zoo()[3:]) }},
		{"another order", l.NextOrder},
		{"reversed", l.Reverse},
		{"a filter", func() { l.Filter("dog") }},
		{"no filter", func() { l.Filter("") }},
	} {
		step.do()
		if l.CurrentID() != "4" {
			t.Errorf("%s: the cursor is on %q", step.name, l.CurrentID())
		}
	}
	l = full()
	l.OrderBy("name")
	l.Select("3")
	l.Set(slices.DeleteFunc(zoo(), func(a animal) bool { return a.id == "3" }))
	if l.CurrentID() != "4" {
		t.Errorf("after its item is gone the cursor is on %q, not on the next", l.CurrentID())
	}
	l.Set(nil)
	if l.Current() != nil || l.CurrentID() != "" || l.Position() != "" {
		t.Error("an empty list has a current item")
	}
	l.Set(zoo())
	if l.CurrentID() == "" {
		t.Error("there is no current item after an empty list")
	}
}

// TestRankingShowsItsFirst: who asks for the heaviest wants to see it.
func TestRankingShowsItsFirst(t *testing.T) {
	t.Parallel()
	l := full()
	l.Select("2")
	l.OrderBy("weight")
	if l.CurrentID() != "3" {
		t.Errorf("the cursor is on %q, not on the heaviest", l.CurrentID())
	}
	l.Reverse()
	if l.CurrentID() != "1" {
		t.Errorf("turned round, the cursor is on %q, not on the lightest", l.CurrentID())
	}
	l.Select("4")
	l.Resort()
	if l.CurrentID() != "4" {
		t.Errorf("new values moved the cursor to %q", l.CurrentID())
	}
}

// TestLinesStayWhileRowsComeAbove: the row under the cursor keeps its height on
// the screen.
func TestLinesStayWhileRowsComeAbove(t *testing.T) {
	t.Parallel()
	l := lists.New(spec())
	var many []animal
	for i := range 100 {
		many = append(many, animal{id: fmt.Sprint(i), name: fmt.Sprintf("n%03d", i)})
	}
	l.Set(many[50:])
	l.Place(30, 7)
	l.Move(20)
	l.Scroll(3)
	before := slices.Index(strings.Fields(names(l)), "n070")
	l.Set(many)
	if after := slices.Index(strings.Fields(names(l)), "n070"); after != before || before < 0 {
		t.Errorf("the row under the cursor went from line %d to %d", before, after)
	}
}

func TestMarksAndRanges(t *testing.T) {
	t.Parallel()
	targets := func(l *lists.List[animal]) string {
		var out []string
		for _, a := range l.Targets() {
			out = append(out, a.name)
		}
		return strings.Join(out, " ")
	}
	l := full() // bush emu farm cow dog ant bee
	if got := targets(l); got != "emu" {
		t.Errorf("on a heading the targets are %q", got)
	}
	l.Select("3")
	if got := targets(l); got != "cow" {
		t.Errorf("without marks the targets are %q", got)
	}
	l.Mark()
	l.Move(2)
	l.Range()
	l.Move(1)
	if got, n := targets(l), l.Marks(); got != "cow ant bee" || n != 3 {
		t.Errorf("with an open range: %q, %d", got, n)
	}
	l.Move(-1)
	l.Range()
	if got := targets(l); got != "cow ant" {
		t.Errorf("the range did not shrink with the cursor: %q", got)
	}
	l.Move(1)
	if got := targets(l); got != "cow ant" || l.Ranging() {
		t.Errorf("a closed range follows the cursor: %q", got)
	}
	l.Extend(-3) // bee ant dog cow
	if got := targets(l); got != "cow dog ant bee" {
		t.Errorf("extended: %q", got)
	}
	l.Mark()
	l.Filter("o")
	if got := targets(l); got != "cow dog" {
		t.Errorf("marks that the filter hides count: %q", got)
	}
	l.Filter("")
	l.Select("3")
	l.Fold()
	if got := targets(l); got != "cow dog ant bee" {
		t.Errorf("marks in a closed group do not count: %q", got)
	}
	l.Mark() // the heading: all are marked, so none is
	if got := targets(l); got != "ant bee" {
		t.Errorf("the mark of a heading: %q", got)
	}
	l.Set(zoo()[2:])
	if l.Marks() != 1 {
		t.Errorf("%d marks, though one of two items is gone", l.Marks())
	}
	l.Unmark()
	l.MarkAll()
	if l.Marks() != 3 {
		t.Errorf("%d marks of all 3", l.Marks())
	}
}

func TestHits(t *testing.T) {
	t.Parallel()
	l := full()
	l.NextOrder() // flat: titles in line 0, "ant" in line 1
	for _, tt := range []struct {
		x, y int
		want lists.Hit
	}{
		{1, 0, lists.Hit{-1, "name"}}, {9, 0, lists.Hit{-1, "weight"}}, {16, 0, lists.Hit{-1, ""}},
		{5, 1, lists.Hit{Entry: 0}}, {5, 5, lists.Hit{Entry: 4}}, {5, 6, lists.Hit{Entry: -1}}, {5, -1, lists.Hit{Entry: -1}},
	} {
		if got := l.At(tt.x, tt.y); got != tt.want {
			t.Errorf("at %d,%d: %+v, want %+v", tt.x, tt.y, got, tt.want)
		}
	}
	l.Click(3)
	if l.CurrentID() != "4" {
		t.Errorf("a click chose %q", l.CurrentID())
	}
	l.Place(30, 4) // no titles
	if got := l.At(5, 0).Entry; got != 0 {
		t.Errorf("without titles line 0 is entry %d", got)
	}
}

// TestWidths: a line is as wide as the room, and columns leave by rank.
func TestWidths(t *testing.T) {
	t.Parallel()
	l := full()
	s := styles.New(themes.Dark())
	for width := 2; width < 60; width++ {
		l.Place(width, 12)
		lines := l.View(lists.Look{Styles: s, Focused: true, Tally: func(string) []lists.Cell { return []lists.Cell{{Text: "2/2"}, {Text: " ✖"}} }})
		for _, line := range lines {
			if w := ansi.StringWidth(line); w != width {
				t.Fatalf("at %d a line is %d wide: %q", width, w, ansi.Strip(line))
			}
		}
		text := ansi.Strip(strings.Join(lines, "\n"))
		if got, want := strings.Contains(text, "kg"), width >= 4+6+6; got != want {
			t.Errorf("at %d: the weight is shown: %v", width, got)
		}
		if got, want := strings.Contains(text, "id"), width >= 4+6+6+5; got != want {
			t.Errorf("at %d: the ID is shown: %v", width, got)
		}
	}
}

func TestScrollTakesTheCursorAlong(t *testing.T) {
	t.Parallel()
	l := lists.New(spec())
	var many []animal
	for i := range 100 {
		many = append(many, animal{id: fmt.Sprint(i), name: fmt.Sprintf("n%03d", i)})
	}
	l.Set(many)
	l.OrderBy("name")
	l.Place(30, 5)
	l.Scroll(3)
	if got := names(l); got != "n003 n004 n005 n006 n007" || l.CurrentID() != "3" {
		t.Errorf("%s, cursor on %s", got, l.CurrentID())
	}
	l.Scroll(1000)
	if got := names(l); got != "n095 n096 n097 n098 n099" {
		t.Errorf("at the end: %s", got)
	}
	var seen []string
	for a := range l.Visible {
		seen = append(seen, a.name)
	}
	if len(seen) != 5 || seen[0] != "n095" {
		t.Errorf("visible: %v", seen)
	}
	l.Move(-1 << 30)
	if got := l.Position(); got != "1/100" {
		t.Errorf("position %q", got)
	}
}

// TestVersion: whatever can change the view changes the version, and looking
// changes nothing.
func TestVersion(t *testing.T) {
	t.Parallel()
	l := full()
	for i, do := range []func(){
		func() { l.Set(zoo()) }, l.NextOrder, l.Reverse, func() { l.Filter("a") }, func() { l.Filter("") }, func() { l.Move(-1 << 30) }, func() { l.Move(1) },
		l.Mark, l.Range, l.Unmark, l.MarkAll, func() { l.Place(20, 9) }, func() { l.OrderBy("herd") }, func() { l.FoldAll() }, func() { l.Click(1) }, l.Touch,
	} {
		before := l.Version()
		do()
		if l.Version() == before {
			t.Errorf("change %d is not in the version", i)
		}
	}
	before := l.Version()
	names(l)
	l.At(1, 1)
	l.Targets()
	l.Filter("")
	l.Place(20, 9)
	l.Move(0)
	if l.Version() != before {
		t.Error("the version grew though nothing changed")
	}
}

// BenchmarkFrame is one step of the cursor and the frame after it: what is
// visible costs, not what there is.
func BenchmarkFrame(b *testing.B) {
	for _, n := range []int{50, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := crowd(n)
			look := lists.Look{Styles: styles.New(themes.Dark()), Focused: true}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if l.Move(1); l.CurrentID() == fmt.Sprint(n-1) {
					l.Move(-n)
				}
				l.View(look)
			}
		})
	}
}

// BenchmarkSet is what a change of the items costs: filter, sort and group.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{50, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := crowd(n)
			l.Filter("!nothing")
			items := herd(n)
			b.ReportAllocs()
			for b.Loop() {
				l.Set(items)
			}
		})
	}
}

func herd(n int) []animal {
	var out []animal
	for i := range n {
		out = append(out, animal{id: fmt.Sprint(i), name: fmt.Sprintf("animal-%05d", (i*7919)%n), herd: fmt.Sprintf("herd-%d", i%17), weight: i})
	}
	return out
}

func crowd(n int) *lists.List[animal] {
	l := lists.New(spec())
	l.Set(herd(n))
	l.Place(84, 40)
	return l
}
