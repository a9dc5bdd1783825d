package trash_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/images/trash"
)

// tree makes directories below dir, each in the one before and with a file:
// deeper than a path is long, as a container can.
func tree(t *testing.T, dir string, depth int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range depth {
		if err := errors.Join(unix.Mkdirat(at, "d", 0o755), unix.Mknodat(at, "f", unix.S_IFREG|0o600, 0)); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(at, "d", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(at)
		at = next
	}
	unix.Close(at)
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestPutAndEmpty(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := trash.Empty(t.Context(), root); err != nil {
		t.Errorf("Empty without a trash: %v", err)
	}
	dir := filepath.Join(root, "containers", "one")
	tree(t, dir, 3)
	if err := trash.Put(root, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if fi, err := os.Stat(trash.Dir(root)); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the trash: %v, %v; programs of images must be out of others' reach", fi.Mode(), err)
	}
	if err := trash.Put(root, dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put of nothing: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := trash.Empty(ended, root); !errors.Is(err, context.Canceled) || entries(t, trash.Dir(root)) != 1 {
		t.Errorf("Empty after the end: %v", err)
	}
	if err := trash.Empty(t.Context(), root); err != nil || entries(t, trash.Dir(root)) != 0 {
		t.Errorf("Empty: %v, %d entries are left", err, entries(t, trash.Dir(root)))
	}
}

// Monitors empty the trash whenever a container goes, and so does a prune.
func TestEmptyAtOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range 10 {
		dir := filepath.Join(root, strconv.Itoa(i))
		tree(t, dir, 40*i)
		tree(t, filepath.Join(dir, "deep-0"), 100)
		if err := trash.Put(root, dir); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := trash.Empty(t.Context(), root); err != nil {
				t.Error(err)
			}
			if n := entries(t, trash.Dir(root)); n != 0 {
				t.Errorf("%d entries are left", n)
			}
		})
	}
	all.Wait()
}
