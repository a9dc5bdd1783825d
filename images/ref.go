package images

import (
	"fmt"
	"strings"
)

// DefaultRegistry is where references without a registry host live.
const DefaultRegistry = "docker.io"

// Ref names an image in a registry: a repository with a tag, a digest or both.
// The zero Ref is invalid; make one with ParseRef.
type Ref struct {
	Registry   string // host[:port], "docker.io" for short names
	Repository string // path below the registry, "library/alpine"
	Tag        string // empty when only a digest was given
	Digest     Digest // empty when only a tag was given
}

// ParseRef reads a reference as docker does: "alpine" is
// docker.io/library/alpine:latest, the first component is a registry when it
// holds a dot or a colon or is "localhost", a name with a digest has no default
// tag. The grammar is distribution's reference.go.
func ParseRef(s string) (Ref, error) {
	bad := func(why string) (Ref, error) {
		return Ref{}, fmt.Errorf("parse image reference %q: %s", s, why)
	}
	if s == "" {
		return bad("it is empty; want a name such as alpine or registry.example/team/app:1.0")
	}
	if len(s) > 1024 {
		return bad("it is longer than 1024 characters")
	}
	var r Ref
	rest := s
	if i := strings.IndexByte(rest, '@'); i >= 0 {
		d, err := ParseDigest(rest[i+1:])
		if err != nil {
			return bad(err.Error())
		}
		r.Digest, rest = d, rest[:i]
	}
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		r.Tag, rest = rest[i+1:], rest[:i]
		if !ValidTag(r.Tag) {
			return bad("a tag is up to 128 letters, digits, dots, dashes and underscores and starts with a letter, digit or underscore")
		}
	}
	first, more, ok := strings.Cut(rest, "/")
	if ok && (strings.ContainsAny(first, ".:") || first == "localhost" || strings.ToLower(first) != first) {
		r.Registry, r.Repository = first, more
		if !validHost(first) {
			return bad(fmt.Sprintf("%q is not a registry host", first))
		}
	} else {
		r.Registry, r.Repository = DefaultRegistry, rest
	}
	if r.Registry == "index.docker.io" || r.Registry == "registry-1.docker.io" {
		r.Registry = DefaultRegistry
	}
	if r.Registry == DefaultRegistry && !strings.Contains(r.Repository, "/") {
		r.Repository = "library/" + r.Repository
	}
	if why := checkRepository(r.Repository); why != "" {
		return bad(why)
	}
	if r.Tag == "" && r.Digest == "" {
		r.Tag = "latest"
	}
	return r, nil
}

// Name is the full repository name, without tag or digest.
func (r Ref) Name() string { return r.Registry + "/" + r.Repository }

// FamiliarName is Name as people write it: docker.io and library/ left out.
func (r Ref) FamiliarName() string {
	if r.Registry != DefaultRegistry {
		return r.Name()
	}
	return strings.TrimPrefix(r.Repository, "library/")
}

// String is the full, unambiguous form.
func (r Ref) String() string { return r.Name() + r.suffix() }

// Familiar is the form that lists and messages print.
func (r Ref) Familiar() string { return r.FamiliarName() + r.suffix() }

// WithTag returns the same repository with another tag and no digest.
func (r Ref) WithTag(tag string) Ref {
	r.Tag, r.Digest = tag, ""
	return r
}

// WithDigest returns the same repository by digest only.
func (r Ref) WithDigest(d Digest) Ref {
	r.Tag, r.Digest = "", d
	return r
}

func (r Ref) suffix() string {
	s := ""
	if r.Tag != "" {
		s = ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// ValidTag tells whether a string can be a tag (distribution-spec, "Pulling
// manifests"): up to 128 letters, digits, "_", "." and "-".
func ValidTag(t string) bool {
	if t == "" || len(t) > 128 {
		return false
	}
	for i := range len(t) {
		if c := t[i]; !alnum(c) && c != '_' && (i == 0 || (c != '.' && c != '-')) {
			return false
		}
	}
	return true
}

func validHost(h string) bool {
	host, port, hasPort := strings.Cut(h, ":")
	if strings.HasPrefix(h, "[") { // IPv6 literal
		end := strings.IndexByte(h, ']')
		if end < 0 {
			return false
		}
		host, port = h[1:end], strings.TrimPrefix(h[end+1:], ":")
		hasPort = len(h) > end+1
		for i := range len(host) {
			if c := host[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == ':') {
				return false
			}
		}
	} else {
		for part := range strings.SplitSeq(host, ".") {
			if part == "" || part[0] == '-' || part[len(part)-1] == '-' {
				return false
			}
			for i := range len(part) {
				if c := part[i]; !alnum(c) && c != '-' {
					return false
				}
			}
		}
	}
	if !hasPort {
		return host != ""
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	return host != "" && port != "" && len(port) <= 5
}

func checkRepository(p string) string {
	if p == "" || len(p) > 255 {
		return "a repository name has 1 to 255 characters"
	}
	if strings.ToLower(p) != p {
		return "a repository name must be lower case"
	}
	for part := range strings.SplitSeq(p, "/") {
		if !validComponent(part) {
			return fmt.Sprintf("%q is not a valid part of a repository name (lower-case letters and digits, with single dots, one or two underscores or dashes between)", part)
		}
	}
	return ""
}

// validComponent implements [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*.
func validComponent(c string) bool {
	lower := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }
	if c == "" || !lower(c[0]) || !lower(c[len(c)-1]) {
		return false
	}
	for i := 0; i < len(c); {
		if lower(c[i]) {
			i++
			continue
		}
		j := i
		for j < len(c) && c[j] == c[i] {
			j++
		}
		run := j - i
		switch {
		case !lower(c[j]):
			return false
		case c[i] == '.' && run == 1, c[i] == '_' && run <= 2, c[i] == '-':
		default:
			return false
		}
		i = j
	}
	return true
}

func alnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
