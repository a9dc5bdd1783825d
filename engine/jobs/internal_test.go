package jobs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/images"
)

// A worker that reports a thousand times a second costs ten writes a second, the
// first at once, and the last value always arrives.
func TestReporterFolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var writes []time.Duration
		var b board
		began := time.Now()
		r := newReporter(func(news []images.Progress) error {
			writes = append(writes, time.Since(began))
			for _, p := range news {
				b.put(p)
			}
			return nil
		})
		for i := range 3000 {
			r.report(images.Progress{ID: strconv.Itoa(i % 5), Done: int64(i)})
			time.Sleep(time.Millisecond)
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
		if len(writes) < 30 || len(writes) > 32 || writes[0] != 0 {
			t.Errorf("%d writes in 3 s, the first after %v", len(writes), writes[0])
		}
		for i := range 5 {
			if got, want := b.latest[strconv.Itoa(i)].Done, int64(2995+i); got != want {
				t.Errorf("part %d: %d, want %d", i, got, want)
			}
		}
	})
}

// While nobody reports, nothing is written.
func TestReporterIsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		r := newReporter(func([]images.Progress) error { writes++; return nil })
		r.report(images.Progress{ID: "a"})
		time.Sleep(time.Hour)
		synctest.Wait()
		if writes != 1 {
			t.Errorf("%d writes", writes)
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A full disk costs progress, not the job, and is told once.
func TestReporterSurvivesFailedWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full, writes := errors.New("no space"), 0
		r := newReporter(func([]images.Progress) error {
			if writes++; writes == 1 {
				return full
			}
			return nil
		})
		r.report(images.Progress{ID: "a"})
		time.Sleep(time.Second)
		r.report(images.Progress{ID: "b"})
		if err := r.close(); !errors.Is(err, full) || writes != 2 {
			t.Errorf("%d writes, %v", writes, err)
		}
	})
}

// The file stays small, whatever is written, and readers that come at any time,
// across compactions, end with the latest of each part.
func TestProgressFileIsCompacted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), progressFile)
	l, err := createProgress(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var readers []*tracker
	for i := range 3000 {
		p := images.Progress{ID: strconv.Itoa(rand.IntN(20)), Done: int64(i), Text: strings.Repeat("x", 50)}
		if err := l.write([]images.Progress{p}); err != nil {
			t.Fatal(err)
		}
		if i%300 == 0 {
			r := newTracker(path)
			defer r.close()
			readers = append(readers, r)
		}
		if r := readers[rand.IntN(len(readers))]; i%7 == 0 {
			if err := r.drain(func(images.Progress) bool { return true }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if st, err := os.Stat(path); err != nil || st.Size() > 100<<10 {
		t.Errorf("%d bytes, %v", st.Size(), err)
	}
	for i, r := range readers {
		if err := r.drain(func(images.Progress) bool { return true }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l.board.latest, r.board.latest); diff != "" {
			t.Errorf("reader %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestProgressFileDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), progressFile)
	content := `{"id":"a","done":1,"state":"downloading"}
not json
{"id":"b","done":2,"state":"done"}
{"id":"a","done":9,"st`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readProgress(path)
	want := []images.Progress{{ID: "a", Done: 1, State: images.Downloading}, {ID: "b", Done: 2, State: images.Done}}
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestReporterTakesManyGoroutines(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var b board
	r := newReporter(func(news []images.Progress) error {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range news {
			b.put(p)
		}
		return nil
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				r.report(images.Progress{ID: strconv.Itoa(g), Done: int64(i)})
			}
		})
	}
	wg.Wait()
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	for g := range 8 {
		if got := b.latest[strconv.Itoa(g)].Done; got != 999 {
			t.Errorf("part %d: %d", g, got)
		}
	}
}

func TestFailureRoundTrip(t *testing.T) {
	t.Parallel()
	for _, class := range classes {
		f := newFailure(fmt.Errorf("pull: %w: details", class))
		st := status{ID: engine.NewID(), State: engine.JobFailed, Failure: f}
		if err := st.err(); !errors.Is(err, class) || !strings.HasSuffix(err.Error(), "details") {
			t.Errorf("%v came back as %v", class, err)
		}
	}
	plain := status{State: engine.JobFailed, Failure: newFailure(errors.New("odd"))}
	if err := plain.err(); err == nil || err.Error() != "odd" {
		t.Errorf("got %v", err)
	}
}

func FuzzProgress(f *testing.F) {
	f.Add([]byte(`{"id":"a","done":1}` + "\n" + `{"id":"b"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), progressFile)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readProgress(path); err != nil {
			t.Error(err)
		}
	})
}

// TestLateReaderGetsTheLatest: what was said of a part before is nobody's
// business any more, however often the writer wrote it down.
func TestLateReaderGetsTheLatest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "progress.jsonl")
	l, err := createProgress(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for i := range 3 {
		for _, id := range []string{"a", "b"} {
			if err := l.write([]images.Progress{{ID: id, Done: int64(i)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	late := newTracker(path)
	defer late.close()
	var got []images.Progress
	if err := late.drain(func(p images.Progress) bool { got = append(got, p); return true }); err != nil {
		t.Fatal(err)
	}
	if want := []images.Progress{{ID: "a", Done: 2}, {ID: "b", Done: 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
