package events_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/events"
	"gantry/engine/record"
)

func BenchmarkAppend(b *testing.B) {
	f := open(b, b.TempDir())
	ev := container("start", strings.Repeat("4f", 32))
	ev.Attributes = map[string]string{"name": "web", "image": "alpine:3.22"}
	before := record.Syncs()
	for b.Loop() {
		f.append(b, ev)
	}
	b.ReportMetric(float64(record.Syncs()-before)/float64(b.N), "syncs/op")
}

func BenchmarkCommit(b *testing.B) {
	for name, d := range map[string]record.Durability{"durable": record.Durable, "volatile": record.Volatile} {
		b.Run(name, func(b *testing.B) {
			f := open(b, b.TempDir())
			before := record.Syncs()
			for b.Loop() {
				if _, err := f.Commit(container("start", "a"), events.Proof{Durability: d}, func(engine.Seq) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(record.Syncs()-before)/float64(b.N), "syncs/op")
		})
	}
}

// BenchmarkLast is on the path of every list; the journal is full.
func BenchmarkLast(b *testing.B) {
	f := full(b)
	for b.Loop() {
		if _, err := f.Last(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCatchUp starts a watch at the end of a full segment.
func BenchmarkCatchUp(b *testing.B) {
	f := full(b)
	last, err := f.Last()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, err := range f.Watch(context.Background(), engine.WatchOptions{After: last - 1, Until: time.Now()}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkReplay reads ten thousand events.
func BenchmarkReplay(b *testing.B) {
	f := full(b)
	for b.Loop() {
		n := 0
		for _, err := range f.Watch(context.Background(), engine.WatchOptions{Since: time.Unix(1, 0), Until: time.Now()}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatalf("%d events", n)
		}
	}
}

func full(b *testing.B) *fixture {
	b.Helper()
	f := open(b, b.TempDir())
	ev := container("start", strings.Repeat("4f", 32))
	ev.Attributes = map[string]string{"name": "web", "image": "alpine:3.22"}
	for range 10_000 {
		f.append(b, ev)
	}
	return f
}
