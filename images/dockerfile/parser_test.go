package dockerfile_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"gantry/images"
	"gantry/images/build/plan"
	"gantry/images/dockerfile"
)

// anything is the configuration of every image, for files of others.
func anything(_ context.Context, ref images.Ref, p images.Platform) (plan.Image, error) {
	return plan.Image{Ref: ref, Platform: p, File: images.ConfigFile{OS: p.OS, Architecture: p.Architecture}}, nil
}

func testfiles(t testing.TB, dir string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/buildkit").Output()
	if err != nil {
		t.Fatalf("find the parser's module: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "frontend/dockerfile/parser", dir, "*", "Dockerfile"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	return files
}

// unbalanced are files for the parser alone, whose quotes do not match when
// their variables are expanded.
var unbalanced = []string{"env", "escapes"}

// TestParserFiles: what buildkit's packages take of the parser's own test files
// is taken here, and can be planned; what they refuse is refused.
func TestParserFiles(t *testing.T) {
	t.Parallel()
	for _, file := range testfiles(t, "testfiles") {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parsed, want := parser.Parse(bytes.NewReader(text))
			if want == nil {
				_, _, want = instructions.Parse(parsed.AST, nil)
			}
			f, err := dockerfile.Parse("Dockerfile", text)
			if (err == nil) != (want == nil) {
				t.Fatalf("%v, buildkit says %v", err, want)
			}
			if err != nil {
				return
			}
			_, err = f.Plan(t.Context(), dockerfile.Options{}, anything)
			if (err != nil) != slices.Contains(unbalanced, name) {
				t.Errorf("plan: %v", err)
			}
		})
	}
	for _, file := range testfiles(t, "testfiles-negative") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dockerfile.Parse("Dockerfile", text); err == nil {
			t.Errorf("%s is accepted", file)
		}
	}
}

// FuzzPlan: no text makes planning panic, and planning twice is the same.
func FuzzPlan(f *testing.F) {
	for _, file := range testfiles(f, "testfiles") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("# check=error=true\nARG A=1\nFROM a$A AS b\nRUN --mount=type=cache,target=/x <<EOF\nx\nEOF\nFROM b\nCOPY --from=b --chmod=u=rwx a ${B:-c}/\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := dockerfile.Parse("Dockerfile", text)
		if err != nil {
			return
		}
		opt := dockerfile.Options{BuildArgs: map[string]string{"A": "b"}}
		one, err := file.Plan(t.Context(), opt, anything)
		two, again := file.Plan(t.Context(), opt, anything)
		if (err == nil) != (again == nil) {
			t.Fatalf("once %v, then %v", err, again)
		}
		if err == nil && len(one.Stages) != len(two.Stages) {
			t.Fatal("two plans of one file")
		}
		_, _ = file.Check(t.Context(), opt, anything)
	})
}
