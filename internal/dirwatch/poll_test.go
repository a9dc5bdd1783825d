package dirwatch_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/internal/dirwatch"
)

func poll(t *testing.T, ctx context.Context, dir string) *dirwatch.Watcher {
	t.Helper()
	w, err := dirwatch.Poll(ctx, dir, dirwatch.Changes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// The limits that New gives way to. Reaching them here would disturb whatever
// else root runs on this machine.
func TestScarce(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{unix.EMFILE: true, unix.ENOSPC: true, unix.ENOENT: false, nil: false} {
		if got := dirwatch.Scarce(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestPollSeesEachKindOfChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	w := poll(t, t.Context(), dir)
	for _, tt := range []struct {
		name   string
		change func() error
	}{
		{"create", func() error { write(t, a); return nil }},
		{"write", func() error { return os.WriteFile(a, []byte("longer"), 0o600) }},
		{"truncate", func() error { return os.Truncate(a, 1) }},
		{"replace", func() error { write(t, b); return os.Rename(b, a) }},
		{"rename", func() error { return os.Rename(a, b) }},
		{"remove", func() error { return os.Remove(b) }},
	} {
		if err := tt.change(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- w.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was not seen", tt.name)
		}
	}
}

func TestPollEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := poll(t, ctx, t.TempDir())
	go cancel()
	for range 2 { // now and ever after
		if err := w.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
	for name, end := range map[string]func(dir string) error{
		"removed":  os.Remove,
		"moved":    func(dir string) error { return os.Rename(dir, dir+"2") },
		"replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+"2"), os.Mkdir(dir, 0o700)) },
	} {
		dir := filepath.Join(t.TempDir(), "d")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		w := poll(t, t.Context(), dir)
		if err := end(dir); err != nil {
			t.Fatal(err)
		}
		if err := w.Wait(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(fmt.Sprint(err), dir) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPollNeedsADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"))
	for _, name := range []string{"file", "none"} {
		if _, err := dirwatch.Poll(t.Context(), filepath.Join(dir, name), 0); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
