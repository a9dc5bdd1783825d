package images

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest names content by its hash, in the form "sha256:<64 hex digits>"
// (OCI image spec, descriptor.md, "Digests").
type Digest string

// ParseDigest checks the form of s. Only sha256 is accepted: it is what every
// registry serves and what the store verifies.
func ParseDigest(s string) (Digest, error) {
	enc, ok := strings.CutPrefix(s, "sha256:")
	if !ok {
		return "", fmt.Errorf("parse digest %q: only sha256 digests are supported", s)
	}
	if len(enc) != 64 || strings.ToLower(enc) != enc {
		return "", fmt.Errorf("parse digest %q: after sha256: want 64 lower-case hexadecimal digits", s)
	}
	if _, err := hex.DecodeString(enc); err != nil {
		return "", fmt.Errorf("parse digest %q: after sha256: want 64 lower-case hexadecimal digits", s)
	}
	return Digest(s), nil
}

// Hex returns the hexadecimal part, without the algorithm.
func (d Digest) Hex() string {
	_, enc, _ := strings.Cut(string(d), ":")
	return enc
}

// Short returns the first 12 hexadecimal digits, as lists print it.
func (d Digest) Short() string {
	h := d.Hex()
	if len(h) > 12 {
		return h[:12]
	}
	return h
}

func (d Digest) String() string { return string(d) }
