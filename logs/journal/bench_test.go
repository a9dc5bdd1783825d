package journal_test

import (
	"bytes"
	"testing"
	"time"

	"gantry/logs"
	"gantry/logs/journal"
)

// line is 99 bytes with its newline, the size that the budget names.
var line = append(bytes.Repeat([]byte("0123456789"), 10)[:98], '\n')

func fill(b *testing.B, dir string, lines int) {
	b.Helper()
	w, err := journal.NewWriter(dir, journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	chunk := bytes.Repeat(line, (64<<10)/len(line)) // as much as a pipe gives
	for n := 0; n < lines*len(line); n += len(chunk) {
		if err := w.Write(logs.Stdout, chunk); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

const benchLines = 1 << 20

// BenchmarkCapture: the budget is 1 M lines/s.
func BenchmarkCapture(b *testing.B) {
	for b.Loop() {
		fill(b, b.TempDir(), benchLines)
	}
	report(b)
}

// BenchmarkReadBack: the budget is 2 M lines/s.
func BenchmarkReadBack(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, benchLines)
	r, err := journal.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		for _, err := range r.Entries(b.Context(), all, nil) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n < benchLines {
			b.Fatal(n)
		}
	}
	report(b)
}

func BenchmarkTail1000(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, benchLines)
	r, err := journal.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	q := all
	q.Tail = 1000
	for b.Loop() {
		for _, err := range r.Entries(b.Context(), q, nil) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkSinceEnd(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, benchLines)
	r, err := journal.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	q := all
	q.Since = time.Now()
	for b.Loop() {
		for range r.Entries(b.Context(), q, nil) {
		}
	}
}

func report(b *testing.B) {
	b.ReportMetric(float64(benchLines)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
}
