package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gantry/images"
)

// A session is an authenticated way to one repository at one endpoint.
type session struct {
	endpoint
	repo name.Repository
	http *http.Client
}

type sessionKey struct{ host, repo, scopes string }

// session authenticates for a repository. actions is "pull" or "push,pull";
// more are further scopes, for mounts from other repositories. Sessions are kept:
// their bearer token is renewed by ggcr when the registry wants a fresh one.
func (c *Client) session(ctx context.Context, ep endpoint, repository, actions string, more ...string) (*session, error) {
	reg, err := ep.registry()
	if err != nil {
		return nil, err
	}
	repo := reg.Repo(ep.repository(repository))
	scopes := append([]string{repo.Scope(actions)}, more...)
	key := sessionKey{ep.host, repo.RepositoryStr(), strings.Join(scopes, " ")}
	if s := c.kept(key); s != nil {
		return s, nil
	}
	auth, err := authn.Resolve(ctx, c.keys, repo)
	if err != nil {
		return nil, fmt.Errorf("read credentials for %s: %w", ep.title, err)
	}
	tr, err := transport.NewWithContext(ctx, reg, auth, c.base(ep), scopes)
	if err != nil {
		return nil, ep.explain(ctx, err, "")
	}
	s := &session{endpoint: ep, repo: repo, http: &http.Client{Transport: tr, CheckRedirect: ep.checkRedirect}}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[key] = s
	return s, nil
}

func (c *Client) kept(key sessionKey) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions[key]
}

// forget drops the sessions of a host, whose credentials have changed.
func (c *Client) forget(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.sessions {
		if key.host == host {
			delete(c.sessions, key)
		}
	}
}

// get asks for something below the repository. Any status but the wanted ones
// is an error that names what.
func (s *session) get(ctx context.Context, path, what string, header http.Header, wanted ...int) (*http.Response, error) {
	// The scheme is https until ggcr's transport puts in what the ping found.
	url := fmt.Sprintf("https://%s/v2/%s/%s", s.host, s.repo.RepositoryStr(), path)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, s.explain(ctx, err, what)
	}
	if err := transport.CheckError(resp, wanted...); err != nil {
		_ = resp.Body.Close()
		if answer := (*transport.Error)(nil); errors.As(err, &answer) {
			return nil, s.answered(answer, what, retryAfter(resp.Header, time.Now()))
		}
		return nil, s.explain(ctx, err, what)
	}
	return resp, nil
}

// readAll reads a body of at most limit bytes.
func (s *session) readAll(ctx context.Context, body io.Reader, limit int64, what string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, s.explain(ctx, err, what)
	}
	if int64(len(b)) > limit {
		return nil, s.fail(images.ErrHostile, what, "%s sent more than the %d bytes that are allowed", s.title, limit)
	}
	return b, nil
}
