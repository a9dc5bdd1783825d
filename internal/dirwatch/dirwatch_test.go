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

// ways are how a directory can be watched: as the kernel tells, and by looking
// where it has no more to give. Both promise the same.
var ways = map[string]func(ctx context.Context, dir string, mask uint32) (*dirwatch.Watcher, error){
	"told": dirwatch.New, "looking": dirwatch.Poll,
}

// inEachWay runs a test with each of them.
func inEachWay(t *testing.T, test func(t *testing.T, watch func(ctx context.Context, dir string) *dirwatch.Watcher)) {
	t.Parallel()
	for name, begin := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(ctx context.Context, dir string) *dirwatch.Watcher {
				t.Helper()
				w, err := begin(ctx, dir, dirwatch.Changes)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { w.Close() })
				return w
			})
		})
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWaitSeesEachKindOfChange(t *testing.T) {
	inEachWay(t, func(t *testing.T, watch func(ctx context.Context, dir string) *dirwatch.Watcher) {
		dir := t.TempDir()
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		w := watch(t.Context(), dir)
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
	})
}

// Changes before a Wait are one wakeup, more or less.
func TestWaitFolds(t *testing.T) {
	inEachWay(t, func(t *testing.T, watch func(ctx context.Context, dir string) *dirwatch.Watcher) {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		w := watch(ctx, dir)
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
	})
}

func TestWaitEndsWithContextAndInterrupt(t *testing.T) {
	inEachWay(t, func(t *testing.T, watch func(ctx context.Context, dir string) *dirwatch.Watcher) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		w := watch(ctx, t.TempDir())
		for range 2 { // now and ever after
			if err := w.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		w = watch(t.Context(), t.TempDir())
		go w.Interrupt()
		if err := w.Wait(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaitTellsTheEndOfTheDirectory(t *testing.T) {
	inEachWay(t, func(t *testing.T, watch func(ctx context.Context, dir string) *dirwatch.Watcher) {
		for name, end := range map[string]func(dir string) error{
			"removed":  os.Remove,
			"moved":    func(dir string) error { return os.Rename(dir, dir+"2") },
			"replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+"2"), os.Mkdir(dir, 0o700)) },
		} {
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			w := watch(t.Context(), dir)
			if err := end(dir); err != nil {
				t.Fatal(err)
			}
			if err := w.Wait(); !errors.Is(err, os.ErrNotExist) || !strings.Contains(fmt.Sprint(err), dir) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestWatchingNeedsADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"))
	for way, begin := range ways {
		for _, name := range []string{"file", "none"} {
			if _, err := begin(t.Context(), filepath.Join(dir, name), dirwatch.Changes); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %s: got %v", way, name, err)
			}
		}
	}
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
