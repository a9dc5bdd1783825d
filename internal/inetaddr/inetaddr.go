// Package inetaddr is IP addresses for what the monitor links. Package net/netip
// does it better, but initialises behind the packages of others, which would
// initialise in every monitor then (see internal/early).
//
// Invariant: the text of an address is one that net/netip reads as the same
// address, and texts of net/netip without a zone are read.
package inetaddr

import (
	"fmt"
	"strconv"
	"strings"
)

// Addr is an address of IPv4 or IPv6. The zero one is none. It is comparable.
type Addr struct {
	bytes [16]byte
	len   uint8 // 4, 16, or 0
}

// FromSlice makes an address of 4 or 16 bytes, as netip.Addr.AsSlice returns
// them; anything else makes none.
func FromSlice(b []byte) Addr {
	var a Addr
	if len(b) == 4 || len(b) == 16 {
		a.len = uint8(copy(a.bytes[:], b))
	}
	return a
}

// Slice is the address as bytes, in the network's order; nil of none.
func (a Addr) Slice() []byte {
	if a.len == 0 {
		return nil
	}
	return append([]byte(nil), a.bytes[:a.len]...)
}

// IsValid tells whether it is an address at all.
func (a Addr) IsValid() bool { return a.len != 0 }

// Is4 tells whether it is one of IPv4.
func (a Addr) Is4() bool { return a.len == 4 }

// As4 is an IPv4 address's bytes.
func (a Addr) As4() [4]byte { return [4]byte(a.bytes[:4]) }

// As16 is an IPv6 address's bytes.
func (a Addr) As16() [16]byte { return a.bytes }

// IsUnspecified tells whether it is 0.0.0.0 or ::.
func (a Addr) IsUnspecified() bool { return a.len != 0 && a.bytes == [16]byte{} }

// Unmap is the IPv4 address of ::ffff:0:0/96.
func (a Addr) Unmap() Addr {
	if a.len == 16 && [12]byte(a.bytes[:12]) == [12]byte{10: 0xff, 11: 0xff} {
		return FromSlice(a.bytes[12:])
	}
	return a
}

// String is the usual text of it, of IPv6 without abbreviation.
func (a Addr) String() string {
	switch a.len {
	case 4:
		return fmt.Sprintf("%d.%d.%d.%d", a.bytes[0], a.bytes[1], a.bytes[2], a.bytes[3])
	case 16:
		if a.IsUnspecified() {
			return "::"
		}
		var parts [8]string
		for i := range parts {
			parts[i] = strconv.FormatUint(uint64(a.bytes[2*i])<<8|uint64(a.bytes[2*i+1]), 16)
		}
		return strings.Join(parts[:], ":")
	}
	return ""
}

// MarshalText implements encoding.TextMarshaler.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Addr) UnmarshalText(b []byte) (err error) {
	*a, err = Parse(string(b))
	return err
}

// Parse reads an address; "" is none.
func Parse(s string) (Addr, error) {
	var b []byte
	ok := true
	switch {
	case s == "":
		return Addr{}, nil
	case strings.Contains(s, ":"):
		b, ok = parse6(s)
	default:
		b, ok = parse4(s)
	}
	if a := FromSlice(b); ok && a.IsValid() {
		return a, nil
	}
	return Addr{}, fmt.Errorf("parse address %q: not one of IPv4 or IPv6", s)
}

func parse4(s string) ([]byte, bool) {
	var b []byte
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 1 && part[0] == '0' {
			return nil, false
		}
		b = append(b, byte(n))
	}
	return b, len(b) == 4
}

func parse6(s string) ([]byte, bool) {
	head, tail, abbreviated := strings.Cut(s, "::")
	first, ok1 := groups(head, !abbreviated)
	rest, ok2 := groups(tail, true)
	missing := 16 - len(first) - len(rest)
	if !ok1 || !ok2 || missing < 0 || abbreviated != (missing > 0) {
		return nil, false
	}
	return append(append(first, make([]byte, missing)...), rest...), true
}

// groups reads what is on one side of "::". The very last group may be IPv4.
func groups(s string, last bool) ([]byte, bool) {
	if s == "" {
		return nil, true
	}
	var b []byte
	parts := strings.Split(s, ":")
	for i, part := range parts {
		if v4, ok := parse4(part); ok && last && i == len(parts)-1 && strings.Contains(part, ".") {
			return append(b, v4...), true
		}
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 {
			return nil, false
		}
		b = append(b, byte(n>>8), byte(n))
	}
	return b, true
}
