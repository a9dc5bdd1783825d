package dockerfile_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/build/plan"
	"gantry/images/dockerfile"
)

var update = flag.Bool("update", os.Getenv("UPDATE") != "", "write the plans anew")

const files = "../../testdata/dockerfiles"

// distribution are images as distributions publish them.
func distribution(_ context.Context, ref images.Ref, p images.Platform) (plan.Image, error) {
	return plan.Image{Ref: ref, Platform: p, File: images.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, RootFS: images.RootFS{DiffIDs: []images.Digest{"sha256:1"}},
		Config: images.Config{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Cmd: []string{"sh"}},
	}}, nil
}

// TestRealFiles holds what whole Dockerfiles are planned as: names of steps,
// the history's words and the finished configurations.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(filepath.Join(files, "*", "Dockerfile"))
	if err != nil || len(dirs) < 20 {
		t.Fatalf("%d files, %v", len(dirs), err)
	}
	for _, file := range dirs {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := dockerfile.Parse("Dockerfile", text)
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Plan(t.Context(), dockerfile.Options{BuildPlatform: amd64}, distribution)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "plans", name)
			got := told(p)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func told(p *plan.Plan) string {
	var b strings.Builder
	for _, s := range p.Stages {
		if !s.Needed {
			fmt.Fprintf(&b, "%s is not needed\n", s.Name)
			continue
		}
		fmt.Fprintln(&b, s.Title)
		for _, step := range s.Steps {
			fmt.Fprintf(&b, "  %s\n", step.Name)
			if step.CreatedBy != "" {
				fmt.Fprintf(&b, "    %q\n", step.CreatedBy)
			}
		}
		config, err := json.Marshal(s.Config)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "  %s\n", config)
	}
	for _, f := range p.Findings {
		fmt.Fprintf(&b, "line %d: %s: %s\n", f.At.Start.Line, f.Rule, f.Message)
	}
	return b.String()
}
