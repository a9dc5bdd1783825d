package config

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"gantry/engine"
	"gantry/images"
	"gantry/internal/tomldoc"
)

// schema is the whole of what a file may say. It fills in c.
func (c *Config) schema(r *tomldoc.Reader) tomldoc.Fields {
	return tomldoc.Fields{
		"detach-keys": r.Text(&c.DetachKeys, checkDetachKeys),
		"registries":  c.registries(r),
		"log": func(k tomldoc.Key, v any) {
			r.Table(k, v, tomldoc.Fields{
				"max-size": size(r, &c.Log.MaxSize),
				"max-file": count(r, &c.Log.MaxFile),
			})
		},
		"network": func(k tomldoc.Key, v any) {
			r.Table(k, v, tomldoc.Fields{
				"default": r.Text(&c.Network.Default, checkNetwork),
				"pools":   c.pools(r),
			})
		},
		"ui": func(k tomldoc.Key, v any) {
			r.Table(k, v, tomldoc.Fields{
				"theme":      r.Text(&c.UI.Theme, nil),
				"mouse":      r.Flag(&c.UI.Mouse),
				"colors":     r.Word(&c.UI.Colors, Colors()...),
				"ascii":      choice(r, &c.UI.ASCII),
				"ask-before": r.Words(&c.UI.AskBefore, "stop", "restart"),
			})
		},
		"keys": c.keys(r),
	}
}

func (c *Config) registries(r *tomldoc.Reader) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		t, ok := tomldoc.Want[map[string]any](r, k, v, "a table")
		if !ok {
			return
		}
		c.Registries = make(map[string]Registry, len(t))
		for host, v := range t {
			k := k.Then(host)
			if err := checkHost(host); err != nil {
				r.Problem(k, "", "%v", err)
				continue
			}
			var reg Registry
			r.Table(k, v, tomldoc.Fields{
				"insecure": r.Flag(&reg.Insecure),
				"http":     r.Flag(&reg.HTTP),
				"mirrors": func(k tomldoc.Key, v any) {
					if l, ok := r.List(k, v, checkMirror); ok {
						reg.Mirrors = l
					}
				},
			})
			c.Registries[host] = reg
		}
	}
}

// pools are written "10.200.0.0/16 as /24".
func (c *Config) pools(r *tomldoc.Reader) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		c.Network.Pools = nil
		r.List(k, v, func(s string) (string, error) {
			p, err := parsePool(s)
			if err == nil {
				c.Network.Pools = append(c.Network.Pools, p)
			}
			return "", err
		})
	}
}

func parsePool(s string) (Pool, error) {
	base, size, ok := strings.Cut(s, " as /")
	p, err := netip.ParsePrefix(strings.TrimSpace(base))
	bits, serr := strconv.Atoi(strings.TrimSpace(size))
	switch {
	case !ok || err != nil || serr != nil:
		return Pool{}, fmt.Errorf(`%q is not a pool; write a range and the size of the subnets, for instance "10.200.0.0/16 as /24"`, s)
	case p != p.Masked():
		return Pool{}, fmt.Errorf("the pool %s begins at %s", p, p.Masked())
	case bits < p.Bits() || bits > p.Addr().BitLen()-3:
		return Pool{}, fmt.Errorf("subnets of the pool %s have prefixes of %d to %d bits", p, p.Bits(), p.Addr().BitLen()-3)
	}
	return Pool{Base: p.String(), Size: bits}, nil
}

// checkNetwork takes what could be the name of a network: which there are, only
// the engine knows.
func checkNetwork(s string) error {
	if err := engine.CheckName(s); err != nil {
		return fmt.Errorf("%q is not the name of a network; write bridge, none, host, or the name of one that you made", s)
	}
	return nil
}

// keys takes any action: which there are, the user interface knows.
func (c *Config) keys(r *tomldoc.Reader) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		t, ok := tomldoc.Want[map[string]any](r, k, v, "a table")
		if !ok {
			return
		}
		c.Keys = make(map[string][]string, len(t))
		for action, v := range t {
			if s, one := v.(string); one {
				v = []any{s}
			}
			if l, ok := r.List(k.Then(action), v, checkKey); ok {
				c.Keys[action] = l
			}
		}
	}
}

// choice is true, false, or not said.
func choice(r *tomldoc.Reader, into **bool) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		if b, ok := tomldoc.Want[bool](r, k, v, "true or false"); ok {
			*into = &b
		}
	}
}

func count(r *tomldoc.Reader, into *int) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		n, ok := tomldoc.Want[int64](r, k, v, "a whole number")
		switch {
		case !ok:
		case n < 1 || n > 10_000:
			r.Problem(k, "", "%s must be between 1 and 10000", k)
		default:
			*into = int(n)
		}
	}
}

func size(r *tomldoc.Reader, into *int64) func(tomldoc.Key, any) {
	return func(k tomldoc.Key, v any) {
		if n, ok := v.(int64); ok {
			v = strconv.FormatInt(n, 10)
		}
		s, ok := tomldoc.Want[string](r, k, v, `a size such as "64MiB"`)
		if !ok {
			return
		}
		n, err := ParseSize(s)
		switch {
		case err != nil:
			r.Problem(k, "", "%s: %v", k, err)
		case n < 4<<10:
			r.Problem(k, "", "%s must be at least 4KiB", k)
		default:
			*into = n
		}
	}
}

// ParseSize reads "10m", "10MiB", "10MB" or a number of bytes. As in docker,
// units are powers of 1024.
func ParseSize(s string) (int64, error) {
	num := strings.TrimRight(s, "abgikmtABGIKMT ")
	n, err := strconv.ParseFloat(num, 64)
	if err != nil || n < 0 || strings.Trim(num, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is not a size; write for instance 64MiB", s)
	}
	unit := strings.ToLower(strings.TrimSpace(s[len(num):]))
	power := strings.Index("kmgt", strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i"))
	switch {
	case unit == "" || unit == "b":
	case len(unit) > 3 || power < 0 || unit == "ib" || unit == "i":
		return 0, fmt.Errorf("%q is not a size: the unit %q is unknown", s, unit)
	default:
		n = math.Ldexp(n, 10*(power+1))
	}
	if n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return int64(n), nil
}

// checkDetachKeys accepts docker's grammar: keys separated by commas, each one
// character or ctrl- with a letter or one of @ [ \ ] ^ _.
func checkDetachKeys(s string) error {
	for k := range strings.SplitSeq(s, ",") {
		c, isCtrl := strings.CutPrefix(k, "ctrl-")
		switch {
		case len(k) == 1 && k[0] > ' ' && k[0] < 0x7f:
		case isCtrl && len(c) == 1 && (c[0] >= 'a' && c[0] <= 'z' || strings.Contains(`@[\]^_`, c)):
		default:
			return fmt.Errorf("%q is not a key; write one character or ctrl- and a letter, separated by commas", k)
		}
	}
	return nil
}

// checkHost accepts what can stand as the registry in a reference: the one
// parser of references decides.
func checkHost(host string) error {
	ref, err := images.ParseRef(host + "/name")
	if err != nil || ref.Registry != host {
		return fmt.Errorf("%q is not a registry as image references name it; write host or host:port, for instance docker.io or registry.lan:5000", host)
	}
	return nil
}

func checkMirror(m string) (string, error) {
	if scheme, host, ok := strings.Cut(m, "://"); ok {
		return "", fmt.Errorf("write the mirror %q without %s://; plain http is allowed by http = true in [registries.%q]", host, scheme, host)
	}
	host, prefix, _ := strings.Cut(m, "/")
	if err := checkHost(host); err != nil {
		return "", err
	}
	if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
		if _, err := images.ParseRef(host + "/" + prefix); err != nil {
			return "", fmt.Errorf("%q is not host[:port][/prefix]", m)
		}
	}
	return "", nil
}
