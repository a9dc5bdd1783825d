package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"gantry/images"
)

var here = images.HostPlatform()

// openBlob starts to read the only layer of an image of size bytes.
func openBlob(t *testing.T, s *server, size int, offset int64) (*blobReader, []byte) {
	t.Helper()
	p := paint(t, here, size)
	s.upload(t, "team/app:1", p)
	c := newClient(t, Config{})
	ep, err := c.endpoint(s.host)
	if err != nil {
		t.Fatal(err)
	}
	from, err := c.session(t.Context(), ep, "team/app", "pull")
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	d := images.Digest(m.Layers[0].Digest.String())
	b := from.blob(t.Context(), c.cfg.Patience, d, m.Layers[0].Size, offset)
	t.Cleanup(func() { _ = b.Close() })
	return b, p.layers[0]
}

const mib = 1 << 20

func TestBlobSurvives(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		fault    middleware
		offset   int64
		requests int
	}{
		{"nothing wrong", onBlobs(1, 0, nil), 0, 1},
		{"continued", onBlobs(1, 0, nil), mib, 1},
		{"complete already", onBlobs(1, 0, nil), -1, 0},
		{"one cut", onBlobs(1, 1, cut(mib/2)), 0, 2},
		{"cut of a continued one", onBlobs(1, 1, cut(mib/2)), mib, 2},
		{"more cuts than attempts, with progress between", onBlobs(1, 5, cut(3*mib/2)), 0, 6},
		{"cut before the first byte", onBlobs(1, 3, cut(0)), 0, 4},
		{"overloaded", onBlobs(1, 2, answer(http.StatusServiceUnavailable)), 0, 3},
		{"overloaded in between", onBlobs(2, 2, answer(http.StatusInternalServerError)), 0, 1},
		{"asked to wait", onBlobs(1, 1, answer(http.StatusTooManyRequests, "Retry-After", "1")), 0, 2},
		{"stalled", onBlobs(1, 1, stall(mib)), 0, 2},
		{"no ranges, continued", noRanges, mib, 1},
		{"ranges refused", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			next.ServeHTTP(w, r)
		}, mib, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.fault)
			if tt.offset < 0 {
				b, want := openBlob(t, s, mib, 0)
				b.at = int64(len(want))
				tt.offset = b.at
				if got, err := io.ReadAll(b); err != nil || len(got) > 0 {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				return
			}
			b, want := openBlob(t, s, 10*mib, tt.offset)
			got, err := io.ReadAll(b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want[tt.offset:]) {
				t.Errorf("%d other bytes than the %d expected", len(got), len(want)-int(tt.offset))
			}
			if n := s.log.count(http.MethodGet, "/blobs/"); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestBlobContinuesWhereItBroke(t *testing.T) {
	t.Parallel()
	s := serve(t, onBlobs(1, 1, cut(mib)))
	b, want := openBlob(t, s, 3*mib, 0)
	if err := iotest.TestReader(b, want); err != nil {
		t.Fatal(err)
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	last := s.log.all[len(s.log.all)-1].Header.Get("Range")
	if want := fmt.Sprintf("bytes=%d-%d", mib, len(want)-1); last != want {
		t.Errorf("range %q, want %q", last, want)
	}
}

func TestBlobFails(t *testing.T) {
	t.Parallel()
	resize := func(change int) middleware { // says and sends another length
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			rec := &recorder{header: http.Header{}}
			next.ServeHTTP(rec, r)
			b := rec.body.Bytes()
			b = append(b[:max(0, len(b)+min(change, 0))], make([]byte, max(change, 0))...)
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			_, _ = w.Write(b)
		}
	}
	for _, tt := range []struct {
		name  string
		fault middleware
		class error
		says  string
	}{
		{"cut every time", onBlobs(1, always, cut(1000)), images.ErrUnavailable, "given up after 4 tries"},
		{"down", onBlobs(1, always, answer(http.StatusBadGateway)), images.ErrUnavailable, "502 Bad Gateway"},
		{"stalled every time", onBlobs(1, always, stall(10)), images.ErrUnavailable, "stopped sending"},
		{"gone", onBlobs(1, always, answer(http.StatusNotFound)), images.ErrNotFound, "does not have it (404 Not Found)"},
		{"forbidden", onBlobs(1, always, answer(http.StatusForbidden)), images.ErrUnauthorized, "gantry login 127.0.0.1:"},
		{"wait too long", onBlobs(1, always, answer(http.StatusTooManyRequests, "Retry-After", "3600")), images.ErrUnavailable, "asks to come back in 1h0m0s"},
		{"too short", onBlobs(1, always, resize(-1)), images.ErrCorrupt, "the manifest says"},
		{"too long", onBlobs(1, always, resize(1)), images.ErrCorrupt, "the manifest says"},
		{"too long without saying so", onBlobs(1, always, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Transfer-Encoding", "chunked")
			next.ServeHTTP(&chunked{w}, r)
			_, _ = w.Write([]byte("x"))
		}), images.ErrCorrupt, "sends more than"},
		{"wrong range", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Header.Get("Range") != "" {
				r.Header.Set("Range", "bytes=7-10000")
			} else if strings.Contains(r.URL.Path, "/blobs/") {
				cut(1000)(w, r, next)
			}
			next.ServeHTTP(w, r)
		}, images.ErrCorrupt, "with the range \"bytes 7-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.fault)
			b, _ := openBlob(t, s, mib, 0)
			n, err := io.Copy(io.Discard, b)
			if !errors.Is(err, tt.class) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("after %d bytes: %v; want %v, %q", n, err, tt.class, tt.says)
			}
			if n := s.log.count(http.MethodGet, "/blobs/"); n > 4 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestBlobStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, onBlobs(1, always, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		cancel()
		stall(10)(w, r, next)
	}))
	b, _ := openBlob(t, s, mib, 0)
	b.ctx = ctx
	b.patience.Stall = 1 << 40
	if _, err := io.Copy(io.Discard, b); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// recorder keeps a whole answer.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// chunked drops the length that the handler announces.
type chunked struct{ http.ResponseWriter }

func (c *chunked) WriteHeader(status int) {
	c.Header().Del("Content-Length")
	c.ResponseWriter.WriteHeader(status)
}

func (c *chunked) Write(p []byte) (int, error) {
	c.Header().Del("Content-Length")
	return c.ResponseWriter.Write(p)
}
