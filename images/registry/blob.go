package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gantry/images"
)

// A blobReader reads one blob from an offset to its end and hides that the
// connection broke on the way: it asks for the rest by a range request. It gives
// exactly as many bytes as the descriptor says or an error; whether they are the
// right ones is for who hashes them.
//
// ggcr cannot do this: its readers end at the first break, and a 200 MB layer
// on a poor line would never arrive.
type blobReader struct {
	*session
	ctx      context.Context // of the whole transfer; a reader has no other place for it
	patience Patience
	digest   images.Digest
	size     int64
	what     string

	body  *flow // nil between connections
	at    int64 // offset of the next byte
	mark  int64 // at, when the tries were last counted from
	tries int   // failures since mark
}

// enough bytes in one go make up for the failures before. A count that any
// single byte resets could be kept going for ever by a hostile server.
const enough = 1 << 20

// blob reads the blob from an offset on. Nothing is sent before the first Read.
func (s *session) blob(ctx context.Context, p Patience, d images.Digest, size, offset int64) *blobReader {
	return &blobReader{
		session: s, ctx: ctx, patience: p, digest: d, size: size, at: offset, mark: offset,
		what: "blob " + d.Short(),
	}
}

func (b *blobReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if b.at >= b.size {
			return 0, b.end()
		}
		if b.body == nil {
			if err := b.open(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := b.body.Read(p[:min(int64(len(p)), b.size-b.at)])
		if n > 0 {
			b.at += int64(n)
			return n, nil
		}
		if err != nil {
			if err := b.broke(err); err != nil {
				return 0, err
			}
		}
	}
}

// broke waits before the next connection, or gives up.
func (b *blobReader) broke(cause error) error {
	b.hangUp()
	if b.at-b.mark >= enough {
		b.tries = 0
	}
	b.mark = b.at
	var known *Error
	var after time.Duration
	if errors.As(cause, &known) {
		after = known.After
	}
	if b.tries++; b.tries >= b.patience.Attempts || after > b.patience.Longest || b.ctx.Err() != nil {
		err := b.explain(b.ctx, cause, b.what)
		if b.tries > 1 && b.ctx.Err() == nil {
			return fmt.Errorf("%w (given up after %d tries, %d of %d bytes arrived)", err, b.tries, b.at, b.size)
		}
		return err
	}
	return b.patience.wait(b.ctx, b.tries, after)
}

// open asks for the bytes from b.at on. A failure that may pass is waited for
// and leaves body nil, for the caller to call again.
func (b *blobReader) open() error {
	ctx, cancel := context.WithCancelCause(b.ctx)
	resp, err := b.request(impatient(ctx))
	if err != nil {
		cancel(nil)
		if permanent(err) {
			return err
		}
		return b.broke(err)
	}
	b.body = newFlow(ctx, cancel, resp.Body, b.patience.Stall)
	if err := b.position(resp); err != nil {
		b.hangUp()
		return err
	}
	return nil
}

// request sends the GET, with a range unless it starts at the beginning.
func (b *blobReader) request(ctx context.Context) (*http.Response, error) {
	path := "blobs/" + string(b.digest)
	if b.at == 0 {
		return b.get(ctx, path, b.what, nil, http.StatusOK)
	}
	// With its end: some servers take no open ranges.
	header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", b.at, b.size-1)}}
	resp, err := b.get(ctx, path, b.what, header, http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable)
	if err == nil && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		// The registry cannot do this range; position skips what we have.
		discard(resp.Body)
		return b.get(ctx, path, b.what, nil, http.StatusOK)
	}
	return resp, err
}

// position makes the next byte of the body the one at b.at, and holds the
// lengths that the server announces against the descriptor.
func (b *blobReader) position(resp *http.Response) error {
	if resp.StatusCode == http.StatusPartialContent {
		first, total, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || first != b.at || total >= 0 && total != b.size {
			return b.fail(images.ErrCorrupt, b.what, "%s answered bytes %d-%d with the range %q", b.title, b.at, b.size-1, resp.Header.Get("Content-Range"))
		}
		return nil
	}
	if n := resp.ContentLength; n >= 0 && n != b.size {
		return b.fail(images.ErrCorrupt, b.what, "%s sends %d bytes, the manifest says %d", b.title, n, b.size)
	}
	// The server does not do ranges: read over what is there already.
	skip := make([]byte, 64<<10)
	for left := b.at; left > 0; {
		n, err := b.body.Read(skip[:min(left, int64(len(skip)))])
		left -= int64(n)
		if err != nil && left > 0 {
			return b.broke(err)
		}
	}
	return nil
}

// end tells whether the blob ends where the descriptor says.
func (b *blobReader) end() error {
	if b.body == nil {
		return io.EOF
	}
	var extra [1]byte
	n, _ := b.body.Read(extra[:])
	b.hangUp()
	if n > 0 {
		return b.fail(images.ErrCorrupt, b.what, "%s sends more than the %d bytes of the manifest", b.title, b.size)
	}
	return io.EOF
}

func (b *blobReader) hangUp() {
	if b.body == nil {
		return
	}
	_ = b.body.Close()
	b.body = nil
}

// Close frees the connection.
func (b *blobReader) Close() error {
	b.hangUp()
	return nil
}

// contentRange reads "bytes FIRST-LAST/TOTAL" (RFC 9110, 14.4); total is -1
// for "*".
func contentRange(s string) (first, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(s, "/")
	from, _, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, false
	}
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if size == "*" {
		return first, -1, true
	}
	total, err = strconv.ParseInt(size, 10, 64)
	return first, total, err == nil
}
