package content_test

import (
	"fmt"
	"testing"

	"gantry/images/build/content"
)

// BenchmarkUnchanged is the digest of a context of 20,000 files that the stat
// cache knows.
func BenchmarkUnchanged(b *testing.B) {
	dir, cache := b.TempDir(), b.TempDir()
	for i := range 20_000 {
		write(b, dir, fmt.Sprintf("d%d/s%d/f%d=%d", i%50, i%7, i, i))
	}
	all := content.Request{Sources: []string{"."}}
	for b.Loop() {
		t := open(b, dir, content.Options{Cache: cache})
		digest(b, t, all)
		must(b, t.Close())
	}
}
