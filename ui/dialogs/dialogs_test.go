package dialogs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"gantry/themes"
	"gantry/ui/styles"
)

var plainStyles = styles.New(themes.Dark())

// typing turns text into keys and others, as in "ab<left><backspace>".
func typing(d Dialog, keys string) (Dialog, Result) {
	var r Result
	for keys != "" && d != nil {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(keys, "<"), ">"); keys[0] == '<' && ok {
			text := ""
			if name == "space" {
				text = " "
			}
			d, r = Press(d, 80, 24, name, text)
			keys = rest
			continue
		}
		c, _ := ansi.FirstGraphemeCluster(keys, ansi.GraphemeWidth)
		d, r = Press(d, 80, 24, c, c)
		keys = keys[len(c):]
	}
	return d, r
}

func shown(d Dialog, width, height int) string {
	page := make([]string, height)
	return ansi.Strip(strings.Join(Draw(page, width, height, d, plainStyles), "\n"))
}

func TestLine(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"abc":                         "abc",
		"abc<left><left>x":            "axbc",
		"abc<home>x<end>y":            "xabcy",
		"abc<backspace>":              "ab",
		"<backspace>a":                "a",
		"abc<home><delete>":           "bc",
		"one two<ctrl+w>":             "one ",
		"one two<alt+left>x":          "one xtwo",
		"one two<home><alt+right>x":   "onex two",
		"one two<left><left><ctrl+k>": "one t",
		"one two<left><ctrl+u>":       "o",
		"日本語<left><backspace>":        "日語",
		"e\u0301x<left><backspace>":   "x",        // a letter with its accent is one
		"👨‍👩‍👧x<left><backspace>":     "x",        // a family is one
		"e<left><end>\u0301<left>x":   "xe\u0301", // an accent joins the letter before it
	} {
		l := line{}
		for d := keys; d != ""; {
			if name, rest, ok := strings.Cut(strings.TrimPrefix(d, "<"), ">"); d[0] == '<' && ok {
				l, _ = l.edit(name, "")
				d = rest
				continue
			}
			c := string([]rune(d)[:1])
			l, _ = l.edit(c, c)
			d = d[len(c):]
		}
		if got := l.String(); got != want {
			t.Errorf("%q: got %q, want %q", keys, got, want)
		}
	}
}

// TestLineShowsItsCursor in any width, with text that is longer and wide.
func TestLineShowsItsCursor(t *testing.T) {
	t.Parallel()
	l := newLine("a long 日本語 text that does not fit")
	for at := range len(l.text) + 1 {
		l.at = at
		for room := 4; room < 50; room++ {
			if w := ansi.StringWidth(l.view(room, true, "", false, plainStyles)); w != room {
				t.Fatalf("cursor at %d in %d cells: %d wide", at, room, w)
			}
		}
	}
}

func TestLineKeepsControlCharactersOut(t *testing.T) {
	t.Parallel()
	if got := newLine("").insert("a\x1b[31mb\x07\nc").String(); got != "abc" {
		t.Errorf("got %q", got)
	}
}

// TestDialogsFitAnyScreen: no line is wider than the page, and the buttons are
// always seen.
func TestDialogsFitAnyScreen(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		d    Dialog
		last string
	}{
		"form":     {longForm(), "cancel"},
		"confirm":  {Confirm{Name: "Remove", Question: "Remove 40 things?", Objects: objects(40), Note: strings.Repeat("a note ", 20), Command: "gantry rm " + strings.Repeat("thing ", 40), Yes: "remove"}, "cancel"},
		"message":  {Message{Name: "No", What: strings.Repeat("what ", 30), Text: strings.Repeat("why ", 300), Hint: "next", Bad: true}, "close"},
		"progress": {Progress{Name: "Pull", About: "debian", Parts: parts(30), Done: 10, Total: 100, Rate: "3 MB/s"}, "hide"},
		"work":     {Work{Name: "Stop", Past: "stopped", Tasks: tasks(30)}, "hide"},
		"report":   {Work{Name: "Stop", Past: "stopped", Tasks: tasks(30), Over: true}, "close"},
		"sheet":    {sheet(), "cancel"},
		"pick":     {Pick{Name: "Pick", Items: items(40)}, ""},
		"palette":  {NewPalette(Palette{Commands: commands()}, "s"), ""},
		"help":     {Help{Name: "Keys", Sections: []Section{{"One", rows(40)}, {"Two", rows(40)}}}, "One"},
	} {
		for _, size := range [][2]int{{30, 8}, {40, 11}, {80, 23}, {120, 39}, {200, 49}} {
			page := Draw(make([]string, size[1]), size[0], size[1], tt.d, plainStyles)
			if len(page) != size[1] {
				t.Errorf("%s in %v: %d lines", name, size, len(page))
			}
			for i, l := range page {
				if w := ansi.StringWidth(l); w > size[0] {
					t.Errorf("%s in %v: line %d is %d cells wide: %q", name, size, i, w, ansi.Strip(l))
				}
			}
			if s := ansi.Strip(strings.Join(page, "\n")); !strings.Contains(s, tt.last) {
				t.Errorf("%s in %v: no %q in\n%s", name, size, tt.last, s)
			}
		}
	}
}

func longForm() *Form {
	f := Form{Name: "Run", About: "alpine", Yes: "run", Preview: func(Values) string { return strings.Repeat("gantry run ", 20) }, Note: func(Values) string { return strings.Repeat("note ", 30) }}
	for i := range 14 {
		f.Fields = append(f.Fields, Field{Key: fmt.Sprint(i), Label: fmt.Sprint("field ", i), Value: strings.Repeat("long ", 30)})
	}
	return NewForm(f)
}

func objects(n int) (out []Object) {
	for i := range n {
		out = append(out, Object{Name: fmt.Sprint("thing", i), About: "of a kind", Under: []string{"another"}})
	}
	return out
}

func parts(n int) (out []Part) {
	for i := range n {
		out = append(out, Part{Name: fmt.Sprintf("%012d", i), State: "downloading", Size: "1 MB/2 MB", Done: 1, Total: 2, Over: i < n/2})
	}
	return out
}

func tasks(n int) (out []Task) {
	for i := range n {
		out = append(out, Task{Name: fmt.Sprint("task", i), State: TaskState(i % 5), Why: "because", Hint: "do something else"})
	}
	return out
}

func items(n int) (out []Item) {
	for i := range n {
		out = append(out, Item{Text: fmt.Sprint("item ", i), Key: "k", Detail: strings.Repeat("detail ", 12)})
	}
	return out
}

func rows(n int) (out []HelpRow) {
	for i := range n {
		out = append(out, HelpRow{Keys: "shift+tab left", Text: fmt.Sprint("does ", i), Note: "asks"})
	}
	return out
}

func sheet() Sheet {
	return Sheet{
		Name: "Prune", Question: "What may go?", Yes: "remove", Size: func(n int64) string { return fmt.Sprint(n, " B") },
		Command: func(on []bool) string { return fmt.Sprint("prune ", on) },
		Groups: []Group{
			{Name: "containers", Objects: objects(3), Bytes: 10, On: true},
			{Name: "nameless", Objects: objects(2), Bytes: 20, On: true},
			{Name: "unused", Objects: objects(20), Bytes: 400, Needs: 2},
			{Name: "nothing"},
		},
	}
}

func commands() []Command {
	return []Command{
		{Item: Item{Text: "Stop", Key: "s", Detail: "end it"}, Word: "stop", Args: "[CONTAINER…]"},
		{Item: Item{Text: "Start", Key: "S", Detail: "begin it", Disabled: "it is running"}, Word: "start"},
		{Item: Item{Text: "Suspend", Key: "ctrl+z"}},
	}
}

func TestConfirmKeys(t *testing.T) {
	t.Parallel()
	c := Confirm{Question: "Remove?", Yes: "remove", Tag: "tag"}
	for keys, want := range map[string]bool{
		"y": true, "<esc>": false, "n": false, "q": false, "<enter>": false, "<right><enter>": true, "<tab><tab><enter>": false, "<left><enter>": true,
	} {
		if d, r := typing(c, keys); d != nil || r.OK != want || r.Tag != "tag" {
			t.Errorf("%s: open %v, %+v", keys, d != nil, r)
		}
	}
	c.Harmless = true
	if d, r := typing(c, "<enter>"); d != nil || !r.OK {
		t.Error("what does no harm is not preselected")
	}
	held := Confirm{Question: "Remove?", More: []Button{button("c", "with containers")}}
	if d, r := typing(held, "y"); d != nil || r.OK {
		t.Error("y acts though there is no such button")
	}
	if d, r := typing(held, "c"); d != nil || !r.OK || r.Key != "c" {
		t.Errorf("c: %+v", r)
	}
}

// TestScrolling: the end is reached, and every key back is seen.
func TestScrolling(t *testing.T) {
	t.Parallel()
	var d Dialog = Confirm{Name: "Remove", Question: "Remove?", Objects: objects(40), Yes: "remove"}
	if s := shown(d, 80, 24); !strings.Contains(s, "thing0 ") || strings.Contains(s, "thing39") {
		t.Errorf("the beginning is not shown:\n%s", s)
	}
	d, _ = typing(d, "G")
	end := shown(d, 80, 24)
	if !strings.Contains(end, "thing39") {
		t.Errorf("the end is not shown:\n%s", end)
	}
	d, _ = typing(d, "jjjjjk")
	if up := shown(d, 80, 24); up == end {
		t.Error("a key back is not seen")
	}
}

// TestClicks: a click is a press of what it hits.
func TestClicks(t *testing.T) {
	t.Parallel()
	at := func(d Dialog, text string) (x, y int) {
		for y, l := range strings.Split(shown(d, 80, 24), "\n") {
			if before, _, ok := strings.Cut(l, text); ok {
				return ansi.StringWidth(before), y
			}
		}
		t.Fatalf("no %q in\n%s", text, shown(d, 80, 24))
		return 0, 0
	}
	for _, tt := range []struct {
		d          Dialog
		text, want string
	}{
		{Confirm{Question: "Remove?", Yes: "remove"}, "remove", "y"},
		{Confirm{Question: "Remove?", Yes: "remove"}, "cancel", "esc"},
		{form(), "remove it", "field:3"},
		{form(), "go", "enter"},
		{Pick{Items: items(5)}, "item 3", "item:3"},
		{NewPalette(Palette{Commands: commands()}, ""), "Suspend", "item:2"},
		{sheet(), "nameless", "group:1"},
		{Work{Tasks: tasks(3)}, "cancel the rest", "x"},
		{Progress{Parts: parts(2)}, "hide", "esc"},
		{Message{Text: "no"}, "copy", "y"},
	} {
		x, y := at(tt.d, tt.text)
		if got, inside := Hit(80, 24, tt.d, plainStyles, x+1, y); got != tt.want || !inside {
			t.Errorf("%s in %T: got %q", tt.text, tt.d, got)
		}
		if got, inside := Hit(80, 24, tt.d, plainStyles, 0, 0); got != "" || inside {
			t.Errorf("outside of %T: got %q", tt.d, got)
		}
	}
}

func TestSheet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keys string
		on   []bool
		sum  string
	}{
		{"", []bool{true, true, false, false}, "30 B come back"},
		{"<space>", []bool{false, true, false, false}, "20 B come back"},
		{"<tab><tab><space>", []bool{true, true, true, false}, "430 B come back"},
		{"<tab><tab><space><shift+tab><space>", []bool{true, false, false, false}, "10 B come back"}, // what needs it goes along
		{"<tab><tab><tab><space>", []bool{true, true, false, false}, "30 B come back"},               // there is nothing to tick
		{"jj<space>", []bool{false, true, false, false}, "20 B come back"},                           // on an object its kind is meant
		{"<space><tab><space>", []bool{false, false, false, false}, "nothing is ticked"},
	} {
		d, _ := typing(sheet(), tt.keys)
		if got := d.(Sheet).On(); !slices.Equal(got, tt.on) {
			t.Errorf("%s: %v", tt.keys, got)
		}
		if s := shown(d, 80, 40); !strings.Contains(s, tt.sum) {
			t.Errorf("%s: no %q in\n%s", tt.keys, tt.sum, s)
		}
	}
	if d, r := typing(sheet(), "<enter>"); d != nil || r.OK {
		t.Error("enter takes what is not safe")
	}
	if d, _ := typing(sheet(), "<space><tab><space>y"); d == nil {
		t.Error("y acts on nothing")
	}
}

func TestPickFinds(t *testing.T) {
	t.Parallel()
	p := Pick{Tag: "tag", Items: []Item{{Text: "Stop"}, {Text: "Start", Disabled: "it runs"}, {Text: "Restart", Detail: "stop and start again"}}}
	for keys, want := range map[string]int{"<enter>": 0, "<down><down><enter>": 2, "rest<enter>": 2, "again<enter>": 2, "xx<backspace><backspace><enter>": 0} {
		if d, r := typing(p, keys); d != nil || !r.OK || r.Pick != want {
			t.Errorf("%s: %+v", keys, r)
		}
	}
	if d, _ := typing(p, "start<enter>"); d == nil {
		t.Error("what cannot be done is done")
	}
	if d, r := typing(p, "<esc>"); d != nil || r.OK {
		t.Error("esc does not leave")
	}
}

func palette() Palette {
	return NewPalette(Palette{
		Tag: "tag", Commands: commands(), History: []string{"stop web", "stop db"},
		Words: func(i int, line string) []string { return []string{"web", "worker", "db"} },
	}, "")
}

func TestPalette(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keys, line string
		pick       int
		arguments  bool
	}{
		{"sto<enter>", "stop", 0, false},
		{"susp<enter>", "", 2, false},
		{"stop web<enter>", "stop web", 0, true},
		{"stop d<tab><enter>", "stop db", 0, true},
		{"stop w<enter>", "stop w", 0, true},
		{"stop w<tab><enter>", "stop web", 0, true}, // both begin with w: the first of them
		{"stop w<tab>o<tab><enter>", "stop worker", 0, true},
		{"stop <down><down><enter>", "stop worker", 0, true},
		{"stop<tab>db<enter>", "stop db", 0, true},
		{"<up><enter>", "stop db", 0, true},
		{"<up><up><enter>", "stop web", 0, true},
		{"<up><up><down><enter>", "stop db", 0, true},
		{"<up><up><up><up><enter>", "stop web", 0, true},
	} {
		d, r := typing(palette(), tt.keys)
		if d != nil || !r.OK || r.Line != tt.line || r.Pick != tt.pick || r.Arguments != tt.arguments {
			t.Errorf("%s: open %v, %+v", tt.keys, d != nil, r)
		}
	}
	d, _ := typing(palette(), "start<enter>")
	if d == nil || !strings.Contains(shown(d, 80, 24), "Start: it is running") {
		t.Error("it does not say why not")
	}
	d, _ = typing(palette(), "x<up><down>")
	if d.(Palette).line.String() != "x" {
		t.Error("what was typed is lost on the way through the history")
	}
}

// TestPaletteKeepsItsPlace while matches become fewer.
func TestPaletteKeepsItsPlace(t *testing.T) {
	t.Parallel()
	where := func(d Dialog) int {
		return slices.IndexFunc(strings.Split(shown(d, 80, 24), "\n"), func(l string) bool { return strings.Contains(l, "›") })
	}
	d, _ := typing(palette(), "s")
	before := where(d)
	if d, _ = typing(d, "usp"); where(d) != before {
		t.Errorf("the line went from %d to %d", before, where(d))
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	items := []Item{
		{Text: "Restart", Also: "restart"}, {Text: "Remove…", Also: "rm"}, {Text: "Previous pane"}, {Text: "Image: Remove…", Also: "rmi"},
		{Text: "Image: Log in to a registry…", Also: "login"}, {Text: "Command log", Detail: "what was removed"}, {Text: "Into the detail"},
	}
	for typed, want := range map[string][]int{
		"": {0, 1, 2, 3, 4, 5, 6}, "re": {0, 1, 3, 4, 2, 5}, "rm": {1, 3}, "rmi": {3}, "log": {4, 5}, "login": {4}, "rest": {0}, "REMOVE": {1, 3, 5}, "prp": {2}, "zz": nil, "remo": {1, 3, 5},
	} {
		var got []int
		for _, m := range find(typed, items) {
			got = append(got, m.item)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", typed, got, want)
		}
	}
}

func TestFoundLettersAreMarked(t *testing.T) {
	t.Parallel()
	mark := func(s ...string) string { return "[" + s[0] + "]" }
	same := func(s ...string) string { return s[0] }
	if got := marked("Restart", []int{0, 2, 3}, 9, same, mark); got != "[R]e[st]art  " {
		t.Errorf("got %q", got)
	}
	if got := marked("日本", []int{3}, 5, same, mark); got != "日[本] " {
		t.Errorf("got %q", got)
	}
}

func TestWork(t *testing.T) {
	t.Parallel()
	w := Work{Tag: "tag", Name: "Stop", Past: "stopped", Command: "gantry stop a b", Tasks: []Task{
		{Name: "a", State: TaskDone}, {Name: "b", State: TaskFailed, Why: "the disk is on fire", Hint: "fetch water"}, {Name: "c", State: TaskCancelled},
	}}
	if d, r := typing(w, "x"); d == nil || r.Key != "x" {
		t.Errorf("x while it runs: %+v", r)
	}
	if d, r := typing(w, "r"); d == nil || r.OK {
		t.Errorf("r while it runs: %+v", r)
	}
	w.Over = true
	s := shown(w, 80, 24)
	for _, want := range []string{"1 stopped · 1 failed · 1 cancelled", "the disk is on fire", "→ fetch water", "try those again"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	if strings.Index(s, "✖ b") > strings.Index(s, "✔ a") {
		t.Error("what failed does not come first")
	}
	if d, r := typing(w, "r"); d != nil || r.Key != "r" {
		t.Errorf("r: %+v", r)
	}
	if _, r := typing(w, "y"); !strings.Contains(r.Copy, "gantry stop a b") || !strings.Contains(r.Copy, "the disk is on fire fetch water") {
		t.Errorf("copied %q", r.Copy)
	}
}

func TestMessageShowsItsChainOnDemand(t *testing.T) {
	t.Parallel()
	m := Message{What: "stop db", Text: "it burns", Hint: "fetch water", Chain: "request: stop db: it burns", Bad: true}
	if strings.Contains(shown(m, 80, 24), "request:") {
		t.Error("the chain is shown at first")
	}
	d, _ := typing(m, "e")
	if !strings.Contains(shown(d, 80, 24), "request: stop db: it burns") {
		t.Error("the chain is not shown")
	}
	if _, r := typing(m, "y"); r.Copy != "stop db\nit burns\nfetch water\nrequest: stop db: it burns" {
		t.Errorf("copied %q", r.Copy)
	}
}

func TestHelpSearch(t *testing.T) {
	t.Parallel()
	var d Dialog = Help{Name: "Keys", Sections: []Section{{"Containers", []HelpRow{{"s", "Stop", "asks"}, {"S", "Start", ""}}}, {"Images", []HelpRow{{"P", "Pull", ""}}}}}
	d, _ = typing(d, "/pull")
	if s := shown(d, 80, 24); strings.Contains(s, "Stop") || !strings.Contains(s, "Pull") {
		t.Errorf("the search finds\n%s", s)
	}
	d, _ = typing(d, "<enter><esc>") // the first takes the search away
	if d == nil || !strings.Contains(shown(d, 80, 24), "Stop") {
		t.Fatal("esc closes it with a search")
	}
	if d, _ = typing(d, "<esc>"); d != nil {
		t.Error("esc does not close it")
	}
	var long Dialog = Help{Sections: []Section{{"One", rows(100)}}}
	long, _ = typing(long, "<pgdown><pgdown><pgdown><pgdown>")
	if !strings.Contains(shown(long, 80, 24), "does 99") {
		t.Errorf("the last page is not reached:\n%s", shown(long, 80, 24))
	}
}
