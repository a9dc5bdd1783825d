package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"

	"gantry/engine"
)

// dnsFlags are those of run and create that say how a container finds names.
type dnsFlags struct{ servers, options, search, hosts list }

func (d *dnsFlags) add(f *pflag.FlagSet) {
	f.Var(&d.servers, "dns", "Set custom DNS servers")
	f.Var(&d.options, "dns-option", "Set DNS options")
	f.Var(&d.options, "dns-opt", "Set DNS options")
	f.Var(&d.search, "dns-search", "Set custom DNS search domains (. is none)")
	f.Var(&d.hosts, "add-host", "Add a custom host-to-IP mapping (HOST:IP, or HOST:host-gateway for this machine)")
	_ = f.MarkHidden("dns-opt")
}

// set puts what the flags say into a container's options.
func (d *dnsFlags) set(h *engine.HostConfig) error {
	for _, s := range d.servers {
		if _, err := netip.ParseAddr(strings.TrimSpace(s)); err != nil {
			return fmt.Errorf("--dns %q: want an IP address", s)
		}
		h.DNS = append(h.DNS, strings.TrimSpace(s))
	}
	for _, s := range d.search {
		domain, err := searchDomain(s)
		if err != nil {
			return fmt.Errorf("--dns-search %q: %w", s, err)
		}
		h.DNSSearch = append(h.DNSSearch, domain)
	}
	for _, s := range d.options {
		if s == "" || strings.ContainsAny(s, " \t\r\n") {
			return fmt.Errorf("--dns-option %q: want one option of resolv.conf, such as ndots:2", s)
		}
		h.DNSOptions = append(h.DNSOptions, s)
	}
	for _, s := range d.hosts {
		line, err := extraHost(s)
		if err != nil {
			return fmt.Errorf("--add-host %q: %w", s, err)
		}
		h.ExtraHosts = append(h.ExtraHosts, line)
	}
	return nil
}

// searchDomain checks a domain; "." says that there is none.
func searchDomain(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "." {
		return s, nil
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", errors.New("want a domain")
		}
	}
	return s, nil
}

// extraHost reads docker's two forms, HOST:IP and HOST=IP, and makes the first
// one of it. An IPv6 address may have brackets.
func extraHost(s string) (string, error) {
	name, addr, ok := strings.Cut(s, "=")
	if !ok {
		name, addr, ok = strings.Cut(s, ":")
	}
	switch {
	case !ok || name == "" || addr == "":
		return "", errors.New("want HOST:IP")
	case strings.ContainsAny(name, " \t\r\n#:"):
		return "", errors.New("the name cannot be one of a host")
	case addr == "host-gateway":
		return name + ":" + addr, nil
	}
	if inner, ok := strings.CutPrefix(addr, "["); ok {
		addr = strings.TrimSuffix(inner, "]")
	}
	if _, err := netip.ParseAddr(addr); err != nil {
		return "", fmt.Errorf("%s is no IP address", addr)
	}
	return name + ":" + addr, nil
}
