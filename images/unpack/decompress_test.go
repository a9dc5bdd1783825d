package unpack_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gantry/images"
	"gantry/images/unpack"
)

func gz(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func zst(tb testing.TB, b []byte, window int) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func TestDecompress(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("layer "), 100000)
	flipped := gz(t, text)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0}, "abc"...)
	huge := zst(t, text, 1<<20)
	// A frame header that asks for a window of 4 GiB: RFC 8878, 3.1.1.1.2.
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 22 << 3, 0x01, 0x00, 0x00}
	for _, c := range []struct {
		name string
		in   []byte
		want []byte
		err  error
	}{
		{"plain", text, text, nil},
		{"empty", nil, nil, nil},
		{"gzip", gz(t, text), text, nil},
		{"gzip of nothing", gz(t, nil), nil, nil},
		{"two members", slices.Concat(gz(t, text[:99]), gz(t, text[99:])), text, nil},
		{"an empty member between", slices.Concat(gz(t, text[:99]), gz(t, nil), gz(t, text[99:])), text, nil},
		{"padded with zeros", slices.Concat(gz(t, text), make([]byte, 1000)), text, nil},
		{"trailing garbage", slices.Concat(gz(t, text), []byte("garbage")), nil, images.ErrCorrupt},
		{"garbage behind zeros", slices.Concat(gz(t, text), []byte{0, 0, 'x'}), nil, images.ErrCorrupt},
		{"gzip cut short", gz(t, text)[:500], nil, images.ErrCorrupt},
		{"gzip without its trailer", gz(t, text)[:len(gz(t, text))-8], nil, images.ErrCorrupt},
		{"gzip header alone", []byte{0x1f, 0x8b}, nil, images.ErrCorrupt},
		{"gzip with a wrong checksum", flipped, nil, images.ErrCorrupt},
		{"zstd", huge, text, nil},
		{"zstd of two frames", slices.Concat(zst(t, text[:99], 1<<20), zst(t, text[99:], 1<<20)), text, nil},
		{"zstd behind a skippable frame", slices.Concat(skippable, huge), text, nil},
		{"zstd cut short", huge[:len(huge)-5], nil, images.ErrCorrupt},
		{"zstd with a huge window", window, nil, images.ErrHostile},
		{"zstd garbage", append([]byte{0x28, 0xb5, 0x2f, 0xfd}, "garbage garbage"...), nil, errAny},
		{"xz", []byte("\xfd7zXZ\x00..."), nil, errAny},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// One byte at a time finds what hangs on the sizes of reads.
			got, err := decompressAll(iotestOne{bytes.NewReader(c.in)})
			if c.err == errAny && err != nil {
				return
			}
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if c.err == nil && !bytes.Equal(got, c.want) {
				t.Errorf("got %d bytes, want %d", len(got), len(c.want))
			}
		})
	}
}

var errAny = errors.New("any error")

type iotestOne struct{ r io.Reader }

func (o iotestOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1+len(p)/100000)]) }

func decompressAll(r io.Reader) ([]byte, error) {
	d, err := unpack.Decompress(r, "application/vnd.oci.image.layer.v1.tar+gzip")
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(d)
	return b, errors.Join(err, d.Close())
}

// TestDecompressSource keeps a broken connection apart from a broken blob.
func TestDecompressSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, blob := range [][]byte{gz(t, body(1<<20)), zst(t, body(1<<20), 1<<20), body(1 << 20)} {
		_, err := decompressAll(io.MultiReader(bytes.NewReader(blob[:len(blob)/2]), errReader{broken}))
		if !errors.Is(err, broken) || errors.Is(err, images.ErrCorrupt) {
			t.Errorf("got %v, want %v", err, broken)
		}
	}
	if _, err := unpack.Decompress(strings.NewReader(""), "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"); err == nil {
		t.Error("an encrypted layer was taken")
	}
}

func FuzzDecompress(f *testing.F) {
	f.Add(gz(f, []byte("x")))
	f.Add(zst(f, []byte("x"), 1<<20))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := unpack.Decompress(bytes.NewReader(b), "")
		if err != nil {
			return
		}
		defer d.Close()
		if _, err := io.Copy(io.Discard, io.LimitReader(d, 64<<20)); err != nil &&
			!errors.Is(err, images.ErrCorrupt) && !errors.Is(err, images.ErrHostile) {
			t.Errorf("unclassed error: %v", err)
		}
	})
}
