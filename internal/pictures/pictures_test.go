package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

const docs = "../../docs"

// TestPage holds docs/pictures.md to the scenes. UPDATE=1 writes it.
func TestPage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(docs, "pictures.md")
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != page() {
		t.Errorf("%s is stale (UPDATE=1 writes it): %v", path, err)
	}
}

// TestPicturesAreAsTheScenesSay: there is one for each scene and none besides,
// README shows only those that there are, and none names a place of the machine
// that it was taken on.
func TestPicturesAreAsTheScenesSay(t *testing.T) {
	t.Parallel()
	known := make(map[string]bool)
	for _, sc := range scenes {
		known[sc.name+".svg"] = true
		b, err := os.ReadFile(filepath.Join(docs, "pictures", sc.name+".svg"))
		if err != nil {
			t.Error(err)
		}
		for _, place := range []string{"/tmp/", "/home/", "127.0.0.1:5000"} {
			if bytes.Contains(b, []byte(place)) {
				t.Errorf("%s names %s", sc.name, place)
			}
		}
	}
	files, err := os.ReadDir(filepath.Join(docs, "pictures"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f.Name()] {
			t.Errorf("docs/pictures/%s is of no scene", f.Name())
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`docs/pictures/([^)]*)`).FindAllSubmatch(readme, -1) {
		if !known[string(m[1])] {
			t.Errorf("README shows %s, which is of no scene", m[1])
		}
	}
}
