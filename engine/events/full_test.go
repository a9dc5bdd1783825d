package events_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
)

// smallDisk mounts a file system of 128 KiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a small tmpfs needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128k,nr_inodes=64"); err != nil {
		t.Skipf("mounting a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes the disk's last byte, and returns what gives it all back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for b := make([]byte, 4096); err == nil; {
		_, err = f.Write(b)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// On a full disk writes fail with a clear error, what was there stays readable,
// and with room everything goes on as if nothing had been.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	root := smallDisk(t)
	f := open(t, root)
	path := objectPath(root, "a")
	if err := record.Write(path, object{Count: 1}, record.Durable); err != nil {
		t.Fatal(err)
	}
	f.append(t, container("create", "a"))
	free := fill(t, root)

	big := container("start", "a")
	big.Attributes = map[string]string{"label": strings.Repeat("x", 8000)}
	if _, err := f.Append(big); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("append: %v", err)
	}
	if _, err := f.Commit(big, events.Proof{}, func(engine.Seq) error { return nil }); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("commit: %v", err)
	}
	if err := record.Write(path, object{Count: 2}, record.Durable); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("write: %v", err)
	}
	var o object
	if err := record.Read(path, &o); err != nil || o.Count != 1 {
		t.Errorf("the old record: %+v, %v", o, err)
	}
	check(t, []string{"2 create a"}, f.replay(t))

	free()
	f.append(t, container("die", "a"))
	check(t, []string{"2 create a", "3 die a"}, f.replay(t))
	if f.Skipped() != 0 {
		t.Errorf("%d lines were torn", f.Skipped())
	}
}
