package record_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/engine/record"
)

func openNames(t *testing.T) (*record.Names, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "names")
	n, err := record.OpenNames(dir)
	if err != nil {
		t.Fatal(err)
	}
	return n, dir
}

func TestNames(t *testing.T) {
	t.Parallel()
	n, _ := openNames(t)
	if err := errors.Join(n.Reserve("web", "id1"), n.Reserve("web", "id1"), n.Reserve("db", "id2")); err != nil {
		t.Fatal(err)
	}
	var taken *record.TakenError
	if err := n.Reserve("web", "id2"); !errors.As(err, &taken) || !errors.Is(err, engine.ErrConflict) || taken.Holder != "id1" {
		t.Errorf("reserve a taken name: %v", err)
	}
	if err := n.Rename("web", "db", "id1"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("rename to a taken name: %v", err)
	}
	if err := errors.Join(
		n.Rename("web", "www", "id1"),
		n.Rename("web", "www", "id1"), // again, as after a crash
		n.Rename("www", "www", "id1"),
		n.Release("db", "id1"),   // another's: stays
		n.Release("none", "id1"), // free already
	); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"www": "id1", "db": "id2"}
	if got, err := n.All(); err != nil || !cmp.Equal(want, got) {
		t.Errorf("All: %v, %v, want %v", got, err, want)
	}
	if err := n.Release("www", "id1"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Lookup("www"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("look up a free name: %v", err)
	}
}

func TestNamesHostile(t *testing.T) {
	t.Parallel()
	n, dir := openNames(t)
	for _, name := range []string{"", "..", "a/b", "../../etc/passwd", ".hidden", "a\nb"} {
		if err := n.Reserve(name, "id"); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("reserve %q: %v", name, err)
		}
		if _, err := n.Lookup(name); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("look up %q: %v", name, err)
		}
	}
	if err := n.Reserve("name", "../id"); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("reserve for a path: %v", err)
	}
	spill(t, filepath.Join(dir, "stray"), "x")
	if _, err := n.Lookup("stray"); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("look up what is no name: %v", err)
	}
	if all, err := n.All(); err != nil || len(all) != 0 {
		t.Errorf("All: %v, %v", all, err)
	}
}

// Of many who want a name at once one gets it, and everyone else learns who.
func TestNamesRace(t *testing.T) {
	t.Parallel()
	n, dir := openNames(t)
	n = n.With(record.Volatile)
	for round := range 50 {
		name := fmt.Sprintf("name%d", round)
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 4 {
			id := fmt.Sprintf("id%d", i)
			wg.Go(func() {
				err := n.Reserve(name, id)
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, engine.ErrConflict):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d won %s", won.Load(), name)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 50 {
		t.Errorf("%d entries, want 50", len(entries))
	}
}
