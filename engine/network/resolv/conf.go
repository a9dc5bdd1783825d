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
		f := strings.Fields(strings.TrimSpace(line))
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
