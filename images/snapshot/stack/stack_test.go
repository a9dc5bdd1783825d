package stack_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gantry/images/snapshot/stack"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("whiteouts need root")
	}
}

// layer makes a directory from names: "dir/", "file", "link>target",
// "gone!" (whiteout), "dir/!" (opaque).
func layer(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := entry(dir, name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return dir
}

func entry(dir, name string) error {
	open := func(p string) (*os.File, error) { return os.Open(filepath.Join(dir, p)) }
	last := name[len(name)-1]
	switch {
	case last == '/':
		return os.MkdirAll(filepath.Join(dir, name), 0o755)
	case last == '!' && name[len(name)-2] == '/':
		f, err := open(name[:len(name)-2])
		if err != nil {
			return err
		}
		defer f.Close()
		return stack.SetOpaque(int(f.Fd()))
	case last == '!':
		f, err := open(filepath.Dir(name))
		if err != nil {
			return err
		}
		defer f.Close()
		return stack.Whiteout(int(f.Fd()), filepath.Base(name[:len(name)-1]))
	}
	for i := range name {
		if name[i] == '>' {
			return os.Symlink(name[i+1:], filepath.Join(dir, name[:i]))
		}
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(name), 0o640)
}

func open(t *testing.T, dirs ...string) *stack.Stack {
	t.Helper()
	s, err := stack.Open(dirs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestLookup(t *testing.T) {
	needRoot(t)
	t.Parallel()
	s := open(t,
		layer(t, "a/", "a/x", "a/y", "b/", "b/x", "f", "c/", "c/x", "l>a", "d/", "d/e/", "d/e/x"),
		layer(t, "a/", "a/x!", "b!", "c", "d/", "d/!", "d/e/", "d/e/y"),
		layer(t, "c/", "c/z", "a/", "a/z", "f/", "f/g"),
	)
	for name, want := range map[string]bool{
		".": true, "a": true, "a/x": false, "a/y": true, "a/z": true,
		"b": false, "b/x": false, // A whiteout hides all below it.
		"c/z": true, "c/x": false, // So does a file in between,
		"f/g": true,               // and a directory hides a file.
		"l":   true, "l/x": false, // Symlinks are not followed.
		"d/e/x": false, "d/e/y": true, // An opaque directory hides its whole tree.
		"nothing": false, "..": false, "../x": false, "/etc": false, "a/../f": true,
	} {
		n, err := s.Lookup(name)
		if err != nil || (n != nil) != want {
			t.Errorf("Lookup(%q) = %v, %v; want it %v", name, n, err, want)
		}
	}
	n, err := s.Lookup("l")
	if err != nil {
		t.Fatal(err)
	}
	if to, err := n.Readlink(); err != nil || to != "a" {
		t.Errorf("Readlink = %q, %v", to, err)
	}
}

func TestNames(t *testing.T) {
	needRoot(t)
	t.Parallel()
	s := open(t, layer(t, "a/", "a/x", "a/y", "f"), layer(t, "a/", "a/x!", "a/z", "g!"))
	for name, want := range map[string][]string{".": {"a", "f"}, "a": {"y", "z"}} {
		n, err := s.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Names(n)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("names of %s (-want +got):\n%s", name, d)
		}
	}
}

func TestEmptyStack(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, name := range []string{".", "a"} {
		if n, err := s.Lookup(name); n != nil || err != nil {
			t.Errorf("Lookup(%q) = %v, %v", name, n, err)
		}
	}
}

// TestPrivateMarks: what gantry writes where overlayfs refuses its own marks.
func TestPrivateMarks(t *testing.T) {
	needRoot(t)
	t.Parallel()
	dir := layer(t, "gone", "d/", "empty")
	// The form on disk, because this file system would take overlay's.
	if err := os.Truncate(dir+"/gone", 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Chmod(dir+"/gone", 0), os.Truncate(dir+"/empty", 0), os.Chmod(dir+"/empty", 0),
		unix.Setxattr(dir+"/gone", "trusted.gantry.whiteout", []byte("y"), 0),
		unix.Setxattr(dir+"/d", "trusted.gantry.opaque", []byte("y"), 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, layer(t, "gone", "empty", "d/", "d/x"), dir)
	for name, want := range map[string]bool{"gone": false, "empty": true, "d": true, "d/x": false} {
		if n, err := s.Lookup(name); err != nil || (n != nil) != want {
			t.Errorf("Lookup(%q) = %v, %v; want it %v", name, n, err, want)
		}
	}
}

func TestCopy(t *testing.T) {
	needRoot(t)
	t.Parallel()
	src := layer(t, "f", "l>nowhere", "d/")
	big, err := os.Create(src + "/holes")
	if err != nil {
		t.Fatal(err)
	}
	_, err = big.WriteAt([]byte("data"), 8<<20)
	if err := errors.Join(err, big.Truncate(32<<20), big.Close(),
		unix.Mknod(src+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		unix.Mkfifo(src+"/pipe", 0o622),
		unix.Setxattr(src+"/f", "trusted.k", []byte("v"), 0),
		unix.Lchown(src+"/l", 5, 6), os.Chown(src+"/f", 5, 6), os.Chmod(src+"/f", 0o4711)); err != nil {
		t.Fatal(err)
	}
	old := unix.Timespec{Sec: 1e9, Nsec: 42}
	s := open(t, src)
	to := t.TempDir()
	dst, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	for _, name := range []string{"f", "l", "d", "holes", "null", "pipe"} {
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, src+"/"+name, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Fatal(err)
		}
		n, err := s.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Copy(int(dst.Fd()), name); err != nil {
			t.Fatal(err)
		}
		var a, b unix.Stat_t
		if err := errors.Join(unix.Lstat(src+"/"+name, &a), unix.Lstat(to+"/"+name, &b)); err != nil {
			t.Fatal(err)
		}
		if a.Mode != b.Mode || a.Uid != b.Uid || a.Gid != b.Gid || a.Rdev != b.Rdev || a.Mtim != b.Mtim || a.Size != b.Size {
			t.Errorf("%s: %+v became %+v", name, a, b)
		}
		if name == "holes" && b.Blocks > 64 {
			t.Errorf("holes were filled: %d blocks", b.Blocks)
		}
	}
	buf := make([]byte, 8)
	if n, err := unix.Getxattr(to+"/f", "trusted.k", buf); err != nil || string(buf[:n]) != "v" {
		t.Errorf("trusted.k = %q, %v", buf[:max(n, 0)], err)
	}
	if b, err := os.ReadFile(to + "/holes"); err != nil || string(b[8<<20:8<<20+4]) != "data" {
		t.Errorf("content is lost: %v", err)
	}
}
