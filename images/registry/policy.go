package registry

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"gantry/images"
)

// An endpoint is one host that can serve a reference: its registry or a mirror
// of that, with what may be spoken to it.
type endpoint struct {
	host   string // host[:port] for the wire
	title  string // the host as users know it
	prefix string // path before the repository, for mirrors below a path
	mirror bool

	plain      bool // plain http is allowed
	plainOnly  bool // and nothing else is tried
	unverified bool // certificates are not checked
}

// endpoints lists who is asked for images of a registry, in order.
func (c *Client) endpoints(registry string) ([]endpoint, error) {
	var all []endpoint
	for _, m := range c.cfg.Registries[registry].Mirrors {
		host, prefix, _ := strings.Cut(strings.Trim(m, "/"), "/")
		ep, err := c.endpoint(host)
		if err != nil {
			return nil, fmt.Errorf("mirror %q of %s: %w", m, registry, err)
		}
		ep.prefix, ep.mirror = prefix, true
		all = append(all, ep)
	}
	origin, err := c.endpoint(registry)
	if err != nil {
		return nil, err
	}
	return append(all, origin), nil
}

// endpoint applies the policy to a host. Loopback is treated as docker treats
// it: plain http and any certificate, for nobody can listen in between.
func (c *Client) endpoint(host string) (endpoint, error) {
	set := c.cfg.Registries[host]
	local := isLoopback(host)
	ep := endpoint{
		host:       host,
		title:      host,
		plain:      set.HTTP || set.Insecure || local,
		plainOnly:  set.HTTP,
		unverified: set.Insecure || local,
	}
	reg, err := ep.registry()
	if err != nil {
		return endpoint{}, fmt.Errorf("%q is not a registry host: %w", host, err)
	}
	ep.host = reg.RegistryStr() // docker.io becomes index.docker.io
	return ep, nil
}

// registry is the endpoint in ggcr's terms. Its Scheme is only a permission to
// try http: ggcr grants it to whole private networks by itself, which the gate
// takes back.
func (e endpoint) registry() (name.Registry, error) {
	if e.plain {
		return name.NewRegistry(e.host, name.Insecure)
	}
	return name.NewRegistry(e.host)
}

func (e endpoint) repository(repo string) string {
	if e.prefix == "" {
		return repo
	}
	return e.prefix + "/" + repo
}

// isLoopback tells whether host[:port] is this machine by its very name; names
// that merely resolve to a loopback address are not.
func isLoopback(host string) bool {
	h := hostname(host)
	if h == "localhost" || strings.HasSuffix(h, ".localhost") { // RFC 6761, 6.3
		return true
	}
	addr, err := netip.ParseAddr(h)
	return err == nil && addr.Unmap().IsLoopback()
}

// isPrivate tells whether a host is an address literal inside some private
// network. Whatever ends in a number is an address for the resolver
// ("2130706433", "127.1", "0x7f.1"), so the odd spellings count as private.
func isPrivate(host string) bool {
	h, _, _ := strings.Cut(hostname(host), "%")
	if addr, err := netip.ParseAddr(h); err == nil {
		addr = addr.Unmap()
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsUnspecified() ||
			addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast()
	}
	h = strings.TrimSuffix(h, ".")
	last := strings.ToLower(h[strings.LastIndexByte(h, '.')+1:])
	return last != "" && (strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == "")
}

func hostname(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return strings.Trim(hostport, "[]")
}

// owns tells whether a URL is on the endpoint itself.
func (e endpoint) owns(u *url.URL) bool {
	return canonical(u.Host, u.Scheme) == canonical(e.host, u.Scheme)
}

func canonical(hostport, scheme string) string {
	h, port, err := net.SplitHostPort(hostport)
	if err != nil {
		h = strings.Trim(hostport, "[]")
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return strings.ToLower(h) + ":" + port
}

// checkRef refuses what no registry can be asked for.
func checkRef(ref images.Ref) error {
	if ref.Registry == "" || ref.Repository == "" || ref.Tag == "" && ref.Digest == "" {
		return fmt.Errorf("image reference %q is not complete", ref.String())
	}
	return nil
}
