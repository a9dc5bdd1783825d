package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/logs"
	"gantry/logs/journal"
)

var all = logs.Query{Tail: -1, Stdout: true, Stderr: true, Marks: true}

// clock moves by a second with each look, from a fixed start.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.t = c.t.Add(time.Second)
	return c.t
}

func open(t testing.TB, dir string, o journal.Options, c *clock) *journal.Writer {
	t.Helper()
	w, err := journal.NewWriterAt(dir, o, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t testing.TB, w *journal.Writer, s logs.Stream, chunks ...string) {
	t.Helper()
	for _, c := range chunks {
		if err := w.Write(s, []byte(c)); err != nil {
			t.Fatal(err)
		}
	}
}

func closeWriter(t testing.TB, w *journal.Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// read returns the entries as "second stream text", P pieces with a plus sign.
func read(t testing.TB, dir string, q logs.Query) []string {
	t.Helper()
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var last time.Time
	for e, err := range r.Entries(context.Background(), q, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Time.Before(last) {
			t.Errorf("time runs backwards: %v after %v", e.Time, last)
		}
		last = e.Time
		got = append(got, show(e))
	}
	return got
}

func show(e logs.Entry) string {
	if e.Mark != "" {
		return "mark " + e.Mark
	}
	text := string(e.Line)
	if len(text) > 100 {
		text = fmt.Sprintf("%d bytes", len(text))
	}
	if e.Partial {
		text += "+"
	}
	return fmt.Sprintf("%02d %s %s", e.Time.Minute()*60-240+e.Time.Second(), e.Stream, text)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", journal.PieceSize)
	tests := []struct {
		name   string
		chunks []string
		want   []string
	}{
		{"nothing", nil, nil},
		{"lines", []string{"a\nb\n"}, []string{"01 stdout a", "01 stdout b"}},
		{"empty lines", []string{"\n\n"}, []string{"01 stdout ", "01 stdout "}},
		{"a line in chunks takes the time of its end", []string{"a", "b", "c\n"}, []string{"03 stdout abc"}},
		{"an unfinished line ends at Close", []string{"a\nb"}, []string{"01 stdout a", "02 stdout b"}},
		{"any byte", []string{"\x00\r\xff\x1b[0m\n"}, []string{"01 stdout \x00\r\xff\x1b[0m"}},
		{"the longest whole line", []string{long + "\n"}, []string{"01 stdout 16384 bytes"}},
		{"one byte more", []string{long + "x\n"}, []string{"01 stdout 16384 bytes+", "01 stdout x"}},
		{"its newline comes later", []string{long, "\n"}, []string{"02 stdout 16384 bytes"}},
		{"a long line in odd chunks", []string{long[:10000], long[:10000], "\n"}, []string{"02 stdout 16384 bytes+", "03 stdout 3616 bytes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			w := open(t, dir, journal.Options{}, newClock())
			write(t, w, logs.Stdout, tt.chunks...)
			closeWriter(t, w)
			if diff := cmp.Diff(tt.want, read(t, dir, all)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 3, 4, 5, 60, time.FixedZone("east", 3600))
	w, err := journal.NewWriterAt(dir, journal.Options{}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, logs.Stdout, "out\n", strings.Repeat("p", journal.PieceSize)+"q\n")
	write(t, w, logs.Stderr, "err\n")
	closeWriter(t, w)
	got, err := os.ReadFile(filepath.Join(dir, "00000001.log"))
	if err != nil {
		t.Fatal(err)
	}
	want := "2026-01-02T02:04:05.000000060Z stdout F out\n" +
		"2026-01-02T02:04:05.000000060Z stdout P " + strings.Repeat("p", journal.PieceSize) + "\n" +
		"2026-01-02T02:04:05.000000060Z stdout F q\n" +
		"2026-01-02T02:04:05.000000060Z stderr F err\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestStreamsDoNotMix(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	write(t, w, logs.Stdout, "out")
	write(t, w, logs.Stderr, "err\n")
	write(t, w, logs.Stdout, "put\n")
	if got := w.Flushed(logs.Stdout); got != 7 {
		t.Errorf("Flushed = %d, want 7", got)
	}
	closeWriter(t, w)
	want := []string{"02 stderr err", "03 stdout output"}
	if diff := cmp.Diff(want, read(t, dir, all)); diff != "" {
		t.Error(diff)
	}
	q := all
	q.Stdout = false
	if diff := cmp.Diff(want[:1], read(t, dir, q)); diff != "" {
		t.Error(diff)
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newClock()
	w := open(t, dir, journal.Options{}, c)
	write(t, w, logs.Stdout, "a\n", "b\n")
	c.t = c.t.Add(-time.Hour)
	write(t, w, logs.Stdout, "the clock was set back\n")
	closeWriter(t, w)
	c.t = c.t.Add(-time.Hour)
	w = open(t, dir, journal.Options{MaxSize: 1, MaxFile: 9}, c)
	write(t, w, logs.Stdout, "a new writer in a new segment\n")
	closeWriter(t, w)
	c.t = newClock().t.Add(9 * time.Second)
	w = open(t, dir, journal.Options{}, c)
	write(t, w, logs.Stdout, "on\n")
	closeWriter(t, w)
	want := []string{
		"01 stdout a", "02 stdout b", "02 stdout the clock was set back",
		"02 stdout a new writer in a new segment", "10 stdout on",
	}
	if diff := cmp.Diff(want, read(t, dir, all)); diff != "" {
		t.Error(diff)
	}
}

// Only a segment that is worth it has an index, and it goes with the segment.
func TestIndexFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	glob := func(pattern string) []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	w := open(t, dir, journal.Options{MaxSize: 100 << 10, MaxFile: 2}, newClock())
	fill := func(bytes int) {
		for range bytes / 100 {
			write(t, w, logs.Stdout, strings.Repeat("x", 69)+"\n") // some 100 bytes with its head
		}
	}
	for _, tt := range []struct{ bytes, want int }{{0, 0}, {40 << 10, 0}, {40 << 10, 1}, {400 << 10, 2}} {
		fill(tt.bytes)
		if idx := glob("*.idx"); len(idx) > tt.want || tt.want == 1 && len(idx) == 0 {
			t.Errorf("after %d more bytes: %v, want %d", tt.bytes, idx, tt.want)
		}
	}
	closeWriter(t, w)
	for _, idx := range glob("*.idx") {
		if len(glob(strings.TrimSuffix(filepath.Base(idx), ".idx")+".log")) != 1 {
			t.Errorf("%s is left without its segment", idx)
		}
	}
	w = open(t, dir, journal.Options{MaxSize: 100 << 10, MaxFile: 2}, newClock())
	closeWriter(t, w) // mends what is there
	if len(glob("*.log")) != 2 {
		t.Errorf("segments %v", glob("*.log"))
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{MaxSize: 200, MaxFile: 3}, newClock())
	for i := range 20 {
		write(t, w, logs.Stdout, fmt.Sprintf("line %02d\n", i)) // 48 bytes each
	}
	write(t, w, logs.Stdout, "a\nb\nc\nd\ne\nf\n") // one chunk over two segments
	closeWriter(t, w)
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("segments %v, want 3", files)
	}
	for _, f := range files {
		fi, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Size() > 200 {
			t.Errorf("%s has %d bytes", f, fi.Size())
		}
	}
	if idx, _ := filepath.Glob(filepath.Join(dir, "*.idx")); len(idx) != 0 {
		t.Errorf("indexes %v of segments that need none", idx)
	}
	got := read(t, dir, all)
	want := []string{
		"17 stdout line 16", "18 stdout line 17", "19 stdout line 18", "20 stdout line 19",
		"21 stdout a", "21 stdout b", "21 stdout c", "21 stdout d", "21 stdout e", "21 stdout f",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOneWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	if _, err := journal.NewWriter(dir, journal.Options{}); !errors.Is(err, journal.ErrBusy) {
		t.Errorf("second writer: %v, want ErrBusy", err)
	}
	closeWriter(t, w)
	w2, err := journal.NewWriter(dir, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeWriter(t, w2)
}

func TestTornTail(t *testing.T) {
	t.Parallel()
	const whole = "2026-01-02T03:04:01.000000000Z stdout F whole\n"
	tests := []struct {
		name, tail string
		seen       []string // with the tail torn
		mended     []string // after the next writer wrote one line
	}{
		{"half a stamp", "2026-01-02T03", []string{"01 stdout whole"}, []string{"01 stdout whole", "01 stdout next"}},
		{"half a text", "2026-01-02T03:04:02.000000000Z stdout F hal", []string{"01 stdout whole"},
			[]string{"01 stdout whole", "02 stdout hal", "02 stdout next"}},
		{"zeros", strings.Repeat("\x00", 50000), []string{"01 stdout whole"}, []string{"01 stdout whole", "01 stdout next"}},
		{"zeros in a text", "2026-01-02T03:04:02.000000000Z stdout F h\x00\x00", []string{"01 stdout whole"},
			[]string{"01 stdout whole", "01 stdout next"}},
		{"garbage line", "garbage\n", []string{"01 stdout whole", "mark 8 damaged bytes of the log skipped"},
			[]string{"01 stdout whole", "mark 8 damaged bytes of the log skipped", "01 stdout next"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "00000001.log"), []byte(whole+tt.tail), 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.seen, read(t, dir, all)); diff != "" {
				t.Error("before: ", diff)
			}
			c := &clock{time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)}
			c.t = c.t.Add(-time.Hour)
			w := open(t, dir, journal.Options{}, c)
			write(t, w, logs.Stdout, "next\n")
			closeWriter(t, w)
			if diff := cmp.Diff(tt.mended, read(t, dir, all)); diff != "" {
				t.Error("after: ", diff)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := func(i int) string { return fmt.Sprintf("2026-01-02T03:04:%02d.000000000Z stdout F %d\n", i, i) }
	bad := []string{
		strings.Repeat("z", 3*journal.ReadSize) + "\n", // longer than any buffer
		"2026-13-02T03:04:00.000000000Z stdout F month 13\n",
		"2026-01-02T03:04:00.00000000xZ stdout F digit\n",
		"2026-01-02T03:04:00.000000000Z stdin  F stream\n",
		"2026-01-02T03:04:00.000000000Z stdout Q tag\n",
	}
	var b strings.Builder
	var skipped int64
	want := []string{}
	for i, s := range bad {
		b.WriteString(good(i) + s)
		skipped += int64(len(s))
		want = append(want, fmt.Sprintf("%02d stdout %d", i, i), fmt.Sprintf("mark %d damaged bytes of the log skipped", len(s)))
	}
	b.WriteString(good(9))
	want = append(want, "09 stdout 9")
	if err := os.WriteFile(filepath.Join(dir, "00000001.log"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, read(t, dir, all)); diff != "" {
		t.Error(diff)
	}
	q := all
	q.Marks = false
	q.Tail = 6
	if got := read(t, dir, q); len(got) != 6 {
		t.Errorf("tail over damage: %q", got)
	}
	r, _ := journal.Open(dir)
	for range r.Entries(context.Background(), all, nil) {
	}
	if r.Skipped() != skipped {
		t.Errorf("Skipped = %d, want %d", r.Skipped(), skipped)
	}
}

func TestLongLineNeedsLittleMemory(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir, journal.Options{}, newClock())
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	const size = 64 << 20
	for range size / len(chunk) {
		if err := w.Write(logs.Stdout, chunk); err != nil {
			t.Fatal(err)
		}
	}
	write(t, w, logs.Stdout, "\nafter\n")
	closeWriter(t, w)
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var total, entries int
	allocs := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		total, entries = 0, 0
		for e, err := range r.Entries(context.Background(), all, nil) {
			if err != nil {
				b.Fatal(err)
			}
			total += len(e.Line)
			entries++
		}
	}).AllocedBytesPerOp()
	if total != size+len("after") || entries != size/journal.PieceSize+1 {
		t.Errorf("read %d bytes in %d entries", total, entries)
	}
	if allocs > 1<<20 {
		t.Errorf("reading took %d bytes of memory", allocs)
	}
	q := all
	q.Tail = 1
	if diff := cmp.Diff([]string{"1025 stdout after"}, read(t, dir, q)); diff != "" {
		t.Error(diff)
	}
	q.Tail = 2
	if got := len(read(t, dir, q)); got != entries {
		t.Errorf("a tail of 2 has %d entries, want the whole long line: %d", got, entries)
	}
}
