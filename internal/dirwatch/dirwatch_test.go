package dirwatch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gantry/internal/dirwatch"
)

func watch(t *testing.T, ctx context.Context, dir string) *dirwatch.Watcher {
	t.Helper()
	w, err := dirwatch.New(ctx, dir, dirwatch.Changes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWaitSeesEachKindOfChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	w := watch(t, t.Context(), dir)
	for _, tt := range []struct {
		name   string
		change func() error
	}{
		{"create", func() error { write(t, a); return nil }},
		{"write", func() error { return os.WriteFile(a, []byte("longer"), 0o600) }},
		{"truncate", func() error { return os.Truncate(a, 1) }},
		{"rename", func() error { return os.Rename(a, b) }},
		{"remove", func() error { return os.Remove(b) }},
	} {
		if err := tt.change(); err != nil {
			t.Fatal(err)
		}
		if err := w.Wait(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Changes before a Wait are one wakeup, more or less.
func TestWaitFolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	w := watch(t, ctx, dir)
	for range 1000 {
		write(t, filepath.Join(dir, "a"))
	}
	if err := w.Wait(); err != nil {
		t.Fatal(err)
	}
	cancel()
	for w.Wait() == nil {
	}
	// The kernel folds equal notifications that follow each other.
	if n := w.Wakeups(); n > 40 {
		t.Errorf("1000 writes woke %d times", n)
	}
}

func TestWaitEndsWithContextAndInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	w := watch(t, ctx, t.TempDir())
	for range 2 { // now and ever after
		if err := w.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
	w = watch(t, t.Context(), t.TempDir())
	go w.Interrupt()
	if err := w.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestWaitTellsTheEndOfTheDirectory(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(dir string) error{
		"removed": os.Remove,
		"moved":   func(dir string) error { return os.Rename(dir, dir+"2") },
	} {
		dir := filepath.Join(t.TempDir(), "d")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		w := watch(t, t.Context(), dir)
		if err := end(dir); err != nil {
			t.Fatal(err)
		}
		if err := w.Wait(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestNewNeedsADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"))
	for _, name := range []string{"file", "none"} {
		if _, err := dirwatch.New(t.Context(), filepath.Join(dir, name), dirwatch.Changes); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
