package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gantry/images"
	"gantry/images/store"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	c := New(Config{Registries: map[string]Registry{
		"http.example":     {HTTP: true},
		"insecure.example": {Insecure: true},
	}})
	for host, want := range map[string]endpoint{
		"docker.io":          {host: "index.docker.io"},
		"reg.example":        {host: "reg.example"},
		"10.0.0.5:5000":      {host: "10.0.0.5:5000"}, // ggcr alone would fall back to http
		"localhost.evil.com": {host: "localhost.evil.com"},
		"127.0.0.1.nip.io":   {host: "127.0.0.1.nip.io"},
		"127.0.0.1:5000":     {host: "127.0.0.1:5000", plain: true, unverified: true},
		"127.8.9.1":          {host: "127.8.9.1", plain: true, unverified: true},
		"[::1]:5000":         {host: "[::1]:5000", plain: true, unverified: true},
		"localhost:1":        {host: "localhost:1", plain: true, unverified: true},
		"reg.localhost":      {host: "reg.localhost", plain: true, unverified: true},
		"http.example":       {host: "http.example", plain: true, plainOnly: true},
		"insecure.example":   {host: "insecure.example", plain: true, unverified: true},
	} {
		want.title = host
		if got, err := c.endpoint(host); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", host, got, err, want)
		}
	}
	for _, host := range []string{"", "a b", "a.b/c", "user@a.b"} {
		if got, err := c.endpoint(host); err == nil && got.host == host {
			t.Errorf("%q was accepted: %+v", host, got)
		}
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	verified, unverified := &fixed{name: "verified"}, &fixed{name: "unverified"}
	for _, tt := range []struct {
		ep   endpoint
		url  string
		want string
	}{
		{endpoint{host: "a.b"}, "https://a.b/v2/", "verified"},
		{endpoint{host: "a.b"}, "https://A.B:443/v2/", "verified"},
		{endpoint{host: "a.b"}, "http://a.b/v2/", errPlain.Error()},
		{endpoint{host: "a.b"}, "http://c.d/token", errPlain.Error()},
		{endpoint{host: "a.b", plain: true}, "http://a.b/v2/", "verified"},
		{endpoint{host: "a.b", plain: true, unverified: true}, "https://a.b/v2/", "unverified"},
		{endpoint{host: "a.b", plain: true, unverified: true}, "https://a.b:444/v2/", "verified"},
		{endpoint{host: "a.b", plain: true, unverified: true}, "https://cdn.example/x", "verified"},
		{endpoint{host: "a.b", plain: true, plainOnly: true}, "https://a.b/v2/", errTLS.Error()},
		{endpoint{host: "a.b", plain: true, plainOnly: true}, "https://cdn.example/x", "verified"},
	} {
		g := &gate{endpoint: tt.ep, verified: verified, unverified: unverified}
		req, _ := http.NewRequest(http.MethodGet, tt.url, nil)
		if _, err := g.RoundTrip(req); err.Error() != tt.want {
			t.Errorf("%+v %s: %v, want %s", tt.ep, tt.url, err, tt.want)
		}
	}
}

// fixed answers with its name.
type fixed struct {
	name  string
	calls atomic.Int32
}

func (f *fixed) RoundTrip(*http.Request) (*http.Response, error) {
	f.calls.Add(1)
	return nil, errors.New(f.name)
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"reg.example", "https://cdn.example/blob", true},
		{"reg.example", "https://reg.example/blob", true},
		{"reg.example", "http://169.254.169.254/latest/meta-data", false},
		{"reg.example", "https://10.1.2.3/", false},
		{"reg.example", "https://127.0.0.1:22/", false},
		{"reg.example", "https://2130706433/", false},
		{"reg.example", "https://0x7f.1/", false},
		{"reg.example", "https://127.1/", false},
		{"reg.example", "https://[::ffff:10.0.0.1]/", false},
		{"reg.example", "https://[fe80::1%25eth0]/", false},
		{"reg.example", "https://0.0.0.0/", false},
		{"reg.example", "https://1.2.3.4/", true},
		{"10.0.0.5:5000", "https://10.0.0.6/", true},
		{"localhost:5000", "http://127.0.0.1:9000/", true},
	} {
		u, err := url.Parse(tt.to)
		if err != nil {
			t.Fatal(err)
		}
		err = endpoint{host: tt.from}.checkRedirect(&http.Request{URL: u}, nil)
		if (err == nil) != tt.ok {
			t.Errorf("%s -> %s: %v", tt.from, tt.to, err)
		}
	}
	if err := (endpoint{host: "a.b"}).checkRedirect(&http.Request{URL: &url.URL{Host: "a.b"}}, make([]*http.Request, 10)); err == nil {
		t.Error("an endless redirect: want an error")
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	entry := func(platforms ...string) []store.Descriptor {
		var all []store.Descriptor
		for i, p := range platforms {
			d := store.Descriptor{Size: int64(i)}
			if p != "" {
				parts := append(strings.Split(p, "/"), "")
				d.Platform = &images.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
			}
			all = append(all, d)
		}
		return all
	}
	for _, tt := range []struct {
		have []store.Descriptor
		want string
		pick int // -1: none
	}{
		{entry("linux/amd64", "linux/arm64/v8"), "linux/arm64", 1},
		{entry("linux/amd64", "linux/arm64"), "linux/arm64/v8", 1},
		{entry("linux/x86_64"), "linux/amd64", 0},
		{entry("linux/amd64/v3", "linux/amd64"), "linux/amd64", 1},
		{entry("linux/amd64/v3"), "linux/amd64", 0},
		{entry("linux/arm/v5", "linux/arm/v7", "linux/arm/v6"), "linux/arm/v7", 1},
		{entry("linux/arm/v5", "linux/arm/v6"), "linux/arm/v7", 1},
		{entry("linux/arm/v7"), "linux/arm/v6", -1},
		{entry("linux/arm/v6", "linux/arm/v7"), "linux/arm", 1},
		{entry("windows/amd64", "unknown/unknown"), "linux/amd64", -1},
		{entry("linux/386"), "linux/amd64", -1},
		{entry(""), "linux/amd64", 0},
		{entry("", "linux/amd64"), "linux/amd64", 1},
		{nil, "linux/amd64", -1},
	} {
		want, err := images.ParsePlatform(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := choose(tt.have, want)
		if ok != (tt.pick >= 0) || ok && int(got.Size) != tt.pick {
			t.Errorf("%s out of %d: %d, %v; want %d", tt.want, len(tt.have), got.Size, ok, tt.pick)
		}
	}
}

const aDigest = `sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`

func TestHostileManifests(t *testing.T) {
	t.Parallel()
	const (
		config  = `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + aDigest + `","size":2}`
		layer   = `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"` + aDigest + `","size":2}`
		foreign = `{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"` + aDigest + `","size":2,"urls":["http://169.254.169.254/"]}`
	)
	for _, tt := range []struct {
		name, header, doc string
		class             error // nil: accepted
	}{
		{"a manifest", store.MediaTypeManifest, `{"schemaVersion":2,` + config + `,"layers":[` + layer + `]}`, nil},
		{"an unhelpful header", "application/json; charset=utf-8", `{"schemaVersion":2,` + config + `,"layers":[` + layer + `]}`, nil},
		{"an index", store.MediaTypeIndex, `{"schemaVersion":2,"manifests":[{"digest":"` + aDigest + `","size":3}]}`, nil},
		{"both", store.MediaTypeManifest, `{"schemaVersion":2,"manifests":[],` + config + `,"layers":[]}`, images.ErrHostile},
		{"neither", store.MediaTypeManifest, `{"schemaVersion":2}`, images.ErrCorrupt},
		{"a manifest that says index", store.MediaTypeManifest, `{"schemaVersion":2,"mediaType":"` + store.MediaTypeIndex + `",` + config + `,"layers":[]}`, images.ErrHostile},
		{"an index sent as manifest", store.MediaTypeManifest, `{"schemaVersion":2,"mediaType":"` + store.MediaTypeIndex + `","manifests":[]}`, images.ErrHostile},
		{"schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws", `{"schemaVersion":1,"fsLayers":[]}`, images.ErrUnsupported},
		{"schema 1, disguised", store.MediaTypeManifest, `{"schemaVersion":2,"fsLayers":[{"blobSum":"x"}],` + config + `}`, images.ErrUnsupported},
		{"foreign layer", store.MediaTypeManifest, `{"schemaVersion":2,` + config + `,"layers":[` + foreign + `]}`, images.ErrUnsupported},
		{"a chart", store.MediaTypeManifest, `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"` + aDigest + `","size":2},"layers":[]}`, images.ErrUnsupported},
		{"digest as path", store.MediaTypeManifest, strings.Replace(`{"schemaVersion":2,`+config+`,"layers":[]}`, aDigest, "sha256:../../../etc/passwd", 1), images.ErrCorrupt},
		{"negative size", store.MediaTypeManifest, strings.Replace(`{"schemaVersion":2,`+config+`,"layers":[]}`, `"size":2`, `"size":-2`, 1), images.ErrHostile},
		{"HTML", "text/html", `<html>`, images.ErrCorrupt},
		{"nothing", "", ``, images.ErrCorrupt},
		{"null", "", `null`, images.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, manifestIs([]byte(tt.doc), tt.header))
			ep, err := newClient(t, Config{}).endpoint(s.host)
			if err != nil {
				t.Fatal(err)
			}
			from, err := newClient(t, Config{}).session(t.Context(), ep, "app", "pull")
			if err != nil {
				t.Fatal(err)
			}
			_, m, x, err := from.manifest(t.Context(), "1", "")
			switch {
			case tt.class == nil && (err != nil || (m == nil) == (x == nil)):
				t.Errorf("%v, %v, %v", m, x, err)
			case tt.class != nil && !errors.Is(err, tt.class):
				t.Errorf("%v, want %v", err, tt.class)
			}
		})
	}
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				next.ServeHTTP(w, r)
				return
			}
			for r.Context().Err() == nil {
				_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<16))
			}
		})
		_, err := newClient(t, Config{}).Resolve(t.Context(), s.ref(t, "app:1"), here)
		if !errors.Is(err, images.ErrHostile) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("other digest than announced", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("Docker-Content-Digest", aDigest)
			manifestIs([]byte(`{"schemaVersion":2,`+config+`,"layers":[]}`), store.MediaTypeManifest)(w, r, next)
		})
		if _, err := newClient(t, Config{}).Resolve(t.Context(), s.ref(t, "app:1"), here); !errors.Is(err, images.ErrCorrupt) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("index that points at itself", func(t *testing.T) {
		t.Parallel()
		// By tag, for no index can hold its own digest: each answer is a new one.
		n := 0
		var byDigest = map[string][]byte{}
		s := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				next.ServeHTTP(w, r)
				return
			}
			raw := byDigest[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
			if raw == nil {
				below := aDigest
				for n = range 6 {
					raw = fmt.Appendf(nil, `{"schemaVersion":2,"annotations":{"n":"%d"},"manifests":[{"digest":%q,"size":9}]}`, n, below)
					below = string(store.DigestOf(raw))
					byDigest[below] = raw
				}
			}
			w.Header().Set("Content-Type", store.MediaTypeIndex)
			_, _ = w.Write(raw)
		})
		if _, err := newClient(t, Config{}).Resolve(t.Context(), s.ref(t, "app:1"), here); !errors.Is(err, images.ErrHostile) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTags(t *testing.T) {
	t.Parallel()
	pages := map[string]string{"": "a", "a": "c", "c": "b"}
	s := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			next.ServeHTTP(w, r)
			return
		}
		tag := pages[r.URL.Query().Get("last")]
		if pages[tag] != "" {
			// Another host in the link must not be followed.
			w.Header().Set("Link", fmt.Sprintf(`<https://169.254.169.254/v2/x/tags/list?last=%s&n=1>; rel="next"`, tag))
		}
		_, _ = fmt.Fprintf(w, `{"name":"app","tags":[%q]}`, tag)
	})
	got, err := newClient(t, Config{}).Tags(t.Context(), s.ref(t, "app:1"))
	if err != nil || strings.Join(got, "") != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	empty := serve(t)
	if _, err := newClient(t, Config{}).Tags(t.Context(), empty.ref(t, "app:1")); !errors.Is(err, images.ErrNotFound) {
		t.Errorf("unknown repository: %v", err)
	}
	endless := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Link", `</v2/app/tags/list?last=x>; rel="next"`)
		_, _ = fmt.Fprintf(w, `{"tags":[%s"z"]}`, strings.Repeat(`"x",`, 30_000))
	})
	if _, err := newClient(t, Config{}).Tags(t.Context(), endless.ref(t, "app:1")); !errors.Is(err, images.ErrHostile) {
		t.Errorf("endless list: %v", err)
	}
	for _, tag := range []string{"", "a b", "../../x", "a@sha256:0", "a:b", "-a", "a\n", strings.Repeat("a", 129)} {
		bad := serve(t, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			_ = json.NewEncoder(w).Encode(map[string]any{"tags": []string{"good", tag}})
		})
		if got, err := newClient(t, Config{}).Tags(t.Context(), bad.ref(t, "app:1")); !errors.Is(err, images.ErrHostile) {
			t.Errorf("the tag %q: %q, %v", tag, got, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-3": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:04:10 GMT": 5 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"99999999999999999999":          0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}

func TestContentRange(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"bytes 5-9/10": "5 10 true", "bytes 5-9/*": "5 -1 true", "bytes */10": "0 0 false",
		"": "0 0 false", "bytes 5/10": "0 0 false", "items 5-9/10": "0 0 false", "bytes 5-9/x": "5 0 false",
	} {
		first, total, ok := contentRange(s)
		if got := fmt.Sprint(first, total, ok); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

// However fast the work goes, the caller hears of each part at most 20 times a
// second, one call at a time, and always of the last state.
func TestProgressIsSampled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls, last int64
		busy := false
		r := newReporter(func(p images.Progress) {
			if busy {
				t.Error("two calls at once")
			}
			busy = true
			time.Sleep(time.Microsecond)
			busy = false
			calls++
			last = p.Done
		})
		for i := range int64(10_000) { // one second
			r.set(images.Progress{ID: "layer", Done: i, State: images.Downloading})
			time.Sleep(100 * time.Microsecond)
		}
		r.set(images.Progress{ID: "layer", Done: 10_000, State: images.Done})
		r.close()
		if calls > 22 || calls < 15 || last != 10_000 {
			t.Errorf("%d calls, the last with %d", calls, last)
		}
	})
}

// A failed read is repeated with growing pauses and not more often than told;
// what cannot get better is not repeated.
func TestPatience(t *testing.T) {
	t.Parallel()
	p := Patience{Attempts: 4, Backoff: time.Second, Longest: 3 * time.Second}.withDefaults()
	for _, tt := range []struct {
		name   string
		method string
		resp   *http.Response
		err    error
		calls  int
		takes  time.Duration
	}{
		{"overloaded", http.MethodGet, &http.Response{StatusCode: 503}, nil, 4, 6 * time.Second}, // 1 + 2 + 3
		{"told when", http.MethodGet, &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"3"}}}, nil, 4, 9 * time.Second},
		{"told much too late", http.MethodGet, &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"60"}}}, nil, 1, 0},
		{"cut", http.MethodHead, nil, errUnexpected, 4, 6 * time.Second},
		{"a write", http.MethodPost, &http.Response{StatusCode: 503}, nil, 1, 0},
		{"not found", http.MethodGet, &http.Response{StatusCode: 404}, nil, 1, 0},
		{"refused", http.MethodGet, nil, errRefused, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				rt := &patient{patience: p, inner: tripper(func(*http.Request) (*http.Response, error) {
					calls++
					if tt.resp == nil {
						return nil, tt.err
					}
					r := *tt.resp
					r.Body = http.NoBody
					return &r, nil
				})}
				begin := time.Now()
				req, _ := http.NewRequestWithContext(t.Context(), tt.method, "http://a.b/", nil)
				resp, err := rt.RoundTrip(req)
				if took := time.Since(begin); calls != tt.calls || took != tt.takes {
					t.Errorf("%d calls in %v, want %d in %v", calls, took, tt.calls, tt.takes)
				}
				if tt.resp != nil && (err != nil || resp.StatusCode != tt.resp.StatusCode) {
					t.Errorf("%v, %v", resp, err)
				}
			})
		})
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"`+store.MediaTypeConfig+`","digest":"`+aDigest+`","size":1},"layers":[]}`), store.MediaTypeManifest)
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"`+aDigest+`","size":1,"platform":{"os":"linux"}}]}`), "")
	f.Add([]byte(`{"fsLayers":null,"schemaVersion":1}`), "a/b; c=d")
	f.Fuzz(func(t *testing.T, raw []byte, header string) {
		m, x, err := parseDocument(raw, header)
		if (err == nil) != ((m == nil) != (x == nil)) && err == nil {
			t.Fatalf("%v, %v without an error", m, x)
		}
		if err != nil {
			var known *Error
			if !errors.As(err, &known) {
				t.Fatalf("an error without a class: %v", err)
			}
			return
		}
		if x != nil {
			choose(x.Manifests, here)
			return
		}
		for _, d := range m.Layers {
			if _, err := images.ParseDigest(string(d.Digest)); err != nil || d.Size < 0 {
				t.Fatalf("accepted layer %+v", d)
			}
		}
	})
}

var (
	errUnexpected error = &url.Error{Op: "Get", Err: io.ErrUnexpectedEOF}
	errRefused    error = &url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
)
