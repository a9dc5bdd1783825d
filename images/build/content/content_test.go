package content_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gantry/images"
	"gantry/images/build/content"
	"gantry/images/build/ignore"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes files: "dir/", "file=content", "link>target".
func write(t testing.TB, dir string, entries ...string) {
	t.Helper()
	for _, e := range entries {
		if link, to, ok := strings.Cut(e, ">"); ok {
			p := filepath.Join(dir, link)
			must(t, os.MkdirAll(filepath.Dir(p), 0o755))
			must(t, os.Symlink(to, p))
			continue
		}
		name, data, _ := strings.Cut(e, "=")
		p := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(p, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte(data), 0o644))
	}
}

func open(t testing.TB, dir string, o content.Options) *content.Tree {
	t.Helper()
	f, err := os.Open(dir)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	if o.Name == "" {
		o.Name = "the build context"
	}
	tree, err := content.Open(f, o)
	must(t, err)
	return tree
}

func sel(t testing.TB, tree *content.Tree, r content.Request) *content.Selection {
	t.Helper()
	s, err := tree.Select(context.Background(), r)
	must(t, err)
	return s
}

func digest(t testing.TB, tree *content.Tree, r content.Request) images.Digest {
	t.Helper()
	d, err := sel(t, tree, r).Digest(context.Background())
	must(t, err)
	return d
}

// names lists a selection: "source: entry entry", implied directories in
// brackets.
func names(s *content.Selection) string {
	var out []string
	for _, g := range s.Groups {
		line := g.Name + ":"
		for _, e := range g.Entries[1:] {
			if e.Implied {
				line += " (" + e.Path + ")"
			} else {
				line += " " + e.Path
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func TestSelect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.txt=a", "b.md=b", "home.txt=h", "homework=w", "src/a.go=a", "src/b.go=b", "src/sub/c.go=c", "src/sub/deep/d.go=d",
		"lnk>src", "up>../../../../../../src/sub", "abs>/src/a.go", "empty/", "doc/x.md=x", "doc/y.txt=y")
	for _, tt := range []struct {
		name string
		r    content.Request
		want string
	}{
		{"a file", content.Request{Sources: []string{"a.txt"}}, "a.txt:"},
		{"a directory", content.Request{Sources: []string{"src"}}, "src: a.go b.go sub sub/c.go sub/deep sub/deep/d.go"},
		{"a slash at the end", content.Request{Sources: []string{"src/sub/"}}, "sub: c.go deep deep/d.go"},
		{"above the root", content.Request{Sources: []string{"../../doc"}}, "doc: x.md y.txt"},
		{"an empty directory", content.Request{Sources: []string{"/empty"}}, "empty:"},
		{"a pattern", content.Request{Sources: []string{"ho*"}}, "home.txt:; homework:"},
		{"a pattern of directories", content.Request{Sources: []string{"*/sub"}}, "sub: c.go deep deep/d.go"},
		{"a pattern that matches nothing", content.Request{Sources: []string{"no*", "nodir/*"}}, ""},
		{"links of patterns are followed", content.Request{Sources: []string{"l?k"}}, "lnk: a.go b.go sub sub/c.go sub/deep sub/deep/d.go"},
		{"a path through a link", content.Request{Sources: []string{"lnk/sub/c.go"}}, "c.go:"},
		{"a link that climbs", content.Request{Sources: []string{"up"}}, "up: c.go deep deep/d.go"},
		{"an absolute link", content.Request{Sources: []string{"abs"}}, "abs:"},
		{"excluded", content.Request{Sources: []string{"src"}, Exclude: []string{"sub/deep", "b.*"}}, "src: a.go sub sub/c.go"},
		{"excluded with an exception", content.Request{Sources: []string{"src"}, Exclude: []string{"*", "!sub/deep/d.go"}}, "src: (sub) (sub/deep) sub/deep/d.go"},
		{"excluded matches", content.Request{Sources: []string{"hom*"}, Exclude: []string{"*.txt"}}, "homework:"},
		{"a named file is not excluded", content.Request{Sources: []string{"home.txt"}, Exclude: []string{"*.txt"}}, "home.txt:"},
		{"parents", content.Request{Sources: []string{"src/sub/c.go"}, Parents: true}, "/: (src) (src/sub) src/sub/c.go"},
		{"parents with a pivot", content.Request{Sources: []string{"src/./sub"}, Parents: true}, "src: sub sub/c.go sub/deep sub/deep/d.go"},
		{"parents with two pivots", content.Request{Sources: []string{"src/./sub/./deep"}, Parents: true}, "src: (sub) sub/deep sub/deep/d.go"},
		{"parents with **", content.Request{Sources: []string{"**/*.go"}, Parents: true, Exclude: []string{"**/b.go"}}, "/: (src) src/a.go (src/sub) src/sub/c.go (src/sub/deep) src/sub/deep/d.go"},
		{"parents of a pattern before the pivot", content.Request{Sources: []string{"s*/./sub/*.go"}, Parents: true}, "src: (sub) sub/c.go"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := names(sel(t, open(t, dir, content.Options{}), tt.r)); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "server.go=", "secret.md=", "evil>/etc/passwd", "loop>loop", "src/config.json=")
	m, err := ignore.New([]string{"*.md"})
	must(t, err)
	tree := open(t, dir, content.Options{Ignore: m, IgnoreFile: ".dockerignore"})
	for src, want := range map[string]string{
		"servr.go":        `"servr.go" is not in the build context: did you mean server.go?`,
		"src/Config.json": `"src/Config.json" is not in the build context: did you mean src/config.json?`,
		"secret.md":       `"secret.md" is not in the build context: .dockerignore leaves it out`,
		"../etc/passwd":   `"../etc/passwd" is not in the build context: it points outside of it, and nothing there is part of a build`,
		"evil":            `"evil" is not in the build context: the link evil leads to etc/passwd, which is not in it`,
		"server.go/x":     `"server.go/x" is not in the build context`,
	} {
		_, err := tree.Select(context.Background(), content.Request{Sources: []string{src}})
		if err == nil || err.Error() != want || !errors.Is(err, images.ErrNotFound) {
			t.Errorf("%s: got %v, want %s", src, err, want)
		}
	}
	for _, r := range []content.Request{
		{Sources: []string{"loop"}}, {Sources: []string{"[a"}}, {Sources: []string{"src/nothing"}, Parents: true}, {Sources: []string{"."}, Exclude: []string{"[a"}},
	} {
		if _, err := tree.Select(context.Background(), r); err == nil {
			t.Errorf("%v: no error", r)
		}
	}
}
