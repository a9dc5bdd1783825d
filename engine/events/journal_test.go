package events_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
)

// tb is what tests, benchmarks and rapid's checks have in common.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// fixture is a journal in a directory of its own.
type fixture struct {
	*events.Journal
	root string
}

func open(t tb, root string) *fixture {
	t.Helper()
	j, err := events.Open(filepath.Join(root, "events"), filepath.Join(root, "locks"))
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Journal: j, root: root}
}

func container(action, id string) engine.Event {
	return engine.Event{Kind: engine.KindContainer, Action: action, ID: id}
}

func (f *fixture) append(t tb, evs ...engine.Event) (last engine.Seq) {
	t.Helper()
	for _, ev := range evs {
		var err error
		if last, err = f.Append(ev); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

// replay returns everything from the beginning to now, as "seq action id".
func (f *fixture) replay(t tb) []string {
	t.Helper()
	return f.collect(t, engine.WatchOptions{Since: time.Unix(1, 0), Until: time.Now().Add(-1)})
}

func (f *fixture) collect(t tb, opts engine.WatchOptions) []string {
	t.Helper()
	var got []string
	for ev, err := range f.Watch(context.Background(), opts) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, text(ev))
	}
	return got
}

func text(ev engine.Event) string { return fmt.Sprintf("%d %s %s", ev.Seq, ev.Action, ev.ID) }

func (f *fixture) segments(t tb) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(f.root, "events", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (f *fixture) lastSegment(t tb) string {
	t.Helper()
	segs := f.segments(t)
	return segs[len(segs)-1]
}

func (f *fixture) last(t tb) engine.Seq {
	t.Helper()
	seq, err := f.Last()
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func check(t tb, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAppendNumbersAndReplays(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	if got := f.last(t); got != 1 {
		t.Errorf("Last of an empty journal is %d, want 1", got)
	}
	f.append(t, container("create", "a"), container("start", "a"), container("die", "a"))
	if got := f.last(t); got != 4 {
		t.Errorf("Last is %d, want 4", got)
	}
	check(t, []string{"2 create a", "3 start a", "4 die a"}, f.replay(t))
	check(t, []string{"4 die a"}, f.collect(t, engine.WatchOptions{After: 3, Until: time.Now()}))
	check(t, nil, f.collect(t, engine.WatchOptions{After: 4, Until: time.Now()}))
	check(t, nil, f.collect(t, engine.WatchOptions{Until: time.Now()}))
}

func TestAttributesSurvive(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	want := map[string]string{"name": "web", "label\n": "line\nbreak \u2028 <>\x00", "exitCode": "137"}
	f.append(t, engine.Event{Kind: engine.KindContainer, Action: "die", ID: "a", Attributes: want})
	for ev, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1, Until: time.Now()}) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ev.Attributes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestSinceAndUntil(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	events.SetLimits(f.Journal, 300, 100) // several segments
	var times []time.Time
	for i := range 20 {
		before := time.Now()
		f.append(t, container("start", fmt.Sprint(i)))
		times = append(times, before)
		for !time.Now().After(before.Add(time.Microsecond)) {
		}
	}
	if n := len(f.segments(t)); n < 5 {
		t.Fatalf("%d segments", n)
	}
	for from := range 20 {
		var want []string
		for i := from; i < 15; i++ {
			want = append(want, fmt.Sprintf("%d start %d", i+2, i))
		}
		check(t, want, f.collect(t, engine.WatchOptions{Since: times[from], Until: times[15]}))
	}
}

// Until in the future ends a watch at its time, without an event.
func TestUntilEndsWaiting(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	until := time.Now().Add(30 * time.Millisecond)
	check(t, nil, f.collect(t, engine.WatchOptions{Until: until}))
	if time.Now().Before(until) {
		t.Error("it ended early")
	}
}

func TestTimesNeverRunBackwards(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	events.SetLimits(f.Journal, 1, 100) // a segment for each: the time crosses segments
	f.append(t, container("create", "a"))
	// The clock was an hour ahead when this one was written.
	ahead := time.Now().Add(time.Hour).UTC().Round(0)
	b := fmt.Appendf(nil, `{"v":1}`+"\n"+`{"seq":3,"time":%q,"kind":"container","action":"start","id":"a"}`+"\n", ahead.Format(time.RFC3339Nano))
	if err := os.WriteFile(filepath.Join(f.root, "events", "00000000000000000003.jsonl"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	f.append(t, container("die", "a"), container("destroy", "a"))
	var before time.Time
	for ev, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1, Until: ahead}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Time.Before(before) {
			t.Errorf("%s at %v, after one at %v", text(ev), ev.Time, before)
		}
		before = ev.Time
		if ev.Action == "destroy" {
			break
		}
	}
	if !before.Equal(ahead) {
		t.Errorf("the last event has %v, want %v", before, ahead)
	}
}

func TestRotationKeepsTheNewest(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	events.SetLimits(f.Journal, 400, 3)
	for i := range 100 {
		f.append(t, container("start", fmt.Sprint(i)))
	}
	if n := len(f.segments(t)); n != 3 {
		t.Errorf("%d segments, want 3", n)
	}
	if got := f.last(t); got != 101 {
		t.Errorf("Last is %d, want 101", got)
	}
	got := f.replay(t)
	if len(got) < 3 || got[len(got)-1] != "101 start 99" {
		t.Errorf("replay: %v", got)
	}
	// What the journal no longer holds, and what it never held.
	for _, after := range []engine.Seq{1, 2, 50, 102, 5000} {
		checkLagged(t, f.Watch(t.Context(), engine.WatchOptions{After: after, Until: time.Now()}))
	}
}

func checkLagged(t *testing.T, seq iter.Seq2[engine.Event, error]) {
	t.Helper()
	n := 0
	for ev, err := range seq {
		if n++; n > 1 || !errors.Is(err, engine.ErrLagged) {
			t.Errorf("got %v, %v, want ErrLagged once", ev, err)
		}
	}
	if n != 1 {
		t.Errorf("%d values, want 1", n)
	}
}

// A consumer that is too slow learns that it missed something.
func TestSlowWatcherLags(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	events.SetLimits(f.Journal, 400, 2)
	f.append(t, container("create", "a"))
	var got []string
	var failed error
	for ev, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if err != nil {
			failed = err
			break
		}
		if got = append(got, text(ev)); len(got) == 1 {
			for range 50 {
				f.append(t, container("start", "a"))
			}
		}
	}
	if !errors.Is(failed, engine.ErrLagged) {
		t.Errorf("got %v after %d events, want ErrLagged", failed, len(got))
	}
}

// A live watch goes over from segment to segment.
func TestWatchAcrossRotation(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	events.SetLimits(f.Journal, 400, 4)
	want := engine.Seq(2)
	f.append(t, container("start", "a"))
	for ev, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Seq != want {
			t.Fatalf("got %d, want %d", ev.Seq, want)
		}
		if want++; want == 300 {
			break
		}
		f.append(t, container("start", "a"))
	}
}

func TestWatchFromNowOnSeesOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 1, 20} {
		f := open(t, t.TempDir())
		events.SetLimits(f.Journal, 300, 50)
		for range before {
			f.append(t, container("start", "old"))
		}
		ctx, cancel := context.WithCancel(t.Context())
		next, stop := iter.Pull2(f.Watch(ctx, engine.WatchOptions{Filters: engine.Filters{"event": {"create", "die"}}}))
		// The watch begins with the first pull; what comes while it waits is
		// new. Until it waits, repeat.
		got := make(chan engine.Event)
		go func() {
			ev, _, _ := next()
			got <- ev
		}()
		var ev engine.Event
		for ev.Seq == 0 {
			f.append(t, container("create", "new"))
			select {
			case ev = <-got:
			case <-time.After(time.Millisecond):
			}
		}
		if ev.ID != "new" {
			t.Errorf("got %s", text(ev))
		}
		cancel()
		for {
			_, err, ok := next()
			if err != nil || !ok {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the watch ended with %v, want context.Canceled", err)
				}
				break
			}
		}
		stop()
	}
}

func TestWatchOfRemovedJournalEnds(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	f.append(t, container("start", "a"))
	var failed error
	for _, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if err != nil {
			failed = err
			break
		}
		if err := os.RemoveAll(filepath.Join(f.root, "events")); err != nil {
			t.Fatal(err)
		}
	}
	if failed == nil {
		t.Error("the watch of a journal that is no more went on")
	}
}

// While nothing happens a watch is not woken, and a flood wakes it rarely.
func TestWatchIsIdleAndFolds(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	const flood = 500
	seen := 0
	ctx, cancel := context.WithCancel(t.Context())
	f.append(t, container("start", "first"))
	woken, err := events.FollowCounting(ctx, f.Journal, engine.WatchOptions{After: 1}, func(ev engine.Event) bool {
		if seen++; seen == 1 {
			for range flood {
				f.append(t, container("start", "a"))
			}
		}
		if seen == flood+1 {
			cancel() // nothing happens any more: the next wakeup is this one
		}
		return true
	})
	if err == nil || seen != flood+1 {
		t.Errorf("saw %d, %v", seen, err)
	}
	if woken > 3 {
		t.Errorf("%d events woke the watch %d times", flood, woken)
	}
}

func TestUnknownFilterIsRefused(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	for _, err := range f.Watch(t.Context(), engine.WatchOptions{Filters: engine.Filters{"colour": {"red"}}}) {
		if !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), "colour") {
			t.Errorf("got %v", err)
		}
	}
}

func TestAppendRefusesHugeEvent(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	ev := container("create", "a")
	ev.Attributes = map[string]string{"label": strings.Repeat("x", 2<<20)}
	if _, err := f.Append(ev); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	ev.Attributes["label"] = strings.Repeat("x", 900<<10)
	f.append(t, container("create", "b"), ev, container("create", "c"))
	check(t, []string{"2 create b", "3 create a", "4 create c"}, f.replay(t))
}

// Not parallel: the count is the process's.
func TestSyncs(t *testing.T) {
	f := open(t, t.TempDir())
	f.append(t, container("create", "a")) // makes the segment
	for _, tt := range []struct {
		name string
		do   func() error
		want uint64
	}{
		{"append", func() error { _, err := f.Append(container("start", "a")); return err }, 0},
		{"volatile commit", func() error {
			_, err := f.Commit(container("start", "a"), events.Proof{Durability: record.Volatile}, func(engine.Seq) error { return nil })
			return err
		}, 0},
		{"durable commit", func() error {
			_, err := f.Commit(container("start", "a"), events.Proof{}, func(engine.Seq) error { return nil })
			return err
		}, 1},
	} {
		before := record.Syncs()
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		if got := record.Syncs() - before; got != tt.want {
			t.Errorf("%s: %d syncs, want %d", tt.name, got, tt.want)
		}
	}
}

// A journal of a newer gantry is left alone, and says so.
func TestNewerFormat(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	f.append(t, container("create", "a"))
	seg := f.lastSegment(t)
	b, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	newer := slices.Concat([]byte(`{"v":2}`), b[len(`{"v":1}`):])
	if err := os.WriteFile(seg, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(container("start", "a")); !errors.Is(err, engine.ErrUnsupported) {
		t.Errorf("append: %v", err)
	}
	for _, err := range f.Watch(t.Context(), engine.WatchOptions{After: 1}) {
		if !errors.Is(err, engine.ErrUnsupported) {
			t.Errorf("watch: %v", err)
		}
	}
}
