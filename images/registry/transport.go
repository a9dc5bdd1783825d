package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// newTransport makes a transport for blobs. Compression must stay off: Go would
// add "Accept-Encoding: gzip" and unpack the answer behind our back, which
// breaks both digests and ranges.
func newTransport(unverified bool) *http.Transport {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   8,
		DisableCompression:    true,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       256 << 10,
	}
	if unverified {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // policy.go decides for which hosts
	}
	return t
}

var (
	errPlain    = errors.New("plain http is not allowed for this registry")
	errTLS      = errors.New("the configuration says plain http only")
	errRedirect = errors.New("refused a redirect")
	errStalled  = errors.New("the stream stalled")
)

// A gate keeps every request to the endpoint's policy, whoever made it: ggcr's
// ping (which would fall back to http for any private address), the token
// exchange, and redirects.
type gate struct {
	endpoint
	verified, unverified http.RoundTripper
}

func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	own := g.owns(req.URL)
	switch {
	case req.URL.Scheme == "http" && !g.plain:
		return nil, errPlain
	case req.URL.Scheme == "https" && own && g.plainOnly:
		return nil, errTLS
	case own && g.endpoint.unverified:
		return g.unverified.RoundTrip(req)
	}
	return g.verified.RoundTrip(req)
}

// checkRedirect is for http.Client. A registry on the internet that redirects
// into a private network would use us to reach what it cannot, for instance a
// cloud's metadata service. Registries inside such a network may.
func (e endpoint) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return fmt.Errorf("%w: too many of them", errRedirect)
	}
	if !e.owns(req.URL) && isPrivate(req.URL.Host) && !isPrivate(e.host) && !isLoopback(e.host) {
		return fmt.Errorf("%w from a public registry to the private address %s", errRedirect, req.URL.Host)
	}
	return nil
}

// A patient repeats reads that failed for a reason that may pass: the server
// answered that it is overloaded or broken, or the connection was cut before an
// answer came. Requests with a body are repeated by who can rewind the body.
type patient struct {
	inner    http.RoundTripper
	patience Patience
}

type impatientKey struct{}

// impatient marks requests whose caller repeats them itself, so that attempts
// are not multiplied.
func impatient(ctx context.Context) context.Context {
	return context.WithValue(ctx, impatientKey{}, true)
}

func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	once := ctx.Value(impatientKey{}) != nil || (req.Method != http.MethodGet && req.Method != http.MethodHead)
	for try := 1; ; try++ {
		resp, err := p.inner.RoundTrip(req)
		if once || try >= p.patience.Attempts {
			return resp, err
		}
		var after time.Duration
		switch {
		case err != nil && !passing(ctx, err), err == nil && !overloaded(resp.StatusCode):
			return resp, err
		case err == nil:
			if after = retryAfter(resp.Header, time.Now()); after > p.patience.Longest {
				return resp, nil // the caller reports how long the registry wants
			}
			discard(resp.Body)
		}
		if err := p.patience.wait(ctx, try, after); err != nil {
			return nil, err
		}
	}
}

// wait sleeps before the next try: at least what the server asked for, else
// exponentially longer.
func (p Patience) wait(ctx context.Context, try int, after time.Duration) error {
	pause := min(p.Backoff<<min(try-1, 16), p.Longest)
	timer := time.NewTimer(max(pause, after))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func overloaded(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// passing tells whether a failed request may work when it is sent again. What
// fails before there is a connection (refused, unknown host, no route) does not
// count: the user should hear of that at once.
func passing(ctx context.Context, err error) bool {
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil, errors.As(err, &op) && op.Op == "dial":
		return false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return true
	}
	return errors.As(err, &timeout) && timeout.Timeout()
}

// retryAfter reads the header's two forms (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 1<<30)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

// discard reads a little of a body that nobody wants, so that its connection
// can be used again, and closes it.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
