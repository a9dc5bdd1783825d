package ignore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/images/build/ignore"
)

func TestMatchAndReach(t *testing.T) {
	t.Parallel()
	patterns, err := ignore.Parse(strings.NewReader("\ufeff# comment\n/ba*\n\n !src/*/keep \nsrc\n**/*.md\n!docs/**/x.md\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ignore.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"bar": true, "foo": false, "src": true, "a/b.md": true, "docs/a/x.md": false, "sub/bar": false} {
		if got, _, err := m.Match(name, ignore.State{}); got != want || err != nil {
			t.Errorf("Match(%q) = %v, %v", name, got, err)
		}
	}
	for dir, want := range map[string]bool{"src": true, "src/a": true, "lib": false, "docs/a/b/c": true, "src/a/keep/x": false} {
		if got := m.Reaches(dir); got != want {
			t.Errorf("Reaches(%q) = %v", dir, got)
		}
	}
	for _, bad := range []string{"!", "[a"} {
		if _, err := ignore.New([]string{bad}); err == nil {
			t.Errorf("pattern %q: no error", bad)
		}
	}
}

// TestLoad: a Dockerfile's own ignore file wins over the context's.
func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, data := range map[string]string{".dockerignore": "common", "Own.dockerignore": "own"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for dockerfile, want := range map[string]string{"Own": "own", "Other": "common", "": "common"} {
		f, err := ignore.Load(root, dockerfile)
		if err != nil || len(f.Patterns) != 1 || f.Patterns[0] != want {
			t.Errorf("%q: %v, %v", dockerfile, f, err)
		}
	}
}
