package shim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/engine/cgroup/leaf"
)

func TestHome(t *testing.T) {
	t.Parallel()
	run := t.TempDir()
	if g := readHome(run); g != nil {
		t.Errorf("without a note: %+v", g)
	}
	want := &leaf.Group{Path: "/gantry/monitors", Dirs: map[string]string{
		leaf.Unified: "/sys/fs/cgroup/unified/gantry/monitors",
		"memory":     "/sys/fs/cgroup/memory/gantry/monitors",
		"cpu":        "/sys/fs/cgroup/cpu,cpuacct/a=b/gantry/monitors",
	}}
	if err := NoteHome(run, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, readHome(run)); diff != "" {
		t.Error(diff)
	}
	if err := NoteHome(run, &leaf.Group{Path: "/two\nlines", Dirs: want.Dirs}); err == nil {
		t.Error("a path of two lines was noted")
	}
	if diff := cmp.Diff(want, readHome(run)); diff != "" {
		t.Error(diff)
	}
}

func TestHomeRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":             "",
		"another version":   "gantry-monitors 2 /g\nmemory=/m\n",
		"another file":      `{"v":1,"group":{"path":"/g"}}` + "\n",
		"relative path":     "gantry-monitors 1 g\nmemory=/m\n",
		"relative dir":      "gantry-monitors 1 /g\nmemory=m\n",
		"no dirs":           "gantry-monitors 1 /g\n",
		"not a line":        "gantry-monitors 1 /g\nmemory\n",
		"cut short":         "gantry-monitors 1 /g\nmemory=/m",
		"larger than a lot": "gantry-monitors 1 /g\n" + strings.Repeat("memory=/m\n", maxHome),
	} {
		run := t.TempDir()
		if err := os.WriteFile(filepath.Join(run, homeFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if g := readHome(run); g != nil {
			t.Errorf("%s: %+v", name, g)
		}
	}
}
