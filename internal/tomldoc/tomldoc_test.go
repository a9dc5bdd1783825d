package tomldoc_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/internal/tomldoc"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"accent", "added", "bad", "border", "focus", "focus-title"}
	for typed, want := range map[string]string{
		"accnt": "accent", "acecnt": "accent", "boarder": "border", "focus-titel": "focus-title", "bda": "bad", "addde": "added", "x": "", "": "", "background": "",
	} {
		if got := tomldoc.Nearest(typed, words); got != want {
			t.Errorf("%q is near %q, want %q", typed, got, want)
		}
	}
}

func TestKeysAreWrittenAsInTheFile(t *testing.T) {
	t.Parallel()
	if got := (tomldoc.Key{"registries", "a.b:1", "http", ""}).String(); got != `registries."a.b:1".http.""` {
		t.Error(got)
	}
}

// TestEveryMistakeIsToldInItsPlace: what is right is taken, in whatever way a
// table is written.
func TestEveryMistakeIsToldInItsPlace(t *testing.T) {
	t.Parallel()
	const text = `
name = 1
[look]
bold = "yes"
list = ["a", 2, "z"]
[look.inner]
word = "lfet"
flag = true
[more]
inner = { flag = 3, what = 1 }
`
	var name, word string
	var bold, flag bool
	var list []string
	inner := func(r *tomldoc.Reader) func(tomldoc.Key, any) {
		return func(k tomldoc.Key, v any) {
			r.Table(k, v, tomldoc.Fields{"word": r.Word(&word, "left", "right"), "flag": r.Flag(&flag)})
		}
	}
	r := tomldoc.New("f", []byte(text))
	r.Read(tomldoc.Fields{
		"name": r.Text(&name, nil),
		"look": func(k tomldoc.Key, v any) {
			r.Table(k, v, tomldoc.Fields{"bold": r.Flag(&bold), "list": r.Words(&list, "a", "b"), "inner": inner(r)})
		},
		"more": func(k tomldoc.Key, v any) { r.Table(k, v, tomldoc.Fields{"inner": inner(r)}) },
	})
	var got []string
	for _, p := range r.Problems() {
		got = append(got, p.String())
	}
	want := []string{
		"f:2:1: name must be a text, not a number",
		"f:4:1: look.bold must be true or false, not a text",
		"f:5:1: look.list must be a list of texts, not a number",
		`f:5:1: look.list: "z" is none of a, b; did you mean "a"?`,
		`f:7:1: look.inner.word: "lfet" is none of left, right; did you mean "left"?`,
		"f:10:11: more.inner.flag must be true or false, not a number",
		`f:10:21: unknown key "what" in [more.inner]`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !flag || len(list) != 1 || list[0] != "a" {
		t.Errorf("what is right was not taken: %v, %v", flag, list)
	}
}

func TestNoTOMLIsOneProblem(t *testing.T) {
	t.Parallel()
	r := tomldoc.New("f", []byte("a = = 1\n"))
	r.Read(tomldoc.Fields{})
	if p := r.Problems(); len(p) != 1 || p[0].Line != 1 || p[0].Column != 5 {
		t.Errorf("problems: %v", p)
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		big:                        "big: cannot be read: it is larger than 1048576 bytes",
		filepath.Join(dir, "none"): "none: cannot be read: no such file or directory",
		dir:                        "cannot be read: is a directory",
	} {
		if _, err := tomldoc.ReadFile(path); err == nil || !strings.HasSuffix(tomldoc.Unreadable(path, err).String(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add("a = 1\n[b]\nc = { d = [1], e.f = 2 }\n[[g]]\nh = 1979-05-27")
	f.Fuzz(func(t *testing.T, text string) {
		r := tomldoc.New("f", []byte(text))
		r.Read(tomldoc.Fields{})
		for _, p := range r.Problems() {
			if p.Line < 1 && p.Key != "" {
				t.Errorf("%s has no place", p)
			}
		}
	})
}
