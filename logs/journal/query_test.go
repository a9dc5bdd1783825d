package journal_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/logs"
	"gantry/logs/journal"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

// numbered writes lines "1" to "n", one a second from epoch, over several
// segments and many index entries.
func numbered(t testing.TB, n int, o journal.Options, pad int) string {
	t.Helper()
	dir := t.TempDir()
	w := open(t, dir, o, newClock())
	for i := 1; i <= n; i++ {
		stream := logs.Stdout
		if i%3 == 0 {
			stream = logs.Stderr
		}
		write(t, w, stream, strconv.Itoa(i)+" "+strings.Repeat("x", pad)+"\n")
	}
	closeWriter(t, w)
	return dir
}

// numbers reads the first words back.
func numbers(t testing.TB, dir string, q logs.Query) []int {
	t.Helper()
	var got []int
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.Entries(t.Context(), q, nil) {
		if err != nil {
			t.Fatal(err)
		}
		word, _, _ := strings.Cut(string(e.Line), " ")
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	return got
}

func upTo(from, to int) []int {
	var s []int
	for i := from; i <= to; i++ {
		s = append(s, i)
	}
	return s
}

func at(second int) time.Time { return epoch.Add(time.Duration(second) * time.Second) }

func TestQuery(t *testing.T) {
	t.Parallel()
	const n = 3000
	tests := []struct {
		name string
		set  func(*logs.Query)
		want []int
	}{
		{"all", func(q *logs.Query) {}, upTo(1, n)},
		{"tail 0", func(q *logs.Query) { q.Tail = 0 }, nil},
		{"tail 1", func(q *logs.Query) { q.Tail = 1 }, upTo(n, n)},
		{"tail 1000", func(q *logs.Query) { q.Tail = 1000 }, upTo(n-999, n)},
		{"tail of more than there is", func(q *logs.Query) { q.Tail = n + 1 }, upTo(1, n)},
		{"tail of one stream", func(q *logs.Query) { q.Tail, q.Stdout = 3, false }, []int{2994, 2997, 3000}},
		{"since the beginning", func(q *logs.Query) { q.Since = at(-5) }, upTo(1, n)},
		{"since, inclusive", func(q *logs.Query) { q.Since = at(2000) }, upTo(2000, n)},
		{"since just after", func(q *logs.Query) { q.Since = at(2000).Add(1) }, upTo(2001, n)},
		{"since the future", func(q *logs.Query) { q.Since = at(n + 1) }, nil},
		{"until, inclusive", func(q *logs.Query) { q.Until = at(7) }, upTo(1, 7)},
		{"until before all", func(q *logs.Query) { q.Until = at(0) }, nil},
		{"since and until", func(q *logs.Query) { q.Since, q.Until = at(1500), at(1510) }, upTo(1500, 1510)},
		{"tail before until", func(q *logs.Query) { q.Tail, q.Until = 2, at(1500) }, upTo(1499, 1500)},
		{"tail cut by since", func(q *logs.Query) { q.Tail, q.Since = 10, at(n-1) }, upTo(n-1, n)},
		{"since behind tail", func(q *logs.Query) { q.Tail, q.Since = 2, at(5) }, upTo(n-1, n)},
		{"no stream", func(q *logs.Query) { q.Stdout, q.Stderr = false, false }, nil},
	}
	layouts := map[string]journal.Options{
		"one segment":   {},
		"many segments": {MaxSize: 100 << 10, MaxFile: 1000},
	}
	for layout, opts := range layouts {
		dir := numbered(t, n, opts, 200)
		bare := numbered(t, n, opts, 200)
		idx, err := filepath.Glob(filepath.Join(bare, "*.idx"))
		if err != nil || len(idx) == 0 {
			t.Fatal(idx, err)
		}
		wrong := numbered(t, n, opts, 200)
		for _, name := range idx {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			spoil(t, filepath.Join(wrong, filepath.Base(name)))
		}
		for name, d := range map[string]string{"": dir, " without index": bare, " with a wrong index": wrong} {
			for _, tt := range tests {
				t.Run(layout+name+"/"+tt.name, func(t *testing.T) {
					q := logs.Query{Tail: -1, Stdout: true, Stderr: true}
					tt.set(&q)
					if diff := cmp.Diff(tt.want, numbers(t, d, q)); diff != "" {
						t.Error(diff)
					}
				})
			}
		}
	}
}

// TestPlaces: what is read around a place is what a reading of everything has
// there, although all lines of a chunk have one time.
func TestPlaces(t *testing.T) {
	t.Parallel()
	const n = 4000
	dir := t.TempDir()
	w := open(t, dir, journal.Options{MaxSize: 100 << 10, MaxFile: 1000}, newClock())
	var chunk strings.Builder
	for i := 1; i <= n; i++ {
		chunk.WriteString(strconv.Itoa(i) + " " + strings.Repeat("x", 100) + "\n")
		if i%1300 == 0 {
			write(t, w, logs.Stdout, chunk.String())
			chunk.Reset()
		}
	}
	write(t, w, logs.Stdout, chunk.String())
	closeWriter(t, w)
	all := logs.Query{Tail: -1, Stdout: true}
	places := []logs.Pos{{}}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.Entries(t.Context(), all, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if last := places[len(places)-1]; !last.Before(e.Pos) {
			t.Fatalf("place %v follows %v", e.Pos, last)
		}
		places = append(places, e.Pos)
	}
	for _, i := range []int{1, 2, 7, 1299, 1300, 1301, 2500, n - 1, n} {
		q := all
		q.Before, q.Tail = places[i], 5
		if diff := cmp.Diff(upTo(max(1, i-5), i-1), numbers(t, dir, q)); diff != "" {
			t.Errorf("five before %d: %s", i, diff)
		}
		q = all
		q.After = places[i]
		if diff := cmp.Diff(upTo(i+1, n), numbers(t, dir, q)); diff != "" {
			t.Errorf("after %d: %s", i, diff)
		}
		q.Before = places[min(n, i+4)]
		if diff := cmp.Diff(upTo(i+1, min(n, i+4)-1), numbers(t, dir, q)); diff != "" {
			t.Errorf("between %d and %d: %s", i, i+4, diff)
		}
	}
}

// spoil moves all offsets of an index by one.
func spoil(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 16 + 8; i < len(b); i += 16 {
		b[i]++
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestIndexSaves makes sure that the index is used: a seek must not read the
// front of the segment, so damage there goes unseen.
func TestIndexSaves(t *testing.T) {
	t.Parallel()
	dir := numbered(t, 3000, journal.Options{}, 200)
	path := filepath.Join(dir, "00000001.log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[1000:], strings.Repeat("#", journal.IndexEvery/2))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range r.Entries(t.Context(), logs.Query{Tail: -1, Stdout: true, Since: at(2500)}, nil) {
	}
	if r.Skipped() != 0 {
		t.Errorf("a seek to the end met the damage at the front (%d bytes)", r.Skipped())
	}
}

func TestMissingJournalIsEmpty(t *testing.T) {
	t.Parallel()
	if got := read(t, filepath.Join(t.TempDir(), "none"), all); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestUnfinishedLineCountsInTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	write(t, w, logs.Stdout, "a\n", strings.Repeat("y", journal.PieceSize+1))
	for tail, want := range [][]string{nil, {"02 stdout 16384 bytes+"}, {"01 stdout a", "02 stdout 16384 bytes+"}} {
		q := all
		q.Tail = tail
		if diff := cmp.Diff(want, read(t, dir, q)); diff != "" {
			t.Errorf("tail %d: %s", tail, diff)
		}
	}
	closeWriter(t, w)
}

func TestBreakFreesTheFiles(t *testing.T) {
	dir := numbered(t, 10, journal.Options{}, 10)
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for range r.Entries(t.Context(), logs.Query{Tail: -1, Stdout: true, Follow: true}, nil) {
		break
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	ents, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range ents {
		if l, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasSuffix(l, ".log") || strings.Contains(l, "inotify") {
			n++
		}
	}
	return n
}
