package resolv

import (
	"slices"
	"strings"

	"gantry/internal/inetaddr"
)

// HostFile is the host's resolv.conf, as every program of the host reads it.
const HostFile = "/etc/resolv.conf"

// Conf is a resolv.conf (resolv.conf(5)).
type Conf struct {
	Servers []inetaddr.Addr
	Search  []string
	Options []string
}

// Parse reads a resolv.conf. What cannot be understood is passed over, as
// resolvers do; the last search or domain counts.
func Parse(text string) Conf {
	var c Conf
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0][0] == '#' || f[0][0] == ';' {
			continue
		}
		switch f[0] {
		case "nameserver":
			if a, err := inetaddr.Parse(f[1]); err == nil && !slices.Contains(c.Servers, a) {
				c.Servers = append(c.Servers, a)
			}
		case "domain":
			c.Search = f[1:2]
		case "search":
			c.Search = f[1:]
		case "options":
			c.Options = append(c.Options, f[1:]...)
		}
	}
	return c
}

// String is the file. The comment says who wrote it.
func (c Conf) String() string {
	var b strings.Builder
	b.WriteString("# Made by gantry for this container.\n")
	for _, s := range c.Servers {
		b.WriteString("nameserver " + s.String() + "\n")
	}
	if len(c.Search) > 0 {
		b.WriteString("search " + strings.Join(c.Search, " ") + "\n")
	}
	if len(c.Options) > 0 {
		b.WriteString("options " + strings.Join(c.Options, " ") + "\n")
	}
	return b.String()
}

// with puts what a container asked for in the place of the host's. A search of
// "." means none, as in docker.
func (c Conf) with(wish Conf) Conf {
	if len(wish.Servers) > 0 {
		c.Servers = wish.Servers
	}
	if len(wish.Search) > 0 {
		c.Search = wish.Search
	}
	if slices.Equal(c.Search, []string{"."}) {
		c.Search = nil
	}
	if len(wish.Options) > 0 {
		c.Options = wish.Options
	}
	return c
}

// Answered is for a container whose responder, at an address of the container's
// own, asks the servers. A name without a dot is then looked up as it is first
// (ndots:0), because names of containers are such.
func Answered(host, wish Conf, responder inetaddr.Addr) Conf {
	c := host.with(wish)
	c.Servers = []inetaddr.Addr{responder}
	if !slices.ContainsFunc(c.Options, func(o string) bool { return strings.HasPrefix(o, "ndots:") }) {
		c.Options = append(slices.Clip(c.Options), "ndots:0")
	}
	return c
}

// Direct is for a container in a namespace of its own that asks the servers
// itself. ok is false when it could reach none: loopback addresses of the host
// are not its own, and those of IPv6 need an address of it (v6).
func Direct(host, wish Conf, v6 bool) (c Conf, ok bool) {
	host.Servers = slices.DeleteFunc(slices.Clone(host.Servers), func(a inetaddr.Addr) bool {
		return a.IsLoopback() || a.IsUnspecified() || a.Zone() != "" || a.Is6() && !v6
	})
	c = host.with(wish)
	return c, len(c.Servers) > 0
}

// Shared is for a container on the host's own network. Without wishes it is
// better given the host's file as it is.
func Shared(host, wish Conf) Conf { return host.with(wish) }

// Empty tells that nothing was asked for.
func (c Conf) Empty() bool { return len(c.Servers)+len(c.Search)+len(c.Options) == 0 }
