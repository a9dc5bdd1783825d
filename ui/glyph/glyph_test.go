package glyph_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"gantry/ui/glyph"
)

// names are the constants of glyph.go with their values.
func names(t *testing.T) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "glyph.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out[v.Names[0].Name] = s
		}
		return true
	})
	if len(out) < 40 {
		t.Fatalf("only %d glyphs were found", len(out))
	}
	return out
}

// Both ways of measuring must agree that a glyph is one cell: terminals use
// the one or the other.
func TestGlyphsAreOneCellWideInBothSets(t *testing.T) {
	t.Parallel()
	for name, s := range names(t) {
		for _, r := range s {
			for _, width := range []func(string) int{ansi.StringWidth, ansi.StringWidthWc} {
				if got := width(string(r)); got != 1 {
					t.Errorf("%s: %q is %d cells wide", name, r, got)
				}
			}
			if r == ' ' {
				continue
			}
			if !glyph.HasTwin(r) {
				t.Errorf("%s: %q has no twin in ASCII", name, r)
			}
			twin := glyph.ASCII.Screen(string(r))
			if len(twin) != 1 || twin[0] <= ' ' || twin[0] > '~' {
				t.Errorf("%s: the twin of %q is %q", name, r, twin)
			}
		}
	}
}

// What a container is doing must look different in every state, in both sets.
func TestStatusGlyphsDiffer(t *testing.T) {
	t.Parallel()
	status := []string{
		glyph.Running, glyph.Starting, glyph.Healthy, glyph.Unhealthy, glyph.Restarting, glyph.Paused, glyph.Exited, glyph.Failed, glyph.Problem,
	}
	for _, set := range []glyph.Set{glyph.Unicode, glyph.ASCII} {
		seen := map[string]bool{}
		for _, s := range status {
			if twin := set.Screen(s); seen[twin] {
				t.Errorf("%q stands for two states", twin)
			} else {
				seen[twin] = true
			}
		}
	}
	if got := glyph.ASCII.Screen(strings.Join(status, " ")); got != "* ~ + ! @ = o x ^" {
		t.Errorf("the status glyphs in ASCII are %s", got)
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	const in = "\x1b[1m╭─ ● api … ─╮\x1b[m naïve 日本 e\u0301 \xff"
	for set, want := range map[glyph.Set]string{
		glyph.Unicode: in,
		glyph.ASCII:   "\x1b[1m+- * api ~ -+\x1b[m naïve 日本 e\u0301 \xff",
		glyph.Foreign: "\x1b[1m+- * api ~ -+\x1b[m na?ve ???? e ?",
	} {
		if got := set.Screen(in); got != want {
			t.Errorf("set %d: %q, want %q", set, got, want)
		}
	}
	if got := glyph.ASCII.Text("Remove…"); got != "Remove..." {
		t.Errorf("a line in ASCII: %q", got)
	}
}

// Everything that is drawn can be drawn in ASCII, because code knows glyphs by
// name: only the ellipsis of prose may stand in a text as it is.
func TestGlyphsAreDrawnByName(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"glyph", "testdata", "uitest"}, d.Name())):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		return checkFile(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Fatalf("only %d files were read", files)
	}
}

func checkFile(t *testing.T, path string) error {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING && lit.Kind != token.CHAR {
			return true
		}
		for _, r := range lit.Value {
			if r >= utf8.RuneSelf && string(r) != glyph.Ellipsis {
				t.Errorf("%s: write %q by its name in ui/glyph", set.Position(lit.Pos()), r)
			}
		}
		return true
	})
	return nil
}

func FuzzScreen(f *testing.F) {
	f.Add("│ \x1b[31m●\x1b[m 日本 \xff…")
	f.Fuzz(func(t *testing.T, s string) {
		for _, set := range []glyph.Set{glyph.ASCII, glyph.Foreign} {
			got := set.Screen(s)
			if set == glyph.Foreign && strings.ContainsFunc(got, func(r rune) bool { return r >= utf8.RuneSelf }) {
				t.Errorf("%q became %q", s, got)
			}
			if again := set.Screen(got); again != got {
				t.Errorf("%q became %q, then %q", s, got, again)
			}
		}
	})
}
