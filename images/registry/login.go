package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gantry/images"
)

// Login checks the credentials with the registry and stores them where docker
// stores its own, so that either tool uses the other's. It returns what docker
// would print. The empty registry is docker.io.
func (c *Client) Login(ctx context.Context, registry, user, password string) (string, error) {
	host := registryHost(registry)
	if user == "" || password == "" {
		return "", fmt.Errorf("log in to %s: a user name and a password are needed", host)
	}
	ep, err := c.endpoint(host)
	if err != nil {
		return "", fmt.Errorf("log in to %s: %w", host, err)
	}
	if err := c.tryLogin(ctx, ep, user, password); err != nil {
		var known *Error
		if errors.As(err, &known) && known.Class == images.ErrUnauthorized {
			known.Why = "the registry refuses this user name or password"
		}
		return "", fmt.Errorf("log in to %s: %w", host, err)
	}
	if err := c.docker().store(serverKey(host), user, password); err != nil {
		return "", fmt.Errorf("store credentials for %s: %w", host, err)
	}
	c.forget(ep.host)
	return "Login Succeeded", nil
}

// tryLogin asks for /v2/, which wants what any other request would: the
// password itself, or a token that the token server gives for it.
func (c *Client) tryLogin(ctx context.Context, ep endpoint, user, password string) error {
	reg, err := ep.registry()
	if err != nil {
		return err
	}
	auth := authn.FromConfig(authn.AuthConfig{Username: user, Password: password})
	tr, err := transport.NewWithContext(ctx, reg, auth, c.base(ep), nil)
	if err != nil {
		return ep.explain(ctx, err, "")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+ep.host+"/v2/", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: tr, CheckRedirect: ep.checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return ep.explain(ctx, err, "")
	}
	defer discard(resp.Body)
	return ep.explain(ctx, transport.CheckError(resp, http.StatusOK), "")
}

// Logout forgets the credentials of a registry. It is images.ErrNotFound when
// there were none.
func (c *Client) Logout(registry string) error {
	host := registryHost(registry)
	ep, err := c.endpoint(host)
	if err != nil {
		return fmt.Errorf("log out of %s: %w", host, err)
	}
	if err := c.docker().erase(serverKey(host)); err != nil {
		return fmt.Errorf("log out of %s: %w", host, err)
	}
	c.forget(ep.host)
	return nil
}

// registryHost takes what people type for a registry, URLs included.
func registryHost(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	switch s {
	case "", "index.docker.io", "registry-1.docker.io", "hub.docker.com":
		return images.DefaultRegistry
	}
	return s
}

// serverKey is docker's key for a registry in its configuration and helpers.
func serverKey(host string) string {
	if host == images.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return host
}
