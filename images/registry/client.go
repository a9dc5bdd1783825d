package registry

import (
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Config is what a Client needs to know. The zero Config is usable: no mirrors,
// the credentials of docker and podman, three downloads at once.
type Config struct {
	// Registries holds what the user configured, by registry host as it stands
	// in references ("docker.io", "registry.example:5000").
	Registries map[string]Registry

	// Keychain finds credentials; nil means docker's configuration and helpers,
	// else podman's containers/auth.json.
	Keychain authn.Keychain

	// DockerDir is the folder of docker's config.json, where Login writes;
	// empty means $DOCKER_CONFIG, else ~/.docker.
	DockerDir string

	UserAgent string // "gantry" when empty

	// Parallel is how many blobs are in transfer at once, 3 when zero: docker's
	// number, enough to fill a line and few enough for any registry.
	Parallel int

	// Patience is how failed requests are repeated.
	Patience Patience
}

// Registry is what the user configured for one registry host.
type Registry struct {
	Mirrors  []string // "host[:port][/prefix]", asked in this order before the registry
	Insecure bool     // accept any certificate, and plain http where there is no TLS
	HTTP     bool     // plain http only
}

// Client talks to registries. It is safe for concurrent use.
type Client struct {
	cfg  Config
	keys authn.Keychain

	verified   *http.Transport // certificates are checked
	unverified *http.Transport // for the hosts that policy.go exempts
	slots      chan struct{}   // one per blob in transfer

	mu       sync.Mutex
	sessions map[sessionKey]*session // guarded by mu
}

// New returns a Client. It opens no connection and reads no file.
func New(cfg Config) *Client {
	if cfg.UserAgent == "" {
		cfg.UserAgent = "gantry"
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 3
	}
	cfg.Patience = cfg.Patience.withDefaults()
	c := &Client{
		cfg:        cfg,
		keys:       cfg.Keychain,
		verified:   newTransport(false),
		unverified: newTransport(true),
		slots:      make(chan struct{}, cfg.Parallel),
		sessions:   map[sessionKey]*session{},
	}
	if c.keys == nil {
		c.keys = defaultKeychain(cfg.DockerDir)
	}
	return c
}

// Close drops the idle connections.
func (c *Client) Close() {
	c.verified.CloseIdleConnections()
	c.unverified.CloseIdleConnections()
}

// base is the lowest layer below the authentication: it repeats, it keeps to
// the endpoint's policy, it sends.
func (c *Client) base(ep endpoint) http.RoundTripper {
	gate := &gate{endpoint: ep, verified: c.verified, unverified: c.unverified}
	return transport.NewUserAgent(&patient{inner: gate, patience: c.cfg.Patience}, c.cfg.UserAgent)
}

// Patience says how often and how long failed requests are repeated. The total
// is bounded by the caller's context.
type Patience struct {
	Attempts int           // tries of one request, or breaks of one stream without progress; 5 when zero
	Backoff  time.Duration // wait before the second try, doubled each time; 250 ms when zero
	Longest  time.Duration // longest single wait, also of a Retry-After; 30 s when zero
	Stall    time.Duration // a stream that sends nothing for so long counts as broken; 60 s when zero
}

func (p Patience) withDefaults() Patience {
	if p.Attempts <= 0 {
		p.Attempts = 5
	}
	if p.Backoff <= 0 {
		p.Backoff = 250 * time.Millisecond
	}
	if p.Longest <= 0 {
		p.Longest = 30 * time.Second
	}
	if p.Stall <= 0 {
		p.Stall = time.Minute
	}
	return p
}
