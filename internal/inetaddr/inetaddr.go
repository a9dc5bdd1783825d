// Package inetaddr is IP addresses for what the monitor links. Package net/netip
// does it better, but initialises behind the packages of others, which would
// initialise in every monitor then (see internal/early). Whoever does not run in
// the monitor uses net/netip and converts with FromSlice.
//
// Invariant: addresses are read and written exactly as net/netip does it.
package inetaddr

import (
	"fmt"
	"strconv"
	"strings"
)

// Addr is an IPv4 or IPv6 address. It is comparable; the zero value is none.
type Addr struct {
	b    [16]byte // IPv4 in the first four
	size uint8    // 0, 4 or 16
	zone string   // the interface of a link-local address
}

// FromSlice makes an address of 4 or 16 bytes, as netip.Addr.AsSlice returns
// them; anything else makes none.
func FromSlice(b []byte) Addr {
	var a Addr
	if len(b) == 4 || len(b) == 16 {
		a.size = uint8(len(b))
		copy(a.b[:], b)
	}
	return a
}

// IsValid tells whether it is an address at all.
func (a Addr) IsValid() bool { return a.size != 0 }

// BitLen is 32, 128, or 0 of none.
func (a Addr) BitLen() int { return int(a.size) * 8 }

// Is4 tells whether it is of IPv4, Is6 of IPv6.
func (a Addr) Is4() bool { return a.size == 4 }
func (a Addr) Is6() bool { return a.size == 16 }

// As4 and As16 are its bytes.
func (a Addr) As4() [4]byte   { return [4]byte(a.b[:4]) }
func (a Addr) As16() [16]byte { return a.b }

// Slice is the address as bytes, in the network's order; nil of none.
func (a Addr) Slice() []byte {
	if a.size == 0 {
		return nil
	}
	return a.b[:a.size]
}

// IsUnspecified tells whether it is 0.0.0.0 or ::.
func (a Addr) IsUnspecified() bool { return a.size != 0 && a.b == [16]byte{} && a.zone == "" }

// Unmap is the IPv4 address of ::ffff:0:0/96.
func (a Addr) Unmap() Addr {
	if a.mapped() {
		return FromSlice(a.b[12:])
	}
	return a
}

func (a Addr) mapped() bool {
	return a.size == 16 && [12]byte(a.b[:12]) == [12]byte{10: 0xff, 11: 0xff}
}

// Zone is what follows the % of a link-local address.
func (a Addr) Zone() string { return a.zone }

// IsLoopback tells whether it is ::1 or of 127.0.0.0/8.
func (a Addr) IsLoopback() bool {
	return a.size == 4 && a.b[0] == 127 || a.size == 16 && a.b == [16]byte{15: 1}
}

// Parse reads an address; "" is none.
func Parse(s string) (Addr, error) {
	if s == "" {
		return Addr{}, nil
	}
	text, zone, zoned := strings.Cut(s, "%")
	var a Addr
	var ok bool
	if strings.Contains(text, ":") {
		a, ok = parse6(text)
		ok = ok && (!zoned || zone != "")
		a.zone = zone
	} else {
		a, ok = parse4(text)
		ok = ok && !zoned
	}
	if !ok {
		return Addr{}, fmt.Errorf("parse address %q: not one of IPv4 or IPv6", s)
	}
	return a, nil
}

func parse4(s string) (Addr, bool) {
	a := Addr{size: 4}
	rest := s
	for i := range 4 {
		part, more, dot := strings.Cut(rest, ".")
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || part[0] == '+' || len(part) > 1 && part[0] == '0' || dot != (i < 3) {
			return Addr{}, false
		}
		a.b[i], rest = byte(n), more
	}
	return a, true
}

func parse6(s string) (Addr, bool) {
	head, tail, gap := strings.Cut(s, "::")
	first, ok := groups(head, gap, !gap)
	if !ok {
		return Addr{}, false
	}
	last, ok := groups(tail, true, true)
	n := len(first) + len(last)
	if !ok || gap && n > 14 || !gap && n != 16 {
		return Addr{}, false
	}
	a := Addr{size: 16}
	copy(a.b[:], first)
	copy(a.b[16-len(last):], last)
	return a, true
}

// groups reads what is on one side of "::": groups of hexadecimal digits, the
// very last of which may be an IPv4 address.
func groups(s string, mayBeEmpty, last bool) (b []byte, ok bool) {
	if s == "" {
		return nil, mayBeEmpty
	}
	for more := true; more; {
		var part string
		part, s, more = strings.Cut(s, ":")
		if last && !more && strings.Contains(part, ".") {
			v4, ok := parse4(part)
			return append(b, v4.b[:4]...), ok && len(b) <= 12
		}
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 || part[0] == '+' || len(b) >= 16 {
			return nil, false
		}
		b = append(b, byte(n>>8), byte(n))
	}
	return b, true
}

// String is the address as RFC 5952 has it.
func (a Addr) String() string {
	switch a.size {
	case 4:
		return fmt.Sprintf("%d.%d.%d.%d", a.b[0], a.b[1], a.b[2], a.b[3])
	case 16:
		if a.zone != "" {
			return a.string6() + "%" + a.zone
		}
		return a.string6()
	}
	return ""
}

func (a Addr) string6() string {
	if a.mapped() {
		return "::ffff:" + a.Unmap().String()
	}
	from, to := a.zeros()
	var out []byte
	for i := 0; i < 8; i++ {
		if i == from {
			out = append(out, "::"...)
			if i = to; i == 8 {
				break
			}
		} else if i > 0 {
			out = append(out, ':')
		}
		out = strconv.AppendUint(out, uint64(a.b[2*i])<<8|uint64(a.b[2*i+1]), 16)
	}
	return string(out)
}

// zeros is the longest run of groups that are zero, the first of equal ones; -1:
// none is longer than one group.
func (a Addr) zeros() (from, to int) {
	from = -1
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && a.b[2*j] == 0 && a.b[2*j+1] == 0 {
			j++
		}
		if j-i > max(1, to-from) || from < 0 && j-i > 1 {
			from, to = i, j
		}
		i = max(i, j)
	}
	return from, to
}

// MarshalText implements encoding.TextMarshaler.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Addr) UnmarshalText(b []byte) (err error) {
	*a, err = Parse(string(b))
	return err
}

// AddrPort is a port at an address.
type AddrPort struct {
	Addr Addr   `json:"addr"`
	Port uint16 `json:"port"`
}

func (p AddrPort) String() string {
	if p.Addr.Is6() {
		return fmt.Sprintf("[%s]:%d", p.Addr, p.Port)
	}
	return fmt.Sprintf("%s:%d", p.Addr, p.Port)
}
