package layers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/images"
	"gantry/images/layers"
)

var stamp = time.Unix(1700000000, 123456789)

func sample() *layers.Index {
	return &layers.Index{Entries: []layers.Entry{
		{Path: ".", Type: layers.Directory, Mode: 0o755, MTime: stamp, Implied: true},
		{Path: "a", Type: layers.Directory, Mode: 0o1777, UID: 1000, GID: 1<<32 - 2, MTime: time.Unix(-5, 0), Opaque: true},
		{Path: "a/file", Type: layers.Regular, Mode: 0o4755, Size: 1 << 40, MTime: stamp, Digest: &[32]byte{1, 2, 3}},
		{Path: "a/hard", Type: layers.Hardlink, Mode: 0o4755, Size: 1 << 40, MTime: stamp, Link: "a/file"},
		{Path: "a-b", Type: layers.Symlink, Mode: 0o777, MTime: stamp, Link: "../\xff\n"},
		{Path: "gone", Type: layers.Whiteout, MTime: time.Unix(0, 0)},
		{Path: "null", Type: layers.Char, Mode: 0o666, MTime: stamp, Major: 1, Minor: 3},
		{Path: "pipe", Type: layers.FIFO, Mode: 0o600, MTime: stamp},
		{Path: "sda", Type: layers.Block, Mode: 0o660, MTime: stamp, Major: 8},
	}}
}

func encode(tb testing.TB, x *layers.Index) []byte {
	tb.Helper()
	var buf bytes.Buffer
	n, err := x.WriteTo(&buf)
	if err != nil || n != int64(buf.Len()) {
		tb.Fatalf("WriteTo = %d, %v; wrote %d", n, err, buf.Len())
	}
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, want := range []*layers.Index{sample(), {}} {
		got, err := layers.ReadIndex(bytes.NewReader(encode(t, want)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("read back (-want +got):\n%s", d)
		}
	}
}

func TestSizeAndFind(t *testing.T) {
	t.Parallel()
	x := sample()
	if got := x.Size(); got != 1<<40 {
		t.Errorf("Size = %d, want the hard link not counted", got)
	}
	for i := range x.Entries {
		if e := x.Find(x.Entries[i].Path); e != &x.Entries[i] {
			t.Errorf("Find(%q) = %v", x.Entries[i].Path, e)
		}
	}
	for _, name := range []string{"", "a/", "a/fil", "zz", "a/file/x"} {
		if e := x.Find(name); e != nil {
			t.Errorf("Find(%q) = %v", name, e)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	sorted := []string{".", "a", "a/b", "a/b/c", "a/b c", "a/b-c", "a!", "a-b", "a-b/c", "ab", "b"}
	for i, a := range sorted {
		for j, b := range sorted {
			if got, want := sign(layers.Compare(a, b)), sign(i-j); got != want {
				t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

// TestWriteRefuses what no reader would take.
func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	dir := func(p string) layers.Entry { return layers.Entry{Path: p, Type: layers.Directory} }
	for name, entries := range map[string][]layers.Entry{
		"unsorted":        {dir("b"), dir("a")},
		"twice":           {dir("a"), dir("a")},
		"absolute":        {dir("/a")},
		"dotdot":          {dir("a/../b")},
		"empty path":      {dir("")},
		"NUL":             {dir("a\x00")},
		"long path":       {dir(strings.Repeat("a/", 2048) + "a")},
		"no type":         {{Path: "a"}},
		"unknown type":    {{Path: "a", Type: 99}},
		"mode":            {{Path: "a", Type: layers.Regular, Mode: 0o100644}},
		"negative size":   {{Path: "a", Type: layers.Regular, Size: -1}},
		"root is a file":  {{Path: ".", Type: layers.Regular}},
		"opaque file":     {{Path: "a", Type: layers.Regular, Opaque: true}},
		"hardlink escape": {{Path: "a", Type: layers.Hardlink, Link: "../b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := (&layers.Index{Entries: entries}).WriteTo(io.Discard); err == nil {
				t.Error("it was written")
			}
		})
	}
}

// TestReadRefuses each cut and each changed byte: the checksum sees them all,
// and most are seen before.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := encode(t, sample())
	for i := range good {
		refuse(t, fmt.Sprintf("cut at %d", i), good[:i])
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := slices.Clone(good)
			bad[i] ^= flip
			refuse(t, fmt.Sprintf("byte %d ^ %#x", i, flip), bad)
		}
	}
	refuse(t, "data after the end", append(slices.Clone(good), 0))
}

func refuse(t *testing.T, what string, b []byte) {
	t.Helper()
	if _, err := layers.ReadIndex(bytes.NewReader(b)); !errors.Is(err, images.ErrCorrupt) {
		t.Errorf("%s: %v, want it corrupt", what, err)
	}
}

func TestScanStops(t *testing.T) {
	t.Parallel()
	n := 0
	for _, err := range layers.Scan(bytes.NewReader(encode(t, sample()))) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
}

// FuzzReadIndex: what is read can be written, to the same bytes or to fewer
// where numbers were padded, and reads the same again.
func FuzzReadIndex(f *testing.F) {
	f.Add(encode(f, sample()))
	f.Add(encode(f, &layers.Index{}))
	f.Add([]byte("gantry-index\n\x01\x02\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := layers.ReadIndex(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, images.ErrCorrupt) {
				t.Fatalf("unclassed error: %v", err)
			}
			return
		}
		again, err := layers.ReadIndex(bytes.NewReader(encode(t, x)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(x, again); d != "" {
			t.Errorf("read again:\n%s", d)
		}
	})
}

func big(n int) *layers.Index {
	x := &layers.Index{}
	for i := range n {
		x.Entries = append(x.Entries, layers.Entry{
			Path: fmt.Sprintf("usr/lib/python3/dist-packages/d%05d/module%06d.py", i/20, i), Type: layers.Regular,
			Mode: 0o644, Size: int64(i), MTime: stamp,
		})
	}
	return x
}

func BenchmarkWriteIndex(b *testing.B) {
	x := big(100000)
	var size int64
	for b.Loop() {
		n, err := x.WriteTo(io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		size = n
	}
	b.ReportMetric(float64(size)/100000, "bytes/entry")
}

func BenchmarkReadIndex(b *testing.B) {
	raw := encode(b, big(100000))
	for b.Loop() {
		if _, err := layers.ReadIndex(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}
