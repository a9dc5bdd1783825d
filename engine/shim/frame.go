package shim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// errProtocol is what a peer gets dropped for.
var errProtocol = errors.New("protocol error")

// putHead writes a frame's head over the first bytes of frame, whose payload
// follows them.
func putHead(frame []byte, k kind) {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-frameHead))
	frame[4] = byte(k)
}

func appendFrame(b []byte, k kind, payload []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, byte(k))
	return append(b, payload...)
}

func appendJSON(b []byte, k kind, v any) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(payload) > k.limit() {
		return nil, fmt.Errorf("%w: %d bytes do not fit a frame", errProtocol, len(payload))
	}
	return appendFrame(b, k, payload), nil
}

// frameReader takes frames off a stream. Its memory grows with what has really
// arrived, up to the limit of the kind, never with what a head announces.
type frameReader struct {
	r    io.Reader
	head [frameHead]byte
	buf  []byte
}

// next returns a frame, valid until the call after it. The error is io.EOF only
// between frames.
func (fr *frameReader) next() (kind, []byte, error) {
	if _, err := io.ReadFull(fr.r, fr.head[:]); err != nil {
		return 0, nil, err
	}
	k, n := kind(fr.head[4]), binary.BigEndian.Uint32(fr.head[:4])
	if limit := k.limit(); limit < 0 || n > uint32(limit) {
		return 0, nil, fmt.Errorf("%w: frame of kind %d with %d bytes", errProtocol, k, n)
	}
	b, err := fr.payload(int(n))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return k, b, err
}

func (fr *frameReader) payload(n int) ([]byte, error) {
	const step = 4 << 10
	got := 0
	for got < n {
		if want := min(n, max(2*got, step)); len(fr.buf) < want {
			fr.buf = append(make([]byte, 0, want), fr.buf[:got]...)[:want]
		}
		m, err := io.ReadFull(fr.r, fr.buf[got:min(n, len(fr.buf))])
		got += m
		if err != nil {
			return nil, err
		}
	}
	return fr.buf[:n], nil
}

// conn is one connection, on either side.
type conn struct {
	f  *os.File
	in frameReader
	mu sync.Mutex // guards the order of whole frames out
}

func newConn(f *os.File) *conn { return &conn{f: f, in: frameReader{r: f}} }

func (c *conn) send(frames []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.f.Write(frames)
	return err
}

func (c *conn) sendJSON(k kind, v any) error {
	b, err := appendJSON(nil, k, v)
	if err != nil {
		return err
	}
	return c.send(b)
}

// receive reads a frame of JSON of the wanted kind.
func (c *conn) receive(want kind, v any) error {
	k, b, err := c.in.next()
	if err != nil {
		return err
	}
	if k != want {
		return fmt.Errorf("%w: frame of kind %d instead of %d", errProtocol, k, want)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}
