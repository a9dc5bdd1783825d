package resolv

import (
	"strings"

	"gantry/internal/inetaddr"
)

// base is what every container's hosts file begins with, as in docker.
const base = "127.0.0.1\tlocalhost\n" +
	"::1\tlocalhost ip6-localhost ip6-loopback\n" +
	"fe00::\tip6-localnet\n" +
	"ff00::\tip6-mcastprefix\n" +
	"ff02::1\tip6-allnodes\n" +
	"ff02::2\tip6-allrouters\n"

// Host is a line of a hosts file.
type Host struct {
	Addr inetaddr.Addr
	Name string // or several, with spaces between
}

func (h Host) line() string { return h.Addr.String() + "\t" + h.Name + "\n" }

// Hosts is a container's hosts file: extra are the lines that were asked for,
// own the container's own addresses.
func Hosts(extra, own []Host) string {
	var b strings.Builder
	b.WriteString(base)
	for _, list := range [][]Host{extra, own} {
		for _, h := range list {
			b.WriteString(h.line())
		}
	}
	return b.String()
}

// Own are the lines of a container's own addresses. Of a name with a domain, as
// part of the host name or beside it, the first label is a name as well.
func Own(addrs []inetaddr.Addr, hostname, domainname string) []Host {
	name := hostname
	if domainname != "" {
		name += "." + domainname
	}
	if short, _, ok := strings.Cut(name, "."); ok {
		name += " " + short
	}
	var list []Host
	for _, a := range addrs {
		list = append(list, Host{a, name})
	}
	return list
}

// Change takes lines out of a hosts file and adds others at its end. What the
// container itself has written there stays.
func Change(text string, gone, come []Host) string {
	drop := make(map[string]bool, len(gone))
	for _, h := range gone {
		drop[h.line()] = true
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !drop[line] {
			b.WriteString(line)
		}
	}
	if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		b.WriteString("\n")
	}
	for _, h := range come {
		b.WriteString(h.line())
	}
	return b.String()
}
