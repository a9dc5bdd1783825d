package images

import (
	"fmt"
	"runtime"
	"strings"
)

// Platform is an operating system, a CPU architecture and its variant, with
// the names of the OCI image index specification (Go's GOOS and GOARCH).
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
}

// HostPlatform is the platform that this program was built for.
func HostPlatform() Platform {
	p := Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
	if p.Architecture == "arm64" {
		p.Variant = "v8"
	}
	return p
}

// ParsePlatform reads "os/arch[/variant]", "arch" alone, and the usual aliases
// (x86_64, aarch64, armhf).
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(strings.ToLower(s), "/")
	p := Platform{OS: "linux"}
	switch {
	case s == "" || len(parts) > 3:
		return Platform{}, fmt.Errorf("parse platform %q: want os/arch or os/arch/variant, for instance linux/arm64", s)
	case len(parts) == 1 && parts[0] != "linux":
		p.Architecture = parts[0]
	case len(parts) == 1:
		return Platform{OS: "linux", Architecture: runtime.GOARCH}, nil
	default:
		p.OS, p.Architecture = parts[0], parts[1]
		if len(parts) == 3 {
			p.Variant = parts[2]
		}
	}
	for _, part := range parts {
		if part == "" {
			return Platform{}, fmt.Errorf("parse platform %q: an empty part; want os/arch or os/arch/variant", s)
		}
	}
	return p.Normalize(), nil
}

// Normalize maps the aliases of architectures to their canonical names.
func (p Platform) Normalize() Platform {
	switch p.Architecture {
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "i386", "i686":
		p.Architecture = "386"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	}
	if p.Architecture == "arm64" && p.Variant == "" {
		p.Variant = "v8"
	}
	if p.Architecture == "amd64" && p.Variant == "v1" {
		p.Variant = ""
	}
	return p
}

// Matches tells whether content for p runs on want. A variant that want does
// not name matches any.
func (p Platform) Matches(want Platform) bool {
	p, want = p.Normalize(), want.Normalize()
	return p.OS == want.OS && p.Architecture == want.Architecture &&
		(want.Variant == "" || p.Variant == "" || p.Variant == want.Variant)
}

// String is "os/arch" or "os/arch/variant"; arm64's only variant is left out,
// as docker prints it.
func (p Platform) String() string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" && !(p.Architecture == "arm64" && p.Variant == "v8") {
		s += "/" + p.Variant
	}
	return s
}
