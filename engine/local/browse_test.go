package local_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/local"
)

// hostileVolume is a volume with whatever should not be opened, beside a secret
// of the host.
func hostileVolume(t *testing.T) (e *local.Engine, dir, secret string) {
	t.Helper()
	e = open(t)
	v, err := e.Volumes().Create(t.Context(), engine.VolumeCreateOptions{Name: "vol"})
	if err != nil {
		t.Fatal(err)
	}
	dir, outside := v.Mountpoint, t.TempDir()
	secret = filepath.Join(outside, "secret")
	err = errors.Join(
		os.WriteFile(secret, []byte("of the host"), 0o600),
		os.Mkdir(filepath.Join(dir, "real"), 0o755),
		os.WriteFile(filepath.Join(dir, "real", "secret"), []byte("mine"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "out")),
		os.Symlink(secret, filepath.Join(dir, "file")),
		os.Symlink("../../../../../../../../../.."+secret, filepath.Join(dir, "up")),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644),
		unix.Mknod(filepath.Join(dir, "tty"), unix.S_IFCHR|0o666, int(unix.Mkdev(5, 0))),
		os.WriteFile(filepath.Join(dir, "evil\x1b[2J\nname"), nil, 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	return e, dir, secret
}

// TestBrowseFollowsNothingOut: no link of a volume leads to a file of the host,
// and nothing is opened that may act or wait.
func TestBrowseFollowsNothingOut(t *testing.T) {
	e, _, _ := hostileVolume(t)
	files := e.Volumes().(engine.Browsable).Files()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, path := range []string{"/file", "/up", "/out/secret", "/fifo", "/tty", "/../secret", "/real/../../secret"} {
		if data, err := files.ReadFile(ctx, "vol", path, 100); err == nil {
			t.Errorf("%s was read: %q", path, data)
		}
	}
	if data, err := files.ReadFile(ctx, "vol", "/../real/secret", 100); err != nil || string(data) != "mine" {
		t.Errorf("above the top is not the top: %q, %v", data, err)
	}
	if list, err := files.ReadDir(ctx, "vol", "/out"); err == nil {
		t.Errorf("a link was listed: %+v", list)
	}
	list, err := files.ReadDir(ctx, "vol", "/")
	if err != nil || len(list.Entries) != 7 {
		t.Fatalf("the top: %+v, %v", list, err)
	}
	for _, entry := range list.Entries {
		if entry.Name == "out" && (entry.LinkTarget == "" || entry.Mode&os.ModeSymlink == 0) {
			t.Errorf("the link: %+v", entry)
		}
		if entry.Name == "fifo" && entry.Mode&os.ModeNamedPipe == 0 || entry.Name == "tty" && entry.Mode&os.ModeCharDevice == 0 {
			t.Errorf("what it is: %+v", entry)
		}
	}
	var tar bytes.Buffer
	if err := files.CopyFrom(ctx, "vol", "/out", &tar); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(tar.String(), "of the host") {
		t.Error("the copy of a link has what it leads to")
	}
	sum, err := files.Measure(ctx, "vol", "/")
	if err != nil || sum.Entries != 8 || sum.Partial {
		t.Errorf("measured: %+v, %v", sum, err)
	}
}

// TestBrowseWhileLinksAreSwapped: a directory becomes a link to one of the host
// between any two system calls.
func TestBrowseWhileLinksAreSwapped(t *testing.T) {
	e, dir, _ := hostileVolume(t)
	files := e.Volumes().(engine.Browsable).Files()
	ctx, stop := context.WithCancel(t.Context())
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for ctx.Err() == nil {
			if err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, "real"), unix.AT_FDCWD, filepath.Join(dir, "out"), unix.RENAME_EXCHANGE); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 400 {
		data, err := files.ReadFile(t.Context(), "vol", "/real/secret", 100)
		if err == nil && string(data) != "mine" {
			t.Fatalf("read %q", data)
		}
		list, err := files.ReadDir(t.Context(), "vol", "/real")
		for _, entry := range list.Entries {
			if err == nil && entry.Size != int64(len("mine")) {
				t.Fatalf("listed %+v", entry)
			}
		}
		var tar bytes.Buffer
		_ = files.CopyFrom(t.Context(), "vol", "/real", &tar) // it may be the link just now
		if strings.Contains(tar.String(), "of the host") {
			t.Fatal("a copy has a file of the host")
		}
	}
	stop()
	swaps.Wait()
}

// TestMeasureEndsWithItsContext, and in a tree without end.
func TestMeasureEndsWithItsContext(t *testing.T) {
	e, dir, _ := hostileVolume(t)
	files := e.Volumes().(engine.Browsable).Files()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := files.Measure(ctx, "vol", "/"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	at, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if err := at.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot("d")
		if err := errors.Join(err, at.Close()); err != nil {
			t.Fatal(err)
		}
		at = next
	}
	if err := at.Close(); err != nil {
		t.Fatal(err)
	}
	sum, err := files.Measure(t.Context(), "vol", "/")
	if err != nil || !sum.Partial || sum.Entries < 200 {
		t.Errorf("measured: %+v, %v", sum, err)
	}
}
