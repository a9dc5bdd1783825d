package unpack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"gantry/images/unpack"
)

// benchLayer makes a compressed layer like those of distributions: many files
// of a few kilobytes, some large, text that compresses about 2:1.
func benchLayer(tb testing.TB, seed uint64, files int, size int64) []byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(seed, 0))
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	text := make([]byte, 1<<20)
	for i := range text {
		text[i] = "etaoinshrdlu \n\x00\xff"[rnd.IntN(16)]
	}
	for i := range files {
		if i%16 == 0 {
			h := &tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprintf("usr/d%d/", i/16), Mode: 0o755, ModTime: day}
			if err := tw.WriteHeader(h); err != nil {
				tb.Fatal(err)
			}
		}
		n := size / 2 / int64(files)
		if i%64 == 0 { // Half of the bytes are in a few large files.
			n = size / 2 / int64((files+63)/64)
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("usr/d%d/f%d", i/16, i), Mode: 0o644, Size: n, ModTime: day}
		if err := tw.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		for n > 0 {
			at := rnd.Int64N(int64(len(text)))
			m := min(n, int64(len(text))-at)
			if _, err := tw.Write(text[at : at+m]); err != nil {
				tb.Fatal(err)
			}
			n -= m
		}
	}
	if err := tw.Close(); err != nil {
		tb.Fatal(err)
	}
	return gz(tb, buf.Bytes())
}

// BenchmarkLayers unpacks three layers of 387 MB in all at once, as a pull of a
// real image does without its network: hash the blob, decompress, hash the
// tar and write the files. The budget of the whole pull is 2.0 s
// on two processors.
func BenchmarkLayers(b *testing.B) {
	needRoot(b)
	blobs := [][]byte{benchLayer(b, 1, 6700, 199<<20), benchLayer(b, 2, 1800, 138<<20), benchLayer(b, 3, 64, 50<<20)}
	var total int64
	for _, blob := range blobs {
		total += int64(len(blob))
	}
	b.Logf("compressed: %d MB", total>>20)
	b.SetBytes(387 << 20)
	b.ReportAllocs()
	for b.Loop() {
		root, err := os.MkdirTemp("", "bench-")
		if err != nil {
			b.Fatal(err)
		}
		var wg sync.WaitGroup
		for i, blob := range blobs {
			wg.Go(func() {
				if err := benchUnpack(fmt.Sprintf("%s/%d", root, i), blob); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		b.StopTimer()
		if err := os.RemoveAll(root); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func benchUnpack(dir string, blob []byte) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	r, err := unpack.Decompress(io.TeeReader(bytes.NewReader(blob), sha256.New()), "")
	if err != nil {
		return err
	}
	_, err = unpack.Layer(context.Background(), r, unpack.Options{Rootfs: dir})
	return err
}

// BenchmarkSmallFiles is the price of a file: 10,000 empty ones.
func BenchmarkSmallFiles(b *testing.B) {
	needRoot(b)
	var entries []hdr
	for i := range 10000 {
		entries = append(entries, hdr{Name: fmt.Sprintf("d%d/f%d", i/100, i)})
	}
	tarball := archive(b, entries...)
	for b.Loop() {
		dir, err := os.MkdirTemp("", "bench-")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := unpack.Layer(context.Background(), bytes.NewReader(tarball), unpack.Options{Rootfs: dir}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10000, "µs/file")
}
