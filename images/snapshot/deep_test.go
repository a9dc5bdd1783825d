package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// deepTree nests directories as a container can with mkdir and chdir: deeper
// than a path is long. Each holds a file.
func deepTree(t *testing.T, dir string, depth int) {
	t.Helper()
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

// A tree that needs more descriptors than there are, and longer paths, is
// removed all the same: a container must not be able to forbid its removal.
func TestRemoveDeepTree(t *testing.T) {
	dir := t.TempDir()
	upper := filepath.Join(dir, upperDir)
	write(t, upper+"/deep-0/file", "of the container's own") // a name that Remove uses
	deepTree(t, upper, 3000)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	few := unix.Rlimit{Cur: 256, Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	d := &Driver{facts{Kind: Overlay}}
	if err := d.Remove(dir); err != nil {
		t.Errorf("Remove: %.200s", err.Error())
	}
	if _, err := os.Lstat(upper); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("upper/ is there still: %v", err)
	}
	if err := d.Remove(dir); err != nil {
		t.Errorf("Remove of nothing: %v", err)
	}
}

// Removal stays in its file system and follows no link.
func TestRemoveStaysInside(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	outside, upper := filepath.Join(dir, "outside"), filepath.Join(dir, upperDir)
	write(t, outside+"/precious", "1")
	write(t, upper+"/file", "1")
	for name, target := range map[string]string{"link": outside, "up": ".."} {
		if err := os.Symlink(target, filepath.Join(upper, name)); err != nil {
			t.Fatal(err)
		}
	}
	mount := filepath.Join(upper, "mount")
	if err := os.Mkdir(mount, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(outside, mount, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(mount, unix.MNT_DETACH)
	d := &Driver{facts{Kind: Overlay}}
	if err := d.Remove(dir); !errors.Is(err, unix.EXDEV) {
		t.Errorf("Remove with a mount inside: %v, want EXDEV", err)
	}
	if _, err := os.Stat(outside + "/precious"); err != nil {
		t.Error(err)
	}
	if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(outside + "/precious"); err != nil {
		t.Error(err)
	}
}

// What lies beyond the longest path is not counted, and no error: the sizes of
// other containers are asked for in the same breath.
func TestUsageOfDeepTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	upper := filepath.Join(dir, upperDir)
	write(t, upper+"/file", "1")
	deepTree(t, upper, 3000)
	d := &Driver{facts{Kind: Overlay}}
	t.Cleanup(func() {
		if err := d.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	if n, err := d.Usage(dir); err != nil || n == 0 {
		t.Errorf("Usage = %d, %.200v", n, err)
	}
}
