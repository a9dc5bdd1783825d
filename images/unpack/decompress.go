package unpack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gantry/images"
)

const (
	readBuffer = 256 << 10
	// maxWindow bounds the memory of a zstd frame. zstd -22 asks for 128 MiB;
	// what asks for more was made with --long, which no builder does.
	maxWindow = 128 << 20
)

// Decompress finds out by its first bytes how a layer blob is compressed, gzip,
// zstd or not at all, and decompresses it. What the media type says is not
// believed, because docker's and OCI's names were mixed up by many tools; an
// encrypted layer is refused by it. Closing does not close r.
func Decompress(r io.Reader, mediaType string) (io.ReadCloser, error) {
	if strings.HasSuffix(mediaType, "+encrypted") {
		return nil, fmt.Errorf("decompress layer: %s is not supported", mediaType)
	}
	src := &source{r: r}
	br := bufio.NewReaderSize(src, readBuffer)
	head, err := br.Peek(6)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("decompress layer: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return newGzip(br, src)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), skippableFrame(head):
		return newZstd(br, src)
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")), bytes.HasPrefix(head, []byte("BZh")):
		return nil, fmt.Errorf("decompress layer: xz and bzip2 are not supported, only gzip and zstd")
	}
	return io.NopCloser(br), nil
}

// skippableFrame knows the 16 magic numbers of frames that hold no content
// (RFC 8878, 3.1.2); zstd:chunked and estargz-like tools may begin with one.
func skippableFrame(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18
}

func newZstd(r io.Reader, src *source) (io.ReadCloser, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("decompress layer: %w", err)
	}
	return &decoder{r: z, src: src, close: func() error { z.Close(); return nil }}, nil
}

// source remembers how the compressed stream ended, so that a connection that
// broke is not taken for a blob that is broken.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// decoder classifies what its codec reports.
type decoder struct {
	r     io.Reader
	src   *source
	close func() error
}

func (d *decoder) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	switch {
	case err == nil, err == io.EOF:
	case d.src.err != nil:
		err = d.src.err
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		err = hostile("decompress layer: %v", err)
	default:
		err = fmt.Errorf("decompress layer: %w: %w", images.ErrCorrupt, err)
	}
	return n, err
}

func (d *decoder) Close() error { return d.close() }

// gzipMembers reads a gzip file of any number of members (RFC 1952, 2.2). What
// follows the last member may only be zeros, with which tapes are padded: a
// reader that ignores trailing garbage and one that does not would see two
// different blobs behind one digest.
type gzipMembers struct {
	br *bufio.Reader
	z  *gzip.Reader
}

func newGzip(br *bufio.Reader, src *source) (io.ReadCloser, error) {
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, fmt.Errorf("decompress layer: %w: %w", images.ErrCorrupt, err)
	}
	z.Multistream(false)
	g := &gzipMembers{br: br, z: z}
	return &decoder{r: g, src: src, close: z.Close}, nil
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 && err == io.EOF {
			return n, nil
		}
		if n > 0 || err != io.EOF {
			return n, err
		}
		if err := g.nextMember(); err != nil {
			return 0, err
		}
	}
}

func (g *gzipMembers) nextMember() error {
	head, err := g.br.Peek(1)
	if err != nil {
		return err
	}
	if head[0] == 0 {
		return g.padding()
	}
	if err := g.z.Reset(g.br); err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}

func (g *gzipMembers) padding() error {
	for {
		b, err := g.br.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return gzip.ErrHeader
		}
	}
}
