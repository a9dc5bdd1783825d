package widgets_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"gantry/ui/widgets"
)

const document = `{"Id":"abc","Config":{"Env":["A=1","B=<&>"],"Labels":{"com.example":"x y","":null},"Tty":false,"Empty":{},"None":[]},"Size":12345678901234567890,"When":null}`

// plain draws without colours.
var plain = widgets.JSONStyles{}.Pens()

func tree(t testing.TB, doc string) *widgets.JSONTree {
	t.Helper()
	root, err := widgets.ParseJSON([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	var tr widgets.JSONTree
	tr.SetRoot(root)
	return &tr
}

func show(tr *widgets.JSONTree, width, height int) string {
	lines := tr.Render(&plain, width, height, 0, true)
	for i := range lines {
		lines[i] = strings.TrimRight(ansi.Strip(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

func TestJSONTreeRows(t *testing.T) {
	t.Parallel()
	tr := tree(t, document)
	want := strings.Join([]string{
		`▌  Id: "abc"`,
		` ▾ Config`,
		`   ▾ Env`,
		`       0: "A=1"`,
		`       1: "B=<&>"`,
		`   ▾ Labels`,
		`       com.example: "x y"`,
		`       null`,
		`     Tty: false`,
		`     Empty: {}`,
		`     None: []`,
		`   Size: 12345678901234567890`,
		`   When: null`,
	}, "\n")
	if diff := cmp.Diff(want, show(tr, 60, 40)); diff != "" {
		t.Error(diff)
	}
}

func TestJSONTreeFolds(t *testing.T) {
	t.Parallel()
	tr := tree(t, document)
	tr.SetCursor(3) // .Config.Env[0]
	tr.Fold()       // to its parent
	tr.Fold()
	want := "   Id: \"abc\"\n ▾ Config\n▌  ▸ Env [2]\n   ▾ Labels"
	if diff := cmp.Diff(want, show(tr, 60, 4)); diff != "" {
		t.Error(diff)
	}
	tr.ToggleAll()
	want = "   Id: \"abc\"\n▌▸ Config {5}\n   Size: 12345678901234567890\n   When: null"
	if diff := cmp.Diff(want, show(tr, 60, 40)); diff != "" {
		t.Error(diff)
	}
	tr.ToggleAll()
	if n := tr.Len(); n != 13 {
		t.Errorf("%d rows after unfolding all, want 13", n)
	}
	// The cursor and the folds are found again in another document.
	tr.SetCursor(6) // .Config.Labels["com.example"]
	root, err := widgets.ParseJSON([]byte(`{"New":1,"Config":{"Labels":{"com.example":"other"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tr.SetRoot(root)
	if got := tr.Selected().Path; got != `.Config.Labels["com.example"]` {
		t.Errorf("the cursor went to %s", got)
	}
	root, err = widgets.ParseJSON([]byte(`{"New":1,"Config":{"Labels":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tr.SetRoot(root)
	if got := tr.Selected().Path; got != `.Config.Labels` {
		t.Errorf("the cursor went to %s, want what is left of its path", got)
	}
}

func TestJSONTreeSearch(t *testing.T) {
	t.Parallel()
	tr := tree(t, document)
	tr.ToggleAll()
	for _, c := range []struct {
		text string
		path string
		of   int
	}{
		{"a=1", ".Config.Env[0]", 1},
		{"A=1", ".Config.Env[0]", 1},
		{"ENV", ".Id", 0}, // capitals count when there are some
		{"com.", `.Config.Labels["com.example"]`, 1},
		{"null", `.Config.Labels[""]`, 2},
		{"nothing like it", ".Id", 0},
	} {
		tr.SetCursor(0)
		tr.Search(c.text)
		if _, _, of := tr.Matches(); tr.Selected().Path != c.path || of != c.of {
			t.Errorf("%q: at %s of %d, want %s of %d", c.text, tr.Selected().Path, of, c.path, c.of)
		}
	}
	tr.Search("e")
	var first []string
	for range 9 {
		first = append(first, tr.Selected().Path)
		tr.Next(1)
	}
	if first[0] != first[8] {
		t.Errorf("eight matches do not come round: %q", first)
	}
	tr.Next(-1)
	if got := tr.Selected().Path; got != first[8-0] && got != first[0] {
		t.Errorf("back goes to %s, want %s", got, first[0])
	}
}

// TestJSONTreeSearchLeavesNoTrace: while the text is typed, what its first
// letters found is folded again.
func TestJSONTreeSearchLeavesNoTrace(t *testing.T) {
	t.Parallel()
	tr := tree(t, document)
	tr.ToggleAll()
	before := show(tr, 60, 40)
	tr.BeginSearch()
	for _, text := range []string{"a", "a=", "a=9"} {
		tr.Search(text)
	}
	if got := show(tr, 60, 40); got != before {
		t.Errorf("a search without a match changed\n%s\nto\n%s", before, got)
	}
	tr.Search("a=1")
	tr.EndSearch(false)
	if got := show(tr, 60, 40); got != before {
		t.Errorf("a search that was given up changed\n%s\nto\n%s", before, got)
	}
}

func TestJSONCopies(t *testing.T) {
	t.Parallel()
	tr := tree(t, document)
	for cursor, want := range map[int]string{
		0:  "abc",
		2:  "[\n  \"A=1\",\n  \"B=<&>\"\n]",
		4:  "B=<&>",
		5:  "{\n  \"com.example\": \"x y\",\n  \"\": null\n}",
		9:  "{}",
		11: "12345678901234567890",
	} {
		tr.SetCursor(cursor)
		if diff := cmp.Diff(want, tr.Selected().Text()); diff != "" {
			t.Errorf("row %d: %s", cursor, diff)
		}
	}
}

// TestJSONIsHarmless: keys and values of containers draw nothing of their own.
func TestJSONIsHarmless(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(map[string]any{"\x1b[2Jkey\u202e\n": "v\x1b[31m\u009b2J\u2066\u0007"})
	if err != nil {
		t.Fatal(err)
	}
	tr := tree(t, string(b))
	got := strings.Join(tr.Render(&plain, 60, 5, 0, false), "\n")
	if strings.ContainsAny(got, "\x1b\u202e\u2066\u009b\u0007") {
		t.Errorf("%q draws", got)
	}
}

func TestParseJSONRefuses(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{"", "{", "[1,", `{"a" 1}`, "1 2", strings.Repeat("[", 300) + strings.Repeat("]", 300)} {
		if _, err := widgets.ParseJSON([]byte(doc)); err == nil {
			t.Errorf("%.20q was accepted", doc)
		}
	}
}

// FuzzJSONTree: whatever the document is, it is parsed or refused, its copy
// is the same document again, and each row is exactly as wide as asked for.
func FuzzJSONTree(f *testing.F) {
	f.Add(document, "e", uint8(40))
	f.Add(`"scalar"`, "", uint8(5))
	f.Add(`{"漢":"\u202eİK","\ud800":[[[]]]}`, "i", uint8(9))
	f.Fuzz(func(t *testing.T, doc, find string, width uint8) {
		root, err := widgets.ParseJSON([]byte(doc))
		if err != nil {
			return
		}
		if !json.Valid([]byte(asJSON(root))) {
			t.Errorf("the copy %q of %q is no JSON", asJSON(root), doc)
		}
		var tr widgets.JSONTree
		tr.SetRoot(root)
		tr.Search(find)
		tr.Next(-1)
		tr.Toggle()
		w := 4 + int(width)
		for _, l := range tr.Render(&plain, w, 30, 0, true) {
			if got := ansi.StringWidth(l); got != w || !utf8.ValidString(l) {
				t.Errorf("a row of %q is %d cells wide, want %d: %q", doc, got, w, l)
			}
		}
	})
}

func asJSON(n *widgets.JSONNode) string {
	if n.Kind == widgets.JSONString {
		b, err := json.Marshal(n.Value)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	return n.Text()
}

func BenchmarkJSONTree(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"Labels":{`)
	for i := range 5000 {
		fmt.Fprintf(&doc, `"key.%d":"value number %d",`, i, i)
	}
	doc.WriteString(`"last":null}}`)
	tr := tree(b, doc.String())
	tr.SetCursor(2500)
	b.ReportAllocs()
	for b.Loop() {
		tr.Render(&plain, 118, 36, 2480, true)
	}
}
