package local

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

// layer runs a script of the host's shell in a new directory.
func layer(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return dir
}

const lowerScript = `mkdir -p etc dir/sub keep; echo a >etc/file; echo b >dir/old; echo c >dir/sub/x; ln -s /etc link; echo k >keep/k; touch -h -d @1000 link etc/file dir/old dir/sub/x keep/k etc dir dir/sub keep`

func compare(t *testing.T, upper string, whole bool, destinations ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("whiteouts need root")
	}
	lower, err := stack.Open([]string{layer(t, lowerScript)})
	if err != nil {
		t.Fatal(err)
	}
	defer lower.Close()
	d := &differ{lower: lower, whole: whole}
	if d.made, err = newMountPoints(lower, destinations); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenFile(upper, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	changes, err := d.compare(root)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprint(c.Kind, " ", c.Path))
	}
	return strings.Join(out, ", ")
}

func TestDifference(t *testing.T) {
	for _, test := range []struct{ name, upper, want, opaque string }{
		{"nothing", "", "", ""},
		{"added", "mkdir new; echo x >new/f", "A /new, A /new/f", ""},
		{"modified in a directory that was only copied up", "mkdir etc; echo x >etc/file; touch -d @1000 etc", "C /etc/file", ""},
		{"deleted", "mkdir dir; mknod dir/old c 0 0", "C /dir, D /dir/old", ""},
		{"a whiteout of nothing", "mkdir dir; mknod dir/nosuch c 0 0; touch -d @1000 dir", "", ""},
		{"mode of a directory", "mkdir -m 700 dir; touch -d @1000 dir", "C /dir", ""},
		{"directory in the place of a file", "mkdir dir; mkdir dir/old; echo x >dir/old/f; touch -d @1000 dir", "C /dir/old, A /dir/old/f", ""},
		{"file in the place of a directory", "echo x >dir", "C /dir", ""},
		{"made again", "mkdir dir; echo n >dir/new", "C /dir, A /dir/new, D /dir/old, D /dir/sub", "dir"},
		{"neighbours in order", "mkdir a; echo x >a/f; echo x >a-b", "A /a, A /a/f, A /a-b", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			upper := layer(t, test.upper)
			if test.opaque != "" {
				if err := unix.Setxattr(filepath.Join(upper, test.opaque), "trusted.overlay.opaque", []byte("y"), 0); err != nil {
					t.Skip(err) // the directory lies on an overlayfs
				}
			}
			if got := compare(t, upper, false); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestDifferenceOfCopies is for drivers that copy the whole root.
func TestDifferenceOfCopies(t *testing.T) {
	upper := layer(t, lowerScript)
	if got := compare(t, upper, true); got != "" {
		t.Errorf("an untouched copy differs: %s", got)
	}
	if err := os.Remove(filepath.Join(upper, "dir/old")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(upper, "etc/file"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := compare(t, upper, true), "C /dir, D /dir/old, C /etc/file"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestDifferenceHidesMountPoints: what the engine made to mount something there
// is not the container's doing, however a link leads to it.
func TestDifferenceHidesMountPoints(t *testing.T) {
	upper := layer(t, "mkdir -p etc proc deep/in/vol; touch etc/hosts etc/bound; mkdir etc/sub")
	if got := compare(t, upper, false, "/proc", "/etc/hosts", "/deep/in/vol", "/link/bound", "/link/sub"); got != "" {
		t.Errorf("the engine's mount points are told: %s", got)
	}
	upper = layer(t, "mkdir -p proc deep/in/vol; echo x >deep/mine; echo x >proc/mine")
	if got, want := compare(t, upper, false, "/proc", "/deep/in/vol"), "A /deep, A /deep/mine, A /proc, A /proc/mine"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
