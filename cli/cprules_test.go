package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPlanCopy is docker's table of what a copy is called and where it goes.
func TestPlanCopy(t *testing.T) {
	t.Parallel()
	file := func(p string) copyEnd { return copyEnd{path: p, exists: true} }
	dir := func(p string) copyEnd { return copyEnd{path: p, exists: true, dir: true} }
	none := func(p string) copyEnd { return copyEnd{path: p} }
	for _, test := range []struct {
		name     string
		src, dst copyEnd
		dir      string
		entry    string // what the archive has
		becomes  string
		refused  bool
	}{
		{"file to nothing", file("/a/f"), none("/b/g"), "/b", "f", "g", false},
		{"file to nothing with a slash", file("/a/f"), none("/b/g/"), "", "", "", true},
		{"file to file", file("/a/f"), file("/b/g"), "/b", "f", "g", false},
		{"file to directory", file("/a/f"), dir("/b/d"), "/b/d", "f", "f", false},
		{"directory to nothing", dir("/a/d"), none("/b/n"), "/b", "d/x", "n/x", false},
		{"directory to nothing with a slash", dir("/a/d"), none("/b/n/"), "/b", "d/x", "n/x", false},
		{"directory to file", dir("/a/d"), file("/b/f"), "", "", "", true},
		{"directory to directory", dir("/a/d"), dir("/b/e"), "/b/e", "d/x", "d/x", false},
		{"content to directory", dir("/a/d/."), dir("/b/e"), "/b/e", "./x", "./x", false},
		{"content to nothing", dir("/a/d/."), none("/b/n"), "/b", "./x", "n/x", false},
		{"root to nothing", dir("/"), none("/b/n"), "/b", "./etc/x", "n/etc/x", false},
		{"renamed link", copyEnd{path: "/a/target", exists: true, rename: "link"}, dir("/b"), "/b", "target", "link", false},
		{"name that begins alike", dir("/a/d"), none("/b/n"), "/b", "dx/y", "dx/y", false},
	} {
		plan, err := planCopy(test.src, test.dst)
		if (err != nil) != test.refused {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if err != nil {
			continue
		}
		got := test.entry
		if plan.from != plan.to {
			got = plan.name(test.entry)
		}
		if plan.dir != test.dir || got != test.becomes {
			t.Errorf("%s: %s in %s, want %s in %s", test.name, got, plan.dir, test.becomes, test.dir)
		}
	}
}

func TestLocalPaths(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	for _, err := range []error{
		os.MkdirAll(at("dir"), 0o755), os.WriteFile(at("file"), nil, 0o600), os.Symlink("dir", at("dlink")), os.Symlink("file", at("flink")),
		os.Symlink("nothing", at("dangling")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		path   string
		follow bool
		want   copyEnd
	}{
		{at("file"), false, copyEnd{path: at("file"), exists: true}},
		{at("dir") + "/", false, copyEnd{path: at("dir") + "/", exists: true, dir: true}},
		{at("dir") + "/.", false, copyEnd{path: at("dir") + "/.", exists: true, dir: true}},
		{at("flink"), false, copyEnd{path: at("flink"), exists: true}},
		{at("flink"), true, copyEnd{path: at("file"), exists: true, rename: "flink"}},
		{at("dlink"), false, copyEnd{path: at("dlink"), exists: true}},
		{at("dlink") + "/", false, copyEnd{path: at("dir") + "/", exists: true, dir: true, rename: "dlink"}},
		{at("dlink") + "/.", false, copyEnd{path: at("dir") + "/.", exists: true, dir: true}},
	} {
		got, err := localSource(test.path, test.follow)
		if err != nil || got != test.want {
			t.Errorf("source %s: %+v %v, want %+v", test.path, got, err, test.want)
		}
	}
	for path, want := range map[string]copyEnd{
		at("file"):      {path: at("file"), exists: true},
		at("dlink"):     {path: at("dir"), exists: true, dir: true},
		at("new"):       {path: at("new")},
		at("new") + "/": {path: at("new") + "/"},
		at("dangling"):  {path: at("nothing")},
	} {
		got, err := localTarget(path)
		if err != nil || got != want {
			t.Errorf("target %s: %+v %v, want %+v", path, got, err, want)
		}
	}
	for _, path := range []string{at("nosuch"), at("file") + "/"} {
		if _, err := localSource(path, false); err == nil {
			t.Errorf("source %s was taken", path)
		}
	}
	if _, err := localTarget(at("no/such")); err == nil {
		t.Error("a target in a directory that is not there was taken")
	}
}
