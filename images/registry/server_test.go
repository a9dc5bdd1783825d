package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gantry/images"
)

// A middleware stands between the client and a sane registry.
type middleware func(w http.ResponseWriter, r *http.Request, next http.Handler)

// A server is ggcr's registry in this process, reached through middlewares.
type server struct {
	*httptest.Server
	direct *httptest.Server // the same registry without them
	host   string
	log    requestLog
}

func serve(t *testing.T, chain ...middleware) *server {
	t.Helper()
	sane := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	s := &server{direct: httptest.NewServer(sane)}
	var h http.Handler = sane
	for _, m := range chain {
		next := h
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m(w, r, next) })
	}
	s.Server = httptest.NewServer(s.log.wrap(h))
	s.host = strings.TrimPrefix(s.URL, "http://")
	t.Cleanup(func() { s.Close(); s.direct.Close() })
	return s
}

func (s *server) ref(t *testing.T, name string) images.Ref {
	t.Helper()
	ref, err := images.ParseRef(s.host + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// requestLog remembers "METHOD path" and the header of each request.
type requestLog struct {
	mu  sync.Mutex
	all []*http.Request
}

func (l *requestLog) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.all = append(l.all, r.Clone(r.Context()))
		l.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

// count tells how many requests of a method had part in their path.
func (l *requestLog) count(method, part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.all {
		if r.Method == method && strings.Contains(r.URL.Path, part) {
			n++
		}
	}
	return n
}

// newClient returns a Client with little patience and no one's credentials.
func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	if cfg.DockerDir == "" {
		cfg.DockerDir = t.TempDir()
	}
	if cfg.Patience == (Patience{}) {
		cfg.Patience = Patience{Attempts: 4, Backoff: time.Millisecond, Longest: 3 * time.Second, Stall: 200 * time.Millisecond}
	}
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

// A picture is a small real image.
type picture struct {
	v1.Image
	layers [][]byte // compressed
}

// paint makes an image of layers with the given sizes of random content.
func paint(t *testing.T, platform images.Platform, sizes ...int) picture {
	t.Helper()
	p := picture{Image: mutate.MediaType(empty.Image, types.OCIManifestSchema1)}
	p.Image = mutate.ConfigMediaType(p.Image, types.OCIConfigJSON)
	for i, size := range sizes {
		blob := layerBytes(t, fmt.Sprintf("file%d", i), noise(uint64(size+i), size))
		p.layers = append(p.layers, blob)
		// static.NewLayer would take the blob's digest for the diffID.
		l := &gzipLayer{Layer: static.NewLayer(blob, types.OCILayer), blob: blob}
		var err error
		if p.Image, err = mutate.AppendLayers(p.Image, l); err != nil {
			t.Fatal(err)
		}
	}
	cf, err := p.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture, cf.Variant = platform.OS, platform.Architecture, platform.Variant
	if p.Image, err = mutate.ConfigFile(p.Image, cf); err != nil {
		t.Fatal(err)
	}
	return p
}

type gzipLayer struct {
	v1.Layer
	blob []byte
}

func (l *gzipLayer) Uncompressed() (io.ReadCloser, error) {
	return gzip.NewReader(bytes.NewReader(l.blob))
}

func (l *gzipLayer) DiffID() (v1.Hash, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return v1.Hash{}, err
	}
	h, _, err := v1.SHA256(r)
	return h, err
}

// layerBytes is a gzipped tar of one file.
func layerBytes(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Write(content)
	for _, end := range []func() error{func() error { return err }, w.Close, z.Close} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// noise does not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, seed)))
	_, _ = src.Read(b) // never fails
	return b
}

// upload puts an image or index into the registry behind the middlewares.
func (s *server) upload(t *testing.T, tag string, what remote.Taggable) images.Digest {
	t.Helper()
	ref, err := name.ParseReference(strings.TrimPrefix(s.direct.URL, "http://") + "/" + tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Push(ref, what); err != nil {
		t.Fatal(err)
	}
	raw, err := what.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	return images.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(raw)))
}

// putRaw stores any bytes as a manifest, as a hostile registry could.
func manifestIs(raw []byte, mediaType string) middleware {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write(raw)
	}
}

// onBlobs applies a middleware to downloads of blobs, from the nth on (from 1)
// and for count of them.
func onBlobs(first, count int, m middleware) middleware {
	var mu sync.Mutex
	seen := 0
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		seen++
		mine := seen >= first && seen < first+count
		mu.Unlock()
		if mine {
			m(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}
}

const always = 1 << 30

// cut breaks the connection after n bytes of the body.
func cut(n int) middleware {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&cutWriter{ResponseWriter: w, left: n}, r)
	}
}

type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	n := min(c.left, len(p))
	_, _ = c.ResponseWriter.Write(p[:n])
	if c.left -= n; c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

// answer sends a status and nothing else.
func answer(status int, header ...string) middleware {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

// noRanges answers every range request with the whole.
func noRanges(w http.ResponseWriter, r *http.Request, next http.Handler) {
	r.Header.Del("Range")
	next.ServeHTTP(w, r)
}

// stall sends the first bytes and then nothing, until the client hangs up.
func stall(n int) middleware {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(&stallWriter{cutWriter{ResponseWriter: w, left: n}, r}, r)
	}
}

type stallWriter struct {
	cutWriter
	r *http.Request
}

func (s *stallWriter) Write(p []byte) (int, error) {
	n := min(s.left, len(p))
	_, _ = s.ResponseWriter.Write(p[:n])
	if s.left -= n; s.left == 0 {
		s.ResponseWriter.(http.Flusher).Flush()
		<-s.r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}
