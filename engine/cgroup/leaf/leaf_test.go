package leaf_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/engine/cgroup/leaf"
)

// What needs a kernel's groups is tested in engine/cgroup, which can make them.

func TestGroupTravelsAsJSON(t *testing.T) {
	t.Parallel()
	g := leaf.Group{Path: "/gantry/1", Prune: true, Dirs: map[string]string{
		leaf.Unified: "/sys/fs/cgroup/unified/gantry/1", "memory": "/sys/fs/cgroup/memory/gantry/1"}}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var back leaf.Group
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, back); diff != "" {
		t.Error(diff)
	}
}

func TestGroupThatIsGone(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "gantry", "1")
	for name, g := range map[string]leaf.Group{
		"v2": {Path: "/gantry/1", Dirs: map[string]string{leaf.Unified: gone}},
		"v1": {Path: "/gantry/1", Dirs: map[string]string{"pids": gone, "freezer": gone}},
	} {
		if err := g.Kill(); err != nil {
			t.Errorf("%s: Kill() = %v", name, err)
		}
		if err := g.Delete(); err != nil {
			t.Errorf("%s: Delete() = %v", name, err)
		}
		if pids, err := g.Pids(); err != nil || len(pids) > 0 {
			t.Errorf("%s: Pids() = %v, %v", name, pids, err)
		}
		if err := g.Join(os.Getpid()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: Join() = %v, want ErrNotExist", name, err)
		}
		if err := g.Freeze(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: Freeze() = %v, want ErrNotExist", name, err)
		}
		if _, err := g.OOMWatch(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: OOMWatch() = %v, want ErrNotExist", name, err)
		}
	}
}

func TestFreezeWithoutFreezer(t *testing.T) {
	t.Parallel()
	g := leaf.Group{Path: "/gantry/1", Dirs: map[string]string{"pids": t.TempDir()}}
	if err := g.Freeze(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Freeze() = %v, want ErrUnsupported", err)
	}
	if fd, err := g.FD(); fd != nil || err != nil {
		t.Errorf("FD() = %v, %v without a v2 directory", fd, err)
	}
}

// The monitor of every container links this package and must stay small.
func TestImportsStayLight(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command to list the imports with")
	}
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		heavy := slices.Contains([]string{"net", "net/http", "regexp", "text/template", "os/exec", "log"}, path)
		foreign := strings.Contains(path, ".") && !strings.HasPrefix(path, "golang.org/x/sys/")
		if heavy || foreign {
			t.Errorf("imports %s", path)
		}
	}
}
