package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gantry/images"
)

// File reads a file of the web, the root file system of an import, say. What
// may be spoken to its host is what may be spoken to a registry there: TLS with
// a certificate that is trusted, unless the host is this machine or the
// configuration says otherwise, and no redirects into private networks. A user
// and password in the URL are for that host alone.
//
// Nothing tells what the bytes should be, so a stream that breaks is not put
// together from two answers: it is an error.
func (c *Client) File(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("download: %q is not an http or https URL", PublicURL(address))
	}
	ep, err := c.endpoint(u.Host)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	resp, err := c.get(ctx, ep, u)
	if err != nil {
		stop(nil)
		return nil, fmt.Errorf("download %s: %w", PublicURL(address), err)
	}
	f := &file{flow: newFlow(ctx, stop, resp.Body, c.cfg.Patience.Stall), size: resp.ContentLength}
	f.explain = func(err error) error {
		return fmt.Errorf("download %s: %w", PublicURL(address), ep.explain(context.WithoutCancel(ctx), err, ""))
	}
	return f, nil
}

func (c *Client) get(ctx context.Context, ep endpoint, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: c.base(ep), CheckRedirect: ep.checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, ep.explain(ctx, err, "")
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	discard(resp.Body)
	class := images.ErrUnavailable
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		class = images.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		class = images.ErrUnauthorized
	}
	return nil, ep.fail(class, "", "%s answered %s", ep.title, quoteAnswer(&transport.Error{StatusCode: resp.StatusCode}))
}

// PublicURL is an address without what may be secret in it: the password,
// and the query, where blob stores have their signatures.
func PublicURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the address"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// file is a download that explains why it ended too early.
type file struct {
	*flow
	at, size int64 // size is -1 when the server did not tell
	explain  func(error) error
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.flow.Read(p)
	f.at += int64(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	if err = f.explain(err); f.size >= 0 {
		err = fmt.Errorf("%w (after %d of %d bytes)", err, f.at, f.size)
	}
	return n, err
}
