package dialogs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func form() *Form {
	return NewForm(Form{
		Name: "Try", Yes: "go", Tag: "tag",
		Fields: []Field{
			{Key: "name", Label: "name", Hint: "drawn", Take: "taken", Check: func(s string) string {
				if s == "bad" {
					return "that is bad"
				}
				return ""
			}},
			{Key: "rows", Label: "rows", Kind: Rows, Hint: "A=1"},
			{Key: "net", Label: "net", Kind: Choice, Options: []string{"none", "host"}},
			{Key: "rm", Label: "rm", Kind: Toggle, About: "remove it"},
			{Key: "secret", Label: "secret", Kind: Secret},
			{Key: "word", Label: "word", Complete: func(s string) []string {
				var out []string
				for _, w := range []string{"alpine:3.20", "alpine:3.21", "busybox"} {
					if s != "" && s != w && strings.HasPrefix(w, s) {
						out = append(out, w)
					}
				}
				return out
			}},
		},
		Preview: func(v Values) string {
			return fmt.Sprint("$", v.Text("name"), v.List("rows"), v.Text("net"), v.On("rm"))
		},
	})
}

func TestFormFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keys string
		want map[string][]string
	}{
		{"ab<enter>", map[string][]string{"name": {"ab"}, "rows": nil, "net": {"none"}, "rm": {""}, "secret": {""}, "word": {""}}},
		{"<right><enter>", map[string][]string{"name": {"taken"}}},
		{"<tab>A=1<enter>B=2<enter><enter><enter>", map[string][]string{"rows": {"A=1", "B=2"}}},
		{"<tab>A=1<enter>B=2<up>x<enter>C=3<ctrl+s>", map[string][]string{"rows": {"A=1x", "C=3", "B=2"}}},
		{"<tab>A=1<enter><backspace>2<ctrl+s>", map[string][]string{"rows": {"A=12"}}},
		{"<tab><tab><right><tab><space><enter>", map[string][]string{"net": {"host"}, "rm": {"true"}}},
		{"<tab><tab><left><right><enter>", map[string][]string{"net": {"none"}}},
		{"<shift+tab><shift+tab>pass word<enter>", map[string][]string{"secret": {"pass word"}}},
		{"<shift+tab>al<tab>1<enter>", map[string][]string{"word": {"alpine:3.21"}}},
		{"<shift+tab>b<tab><tab>n<enter>", map[string][]string{"word": {"busybox"}, "name": {"n"}}},
		{"<shift+tab>b<right><enter>", map[string][]string{"word": {"busybox"}}},
		{"<field:3><enter>", map[string][]string{"rm": {"true"}}},
	} {
		d, r := typing(form(), tt.keys)
		if d != nil || !r.OK || r.Tag != "tag" {
			t.Errorf("%s: it is still open: %+v", tt.keys, r)
			continue
		}
		for k, want := range tt.want {
			if !slices.Equal(r.Values[k], want) {
				t.Errorf("%s: %s is %q, want %q", tt.keys, k, r.Values[k], want)
			}
		}
	}
}

func TestFormChecksAFieldWhenItIsLeft(t *testing.T) {
	t.Parallel()
	d, _ := typing(form(), "bad")
	if strings.Contains(shown(d, 80, 24), "that is bad") {
		t.Error("it complains while one types")
	}
	d, _ = typing(d, "<tab>")
	if !strings.Contains(shown(d, 80, 24), "▲ that is bad") {
		t.Errorf("it does not complain when the field is left:\n%s", shown(d, 80, 24))
	}
	d, r := typing(d, "<tab><enter>")
	if d == nil || r.OK {
		t.Fatal("it takes what is wrong")
	}
	d, _ = typing(d, "x") // the field that is wrong has the focus again
	if d.(*Form).Values().Text("name") != "badx" || strings.Contains(shown(d, 80, 24), "that is bad") {
		t.Errorf("%q\n%s", d.(*Form).Values(), shown(d, 80, 24))
	}
}

// TestEscDoesNotThrowAwayMuch that was typed without asking.
func TestEscDoesNotThrowAwayMuch(t *testing.T) {
	t.Parallel()
	if d, r := typing(form(), "short<esc>"); d != nil || r.OK {
		t.Error("little is asked about")
	}
	d, _ := typing(form(), "a name that is long enough<esc>")
	if d == nil || !strings.Contains(shown(d, 80, 24), "lose what was typed") {
		t.Fatal("it is gone without a word")
	}
	d, _ = typing(d, "<esc>!")
	if d == nil || d.(*Form).Values().Text("name") != "a name that is long enough!" {
		t.Fatal("the safe answer does not keep it")
	}
	if d, r := typing(d, "<esc>y"); d != nil || r.OK {
		t.Error("y does not leave")
	}
}

func TestFormPaste(t *testing.T) {
	t.Parallel()
	d := form().Paste("one\ntwo\r\n").(*Form)
	if got := d.Values().Text("name"); got != "one two" {
		t.Errorf("one line: %q", got)
	}
	typing(d, "<tab>")
	d.Paste("A=1\r\nB=2\nC=\x1b[31m3\n")
	if got := d.Values().List("rows"); !slices.Equal(got, []string{"A=1", "B=2", "C=3"}) {
		t.Errorf("rows: %q", got)
	}
}

func TestFormCopiesItsCommand(t *testing.T) {
	t.Parallel()
	d, r := typing(form(), "x<ctrl+y>")
	if d == nil || r.Copy != "$x[]nonefalse" {
		t.Errorf("copied %q", r.Copy)
	}
}

// TestLookup: what takes I/O is asked once for each text, and an answer that
// comes too late is dropped.
func TestLookup(t *testing.T) {
	t.Parallel()
	f := NewForm(Form{Name: "f", Yes: "go", Fields: []Field{{Key: "file", Lookup: func(s string) []string { return []string{s + "1", s + "2"} }}}})
	typing(f, "/a")
	field, typed, look := f.Ask()
	if look == nil || typed != "/a" {
		t.Fatalf("asked for %q", typed)
	}
	if _, _, again := f.Ask(); again != nil {
		t.Error("it is asked twice")
	}
	typing(f, "b")
	f.Suggest(field, typed, look(typed))
	if strings.Contains(shown(f, 80, 24), "/a1") {
		t.Error("an answer to another text is shown")
	}
	field, typed, look = f.Ask()
	f.Suggest(field, typed, look(typed))
	if s := shown(f, 80, 24); !strings.Contains(s, "ab1  ab2") {
		t.Errorf("the answer is not shown:\n%s", s)
	}
}
