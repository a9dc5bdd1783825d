package events_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
)

func TestCommit(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	path := objectPath(f.root, "a")
	var during []string
	var last engine.Seq
	seq, err := f.Commit(container("create", "a"), events.Carries(path, record.Durable), func(seq engine.Seq) error {
		// What is not settled is not there yet.
		during, last = f.replay(t), f.last(t)
		return record.Write(path, object{Seq: seq}, record.Durable)
	})
	if err != nil || seq != 2 {
		t.Fatalf("commit: %d, %v", seq, err)
	}
	if len(during) != 0 || last != 1 {
		t.Errorf("during the change: %v, Last %d", during, last)
	}
	check(t, []string{"2 create a"}, f.replay(t))
	if got := f.last(t); got != 2 {
		t.Errorf("Last is %d, want 2", got)
	}
}

func TestCommitOfFailedChangeIsDropped(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	failed := errors.New("no space")
	if _, err := f.Commit(container("create", "a"), events.Proof{}, func(engine.Seq) error { return failed }); err != failed {
		t.Errorf("got %v, want the change's own error", err)
	}
	if got := f.append(t, container("create", "b")); got != 3 {
		t.Errorf("the next event is %d, want 3: a number is not used again", got)
	}
	check(t, []string{"3 create b"}, f.replay(t))
}

// A panic in the change frees the lock and leaves an intent that is dropped.
func TestCommitOfPanickingChange(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	func() {
		defer func() { _ = recover() }()
		_, _ = f.Commit(container("create", "a"), events.Carries(objectPath(f.root, "a"), record.Volatile), func(engine.Seq) error { panic("bug") })
	}()
	f.append(t, container("create", "b"))
	check(t, []string{"3 create b"}, f.replay(t))
}

// A writer is killed at each step of a Commit; the next one settles it.
func TestCommitKilledAtEachStep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, role, argument string
		want                 []string
	}{
		{"before the record is written", "die-before", "a", []string{"2 create a", "4 next b"}},
		{"after the record is written", "die-after", "a", []string{"2 create a", "3 update a", "4 next b"}},
		{"before a record is written that never was", "die-before", "new", []string{"2 create a", "4 next b"}},
		{"after a new record is written", "die-after", "new", []string{"2 create a", "3 update new", "4 next b"}},
		{"before the record is removed", "gone", "before", []string{"2 create a", "4 next b"}},
		{"after the record is removed", "gone", "after", []string{"2 create a", "3 destroy a", "4 next b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := open(t, t.TempDir())
			path := objectPath(f.root, "a")
			if _, err := f.Commit(container("create", "a"), events.Carries(path, record.Volatile), func(seq engine.Seq) error {
				return record.Write(path, object{Seq: seq}, record.Volatile)
			}); err != nil {
				t.Fatal(err)
			}
			runKilled(t, tt.role, f.root, tt.argument)
			// Nobody has settled it: a list that is current to Last must not
			// count on the change.
			if got := f.last(t); got != 2 {
				t.Errorf("Last is %d while an intent is open, want 2", got)
			}
			check(t, tt.want[:1], f.replay(t))
			f.append(t, container("next", "b"))
			check(t, tt.want, f.replay(t))
			check(t, tt.want[1:], f.collect(t, engine.WatchOptions{After: 2, Until: time.Now()}))
		})
	}
}

// A broken record is published: someone should look at it.
func TestDanglingIntentOfCorruptRecord(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	runKilled(t, "die-before", f.root, "a")
	if err := os.WriteFile(objectPath(f.root, "a"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.append(t, container("next", "b"))
	check(t, []string{"2 update a", "3 next b"}, f.replay(t))
}

// Processes are killed at random moments of endless commits. In the end every
// object's record and its last event agree, and no step is missing or doubled.
func TestCommitKilledAtRandom(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	events.SetLimits(f.Journal, 2000, 1000)
	ids := []string{"a", "b", "c"}
	for _, id := range ids {
		if err := record.Write(objectPath(root, id), object{}, record.Volatile); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			for round := range 12 {
				cmd := command(t, "forever", root, id)
				if err := cmd.Start(); err != nil {
					t.Error(err)
					return
				}
				// Let it get somewhere, by its own count, then kill it.
				awaitCount(t, root, id, (round+1)*(i+2))
				_ = cmd.Process.Signal(unix.SIGKILL)
				_ = cmd.Wait()
			}
		})
	}
	wg.Wait()
	f.append(t, container("end", "-"))
	steps := map[string]int{}
	last := map[string]engine.Seq{}
	for ev, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Action == "end" {
			break
		}
		steps[ev.ID]++
		last[ev.ID] = ev.Seq
		if got := ev.Attributes["count"]; got != strconv.Itoa(steps[ev.ID]) {
			t.Fatalf("%s: step %s comes as number %d", ev.ID, got, steps[ev.ID])
		}
	}
	for _, id := range ids {
		var o object
		if err := record.Read(objectPath(root, id), &o); err != nil {
			t.Fatal(err)
		}
		if o.Count != steps[id] || o.Seq != last[id] {
			t.Errorf("%s: the record has step %d of event %d, the journal step %d of event %d", id, o.Count, o.Seq, steps[id], last[id])
		}
	}
}

func awaitCount(t *testing.T, root, id string, count int) {
	deadline := time.Now().Add(time.Minute)
	for {
		var o object
		if err := record.Read(objectPath(root, id), &o); err != nil {
			t.Error(err)
			return
		}
		if o.Count >= count {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s did not get to step %d", id, count)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// Four processes write at once; a live watch sees every number once, in order,
// with times that never run backwards, and each process's events in its order.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	f := open(t, root)
	var wg sync.WaitGroup
	writers := []string{"a", "b", "c", "d"}
	for _, id := range writers {
		wg.Go(func() {
			if err := command(t, "hammer", root, id).Run(); err != nil {
				t.Errorf("writer %s: %v", id, err)
			}
		})
	}
	defer wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next := engine.Seq(2)
	counts := map[string]int{}
	var before time.Time
	for ev, err := range f.Watch(ctx, engine.WatchOptions{After: 1}) {
		if err != nil {
			t.Fatalf("after %d events: %v", next-2, err)
		}
		writer, n, _ := strings.Cut(ev.ID, ".")
		if ev.Seq != next || ev.Time.Before(before) || n != strconv.Itoa(counts[writer]) {
			t.Fatalf("event %d at %v (%s): want number %d, not before %v, step %d", ev.Seq, ev.Time, ev.ID, next, before, counts[writer])
		}
		next, before = next+1, ev.Time
		counts[writer]++
		if next == engine.Seq(2+len(writers)*hammered) {
			break
		}
	}
	wg.Wait()
	if got := f.last(t); got != next-1 {
		t.Errorf("Last is %d, want %d", got, next-1)
	}
}

// Any mixture of appends, commits, failed commits and dangling intents, over any
// size of segment, replays as a plain list would.
func TestJournalIsAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		f := open(rt, root)
		events.SetLimits(f.Journal, rapid.Int64Range(1, 2000).Draw(rt, "segment size"), 1000)
		var want []string
		next := engine.Seq(2)
		proof := events.Carries(objectPath(root, "o"), record.Volatile)
		for i := range rapid.IntRange(1, 30).Draw(rt, "steps") {
			ev := container("start", strconv.Itoa(i))
			kept := true
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0, 1:
				f.append(rt, ev)
			case 2:
				_, err = f.Commit(ev, proof, func(seq engine.Seq) error {
					return record.Write(objectPath(root, "o"), object{Seq: seq}, record.Volatile)
				})
			case 3:
				kept = false
				if _, err := f.Commit(ev, proof, func(engine.Seq) error { return engine.ErrConflict }); !errors.Is(err, engine.ErrConflict) {
					rt.Fatal(err)
				}
			case 4:
				kept = rapid.Bool().Draw(rt, "changed")
				dangle(f, ev, proof, kept)
			}
			if err != nil {
				rt.Fatal(err)
			}
			if kept {
				want = append(want, fmt.Sprintf("%d start %d", next, i))
			}
			next++
		}
		f.append(rt, container("end", "-")) // settles what dangles
		want = append(want, fmt.Sprintf("%d end -", next))
		check(rt, want, f.replay(rt))
		after := rapid.Uint64Range(1, uint64(next)).Draw(rt, "after")
		tail := f.collect(rt, engine.WatchOptions{After: engine.Seq(after), Until: time.Now()})
		for len(want) > len(tail) {
			want = want[1:]
		}
		check(rt, append([]string(nil), want...), append([]string(nil), tail...))
	})
}

// dangle leaves an intent as a killed writer does: the change panics.
func dangle(f *fixture, ev engine.Event, proof events.Proof, changed bool) {
	defer func() { _ = recover() }()
	_, _ = f.Commit(ev, proof, func(seq engine.Seq) error {
		if changed {
			_ = record.Write(proof.Record, object{Seq: seq}, record.Volatile)
		}
		panic("killed")
	})
}
