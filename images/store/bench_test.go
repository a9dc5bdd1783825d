package store_test

import (
	"fmt"
	"testing"

	"gantry/images/store"
)

// manyImages is a store with 100 images of 6 layers, 3 of them shared by all.
func manyImages(b *testing.B) store.Options {
	b.Helper()
	s, o := openStore(b)
	for i := range 100 {
		build(b, fmt.Sprint(i), base(b), app(b, -1), app(b, -2), app(b, 3*i), app(b, 3*i+1), app(b, 3*i+2)).mustAdd(b, s, fmt.Sprintf("team/app-%d:1", i))
	}
	return o
}

// BenchmarkResolve is what `gantry run` waits for: a new process finds an image
// and its layers. The budget is a millisecond.
func BenchmarkResolve(b *testing.B) {
	o := manyImages(b)
	for b.Loop() {
		s, err := store.Open(o)
		must(b, err)
		img, err := s.Resolve(b.Context(), "team/app-50:1")
		must(b, err)
		_, err = s.LayerDirs(img)
		must(b, err)
	}
}

// BenchmarkList is `gantry images` in a new process, BenchmarkListAgain the
// refresh of a view that stays.
func BenchmarkList(b *testing.B) {
	o := manyImages(b)
	for b.Loop() {
		s, err := store.Open(o)
		must(b, err)
		_, err = s.List(b.Context())
		must(b, err)
	}
}

func BenchmarkListAgain(b *testing.B) {
	s, err := store.Open(manyImages(b))
	must(b, err)
	for b.Loop() {
		_, err = s.List(b.Context())
		must(b, err)
	}
}

// BenchmarkFetch is a pull without its network: 64 MiB of noise in 3 layers.
func BenchmarkFetch(b *testing.B) {
	noise := string(random(64 << 20 / 3))
	var layers [][]byte
	for i := range 3 {
		layers = append(layers, tarOf(b, file{fmt.Sprint("f", i), noise}))
	}
	f := build(b, "x", layers...)
	b.SetBytes(64 << 20)
	for b.Loop() {
		b.StopTimer()
		s, _ := openStore(b)
		b.StartTimer()
		f.mustAdd(b, s, "x:1")
	}
}
