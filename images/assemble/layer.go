package assemble

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"

	"gantry/images"
	"gantry/images/store"
	"gantry/images/unpack"
)

// Layer stores what write writes, an uncompressed tar, as a layer. Its digests
// come from the same pass.
func Layer(ctx context.Context, s *store.Store, l *store.Lease, write func(io.Writer) error) (store.LayerDesc, error) {
	spool, err := s.Spool(ctx, l)
	if err != nil {
		return store.LayerDesc{}, err
	}
	defer spool.Close()
	diff := sha256.New()
	err = compress(spool, func(z io.Writer) error {
		// Most headers of a tar are tiny writes, which hash and compressor would
		// take one by one.
		buf := bufio.NewWriterSize(&tee{ctx, diff, z}, 256<<10)
		return errors.Join(write(buf), buf.Flush())
	})
	if err != nil {
		return store.LayerDesc{}, err
	}
	blob, size, err := spool.Commit()
	return store.LayerDesc{
		DiffID: images.Digest("sha256:" + hex.EncodeToString(diff.Sum(nil))), Blob: blob, MediaType: store.MediaTypeLayerGzip, Size: size,
	}, err
}

// tee writes to both and stops with ctx.
type tee struct {
	ctx  context.Context
	a, b io.Writer
}

func (t *tee) Write(p []byte) (int, error) {
	if err := context.Cause(t.ctx); err != nil {
		return 0, err
	}
	t.a.Write(p) // a hash does not fail
	return t.b.Write(p)
}

// Store stores a layer that comes without a digest and may be compressed
// already. A plain tar is compressed, because it stays beside the unpacked layer
// and is what a push sends: uncompressed it would double what the image takes.
// What is compressed stays as it is. copy moves the bytes.
func Store(ctx context.Context, s *store.Store, l *store.Lease, r *bufio.Reader, copy func(io.Writer, io.Reader) error) (store.Descriptor, error) {
	spool, err := s.Spool(ctx, l)
	if err != nil {
		return store.Descriptor{}, err
	}
	defer spool.Close()
	mediaType := Compression(r)
	if mediaType == store.MediaTypeLayer {
		mediaType = store.MediaTypeLayerGzip
		err = compress(spool, func(z io.Writer) error { return copy(z, r) })
	} else {
		err = copy(spool, r)
	}
	if err != nil {
		return store.Descriptor{}, err
	}
	d, size, err := spool.Commit()
	return store.Descriptor{MediaType: mediaType, Digest: d, Size: size}, err
}

// Compression tells the media type of a layer by its first bytes.
func Compression(r *bufio.Reader) string {
	head, _ := r.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return store.MediaTypeLayerGzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return store.MediaTypeLayerZstd
	}
	return store.MediaTypeLayer
}

// compress uses all processors and the fastest level: the default one takes
// three times as long and saves a tenth. How many processors there are changes
// nothing in the bytes, the size of the blocks would.
func compress(w io.Writer, write func(io.Writer) error) error {
	z, err := pgzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	return errors.Join(write(z), z.Close())
}

// DiffID hashes what a layer blob holds.
func DiffID(ctx context.Context, s *store.Store, d store.Descriptor) (images.Digest, error) {
	f, _, err := s.OpenBlob(d.Digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	t, err := unpack.Decompress(f, d.MediaType)
	if err != nil {
		return "", err
	}
	defer t.Close()
	h := sha256.New()
	if _, err := io.Copy(&tee{ctx, h, io.Discard}, t); err != nil {
		return "", fmt.Errorf("read layer: %w", err)
	}
	return images.Digest("sha256:" + hex.EncodeToString(h.Sum(nil))), nil
}
