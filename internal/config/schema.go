package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gantry/images"
)

// schema is the whole of what a file may say. It fills in c.
func (c *Config) schema(r *reader) fields {
	return fields{
		"detach-keys": text(r, &c.DetachKeys, checkDetachKeys),
		"registries":  c.registries(r),
		"log": func(k key, v any) {
			r.table(k, v, fields{
				"max-size": size(r, &c.Log.MaxSize),
				"max-file": count(r, &c.Log.MaxFile),
			})
		},
		"ui": func(k key, v any) {
			r.table(k, v, fields{
				"theme":      text(r, &c.UI.Theme, nil),
				"mouse":      flag(r, &c.UI.Mouse),
				"ascii":      flag(r, &c.UI.ASCII),
				"ask-before": words(r, &c.UI.AskBefore, "stop", "restart"),
			})
		},
		"keys": c.keys(r),
	}
}

func (c *Config) registries(r *reader) func(key, any) {
	return func(k key, v any) {
		t, ok := want[map[string]any](r, k, v, "a table")
		if !ok {
			return
		}
		c.Registries = make(map[string]Registry, len(t))
		for host, v := range t {
			k := k.then(host)
			if err := checkHost(host); err != nil {
				r.problem(k, "", "%v", err)
				continue
			}
			var reg Registry
			r.table(k, v, fields{
				"insecure": flag(r, &reg.Insecure),
				"http":     flag(r, &reg.HTTP),
				"mirrors": func(k key, v any) {
					if l, ok := r.list(k, v, checkMirror); ok {
						reg.Mirrors = l
					}
				},
			})
			c.Registries[host] = reg
		}
	}
}

// keys takes any action: which there are, the user interface knows.
func (c *Config) keys(r *reader) func(key, any) {
	return func(k key, v any) {
		t, ok := want[map[string]any](r, k, v, "a table")
		if !ok {
			return
		}
		c.Keys = make(map[string][]string, len(t))
		for action, v := range t {
			if s, one := v.(string); one {
				v = []any{s}
			}
			if l, ok := r.list(k.then(action), v, checkKey); ok {
				c.Keys[action] = l
			}
		}
	}
}

func text(r *reader, into *string, check func(string) error) func(key, any) {
	return func(k key, v any) {
		s, ok := want[string](r, k, v, "a text")
		if !ok {
			return
		}
		if check != nil {
			if err := check(s); err != nil {
				r.problem(k, "", "%s: %v", k, err)
				return
			}
		}
		*into = s
	}
}

func flag(r *reader, into *bool) func(key, any) {
	return func(k key, v any) {
		if b, ok := want[bool](r, k, v, "true or false"); ok {
			*into = b
		}
	}
}

func count(r *reader, into *int) func(key, any) {
	return func(k key, v any) {
		n, ok := want[int64](r, k, v, "a whole number")
		switch {
		case !ok:
		case n < 1 || n > 10_000:
			r.problem(k, "", "%s must be between 1 and 10000", k)
		default:
			*into = int(n)
		}
	}
}

func size(r *reader, into *int64) func(key, any) {
	return func(k key, v any) {
		if n, ok := v.(int64); ok {
			v = strconv.FormatInt(n, 10)
		}
		s, ok := want[string](r, k, v, `a size such as "64MiB"`)
		if !ok {
			return
		}
		n, err := ParseSize(s)
		switch {
		case err != nil:
			r.problem(k, "", "%s: %v", k, err)
		case n < 4<<10:
			r.problem(k, "", "%s must be at least 4KiB", k)
		default:
			*into = n
		}
	}
}

// words takes a list out of a fixed set.
func words(r *reader, into *[]string, valid ...string) func(key, any) {
	return func(k key, v any) {
		l, ok := r.list(k, v, func(s string) (string, error) {
			if slices.Contains(valid, s) {
				return "", nil
			}
			return nearest(s, valid), fmt.Errorf("%q is none of %s", s, strings.Join(valid, ", "))
		})
		if ok {
			*into = l
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

func checkKey(s string) (string, error) {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%q is not the name of a key", s)
	}
	return "", nil
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
