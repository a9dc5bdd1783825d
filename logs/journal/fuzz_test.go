package journal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gantry/logs"
	"gantry/logs/journal"
)

// FuzzRead feeds a reader and then a writer with hostile files.
func FuzzRead(f *testing.F) {
	const line = "2026-01-02T03:04:01.000000000Z stdout F text\n"
	f.Add([]byte(line+line), []byte(nil), 1, int64(0))
	f.Add([]byte(line+"garbage\n\n"+line[:20]), []byte("gantryidx\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), -1, int64(1))
	f.Fuzz(func(t *testing.T, log, idx []byte, tail int, since int64) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"00000001.log": log, "00000001.idx": idx} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		q := logs.Query{Tail: tail, Stdout: true, Stderr: true, Marks: true}
		if since != 0 {
			q.Since = time.Unix(since, 0)
		}
		for _, err := range r.Entries(t.Context(), q, nil) {
			if err != nil {
				t.Fatal(err)
			}
		}
		w, err := journal.NewWriter(dir, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, logs.Stderr, "after\n")
		closeWriter(t, w)
		got := read(t, dir, logs.Query{Tail: 1, Stdout: true, Stderr: true})
		if len(got) != 1 || !bytes.HasSuffix([]byte(got[0]), []byte("stderr after")) {
			t.Fatalf("the last line is %q", got)
		}
	})
}

// FuzzRoundTrip writes bytes in chunks and reads the same bytes back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("a\nb\nc"), 2, int64(60))
	f.Add(bytes.Repeat([]byte("x"), 40000), 9999, int64(0))
	f.Fuzz(func(t *testing.T, raw []byte, size int, maxSize int64) {
		if size <= 0 || maxSize < 0 || maxSize > 0 && len(raw) > 2000 {
			t.Skip()
		}
		dir := t.TempDir()
		w, err := journal.NewWriter(dir, journal.Options{MaxSize: maxSize, MaxFile: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		for chunk := range chunks(raw, size) {
			if err := w.Write(logs.Stdout, chunk); err != nil {
				t.Fatal(err)
			}
		}
		closeWriter(t, w)
		r, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for e, err := range r.Entries(t.Context(), all, nil) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Line...)
			if !e.Partial {
				got = append(got, '\n')
			}
		}
		want := raw
		if len(raw) > 0 && raw[len(raw)-1] != '\n' {
			want = append(bytes.Clone(raw), '\n')
		}
		if !bytes.Equal(got, want) {
			t.Errorf("read %d bytes, wrote %d", len(got), len(want))
		}
	})
}

func chunks(b []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(size, len(b))
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}
