package record_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gantry/engine/record"
)

// BenchmarkReadThousand is what a list of a thousand containers reads: three
// small records each.
func BenchmarkReadThousand(b *testing.B) {
	dir := b.TempDir()
	v := pet{Name: "x", Tags: map[string]string{"labels": strings.Repeat("y", 1500)}}
	var paths []string
	for i := range 3000 {
		path := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		if err := record.Write(path, v, record.Volatile); err != nil {
			b.Fatal(err)
		}
		paths = append(paths, path)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, path := range paths {
			var got pet
			if err := record.Read(path, &got); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, d := range map[string]record.Durability{"durable": record.Durable, "volatile": record.Volatile} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "r.json")
			before := record.Syncs()
			for b.Loop() {
				if err := record.Write(path, pet{Name: "x"}, d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(record.Syncs()-before)/float64(b.N), "syncs/op")
		})
	}
}

func BenchmarkLock(b *testing.B) {
	locks := openLocks(b, b.TempDir())
	for b.Loop() {
		lock, err := locks.Lock(context.Background(), record.LockContainer, "x")
		if err != nil {
			b.Fatal(err)
		}
		lock.Unlock()
	}
}
