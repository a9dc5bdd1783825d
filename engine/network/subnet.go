package network

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"gantry/engine"
)

// Pool is a range of addresses that subnets of equal size are cut from.
type Pool struct {
	Base netip.Prefix
	Bits int // of each subnet
}

// ParsePool checks a pool of the configuration.
func ParsePool(base string, bits int) (Pool, error) {
	p, err := netip.ParsePrefix(base)
	switch {
	case err != nil:
		return Pool{}, fmt.Errorf("%w address pool %q: want an address with its prefix length, as in 10.200.0.0/16", engine.ErrInvalid, base)
	case p != p.Masked():
		return Pool{}, fmt.Errorf("%w address pool %s: it begins at %s", engine.ErrInvalid, base, p.Masked())
	case bits < p.Bits() || bits > p.Addr().BitLen()-3:
		return Pool{}, fmt.Errorf("%w size %d of the subnets of address pool %s: want %d to %d bits", engine.ErrInvalid, bits, base, p.Bits(), p.Addr().BitLen()-3)
	}
	return Pool{Base: p, Bits: bits}, nil
}

// DefaultPools are docker's.
func DefaultPools() []Pool {
	var pools []Pool
	for _, p := range []struct {
		base string
		bits int
	}{
		{"172.17.0.0/16", 16}, {"172.18.0.0/15", 16}, {"172.20.0.0/14", 16}, {"172.24.0.0/14", 16}, {"172.28.0.0/14", 16},
		{"192.168.0.0/16", 20},
	} {
		pools = append(pools, Pool{Base: netip.MustParsePrefix(p.base), Bits: p.bits})
	}
	return pools
}

// Subnet is a range of addresses of one network.
type Subnet struct {
	Prefix  netip.Prefix          `json:"subnet"`
	Range   netip.Prefix          `json:"range,omitzero"` // the part that is given out; zero: all
	Gateway netip.Addr            `json:"gateway"`        // the bridge's own address
	Aux     map[string]netip.Addr `json:"aux,omitempty"`  // never given out
	// Chosen says that nobody asked for this one: another may take its place
	// while no container has an address of it.
	Chosen bool `json:"chosen,omitempty"`
}

// given is what inspect shows.
func (s Subnet) given() engine.Subnet {
	out := engine.Subnet{Subnet: s.Prefix.String(), Gateway: s.Gateway.String()}
	if s.Range.IsValid() {
		out.IPRange = s.Range.String()
	}
	for name, a := range s.Aux {
		if out.Aux == nil {
			out.Aux = make(map[string]string)
		}
		out.Aux[name] = a.String()
	}
	return out
}

// parseSubnet reads a subnet that was asked for.
func parseSubnet(o engine.Subnet) (Subnet, error) {
	p, err := netip.ParsePrefix(o.Subnet)
	if err != nil {
		return Subnet{}, fmt.Errorf("%w subnet %q: want an address with its prefix length, as in 10.1.0.0/24", engine.ErrInvalid, o.Subnet)
	}
	if p != p.Masked() {
		return Subnet{}, fmt.Errorf("%w subnet %s: it should be %s", engine.ErrInvalid, p, p.Masked())
	}
	if p.Bits() > p.Addr().BitLen()-2 {
		return Subnet{}, fmt.Errorf("%w subnet %s: it has no room for a gateway and a container", engine.ErrInvalid, p)
	}
	s := Subnet{Prefix: p}
	if o.IPRange != "" {
		if s.Range, err = netip.ParsePrefix(o.IPRange); err != nil {
			return s, fmt.Errorf("%w ip range %q: want an address with its prefix length", engine.ErrInvalid, o.IPRange)
		}
		if s.Range = s.Range.Masked(); s.Range.Bits() < p.Bits() || !p.Contains(s.Range.Addr()) {
			return s, fmt.Errorf("%w ip range %s: it is not in the subnet %s", engine.ErrInvalid, s.Range, p)
		}
	}
	s.Gateway = p.Addr().Next()
	if o.Gateway != "" {
		if s.Gateway, err = s.member("gateway", o.Gateway); err != nil {
			return s, err
		}
	}
	for name, a := range o.Aux {
		addr, err := s.member("auxiliary address "+name, a)
		if err != nil {
			return s, err
		}
		if addr == s.Gateway {
			return s, fmt.Errorf("%w auxiliary address %s: %s is the gateway", engine.ErrConflict, name, addr)
		}
		if s.Aux == nil {
			s.Aux = make(map[string]netip.Addr)
		}
		s.Aux[name] = addr
	}
	return s, nil
}

// member reads an address that has to be of the subnet, and usable by a host.
func (s Subnet) member(what, text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, fmt.Errorf("%w %s %q: it is no address", engine.ErrInvalid, what, text)
	}
	if !s.Prefix.Contains(a) {
		return a, fmt.Errorf("%w %s %s: it is not in the subnet %s", engine.ErrInvalid, what, a, s.Prefix)
	}
	if s.reserved(a) {
		return a, fmt.Errorf("%w %s %s: it is the first or the last address of %s, which no host can have", engine.ErrInvalid, what, a, s.Prefix)
	}
	return a, nil
}

// reserved tells of the address of the network itself, and of the broadcast
// address, which IPv6 does not have.
func (s Subnet) reserved(a netip.Addr) bool {
	return a == s.Prefix.Addr() || a.Is4() && a == last(s.Prefix)
}

// free tells whether a container may be given the address, as far as the subnet
// is concerned.
func (s Subnet) free(a netip.Addr) bool {
	if !s.Prefix.Contains(a) || s.reserved(a) || a == s.Gateway {
		return false
	}
	for _, x := range s.Aux {
		if a == x {
			return false
		}
	}
	return true
}

// pool is the part that addresses are given out of.
func (s Subnet) pool() netip.Prefix {
	if s.Range.IsValid() {
		return s.Range
	}
	return s.Prefix
}

// last is the highest address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// errNoSubnet is told when everything is taken.
var errNoSubnet = errors.New("all subnets of the address pools are taken")

// choose takes the first subnet of the pools that overlaps nothing of taken.
func choose(pools []Pool, taken []netip.Prefix) (Subnet, error) {
	for _, pool := range pools {
		if !pool.Base.Addr().Is4() {
			continue
		}
		for p := netip.PrefixFrom(pool.Base.Addr(), pool.Bits); pool.Base.Contains(p.Addr()); {
			if _, clash := overlap(p, taken); !clash {
				return Subnet{Prefix: p, Gateway: p.Addr().Next(), Chosen: true}, nil
			}
			next := last(p).Next()
			if !next.IsValid() {
				break
			}
			p = netip.PrefixFrom(next, pool.Bits)
		}
	}
	return Subnet{}, fmt.Errorf("%w: %w; name one with --subnet, or give more under [network] in config.toml", engine.ErrConflict, errNoSubnet)
}

// overlap finds something of taken that a prefix shares addresses with.
func overlap(p netip.Prefix, taken []netip.Prefix) (netip.Prefix, bool) {
	for _, t := range taken {
		if t.Overlaps(p) {
			return t, true
		}
	}
	return netip.Prefix{}, false
}

// chooseLocal draws a subnet of IPv6's unique local addresses (RFC 4193), whose
// 40 random bits make it differ from all others.
func chooseLocal(pools []Pool, taken []netip.Prefix) Subnet {
	for {
		b := [16]byte{0: 0xfd}
		for i := 1; i < 6; i++ {
			b[i] = byte(rand.Uint32())
		}
		p := netip.PrefixFrom(netip.AddrFrom16(b), 64)
		for _, pool := range pools {
			if pool.Base.Addr().Is6() {
				p = within(pool)
				break
			}
		}
		if _, clash := overlap(p, taken); !clash {
			return Subnet{Prefix: p, Gateway: p.Addr().Next(), Chosen: true}
		}
	}
}

// within draws a subnet of an IPv6 pool.
func within(pool Pool) netip.Prefix {
	b := pool.Base.Addr().As16()
	for i := pool.Base.Bits(); i < pool.Bits; i++ {
		if rand.Uint32()&1 == 1 {
			b[i/8] |= 0x80 >> (i % 8)
		}
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), pool.Bits)
}

// macFor makes an address of a network card from an IPv4 address, as docker
// does: whoever gets an address later has the same card, and neighbours that
// remember it are right.
func macFor(a netip.Addr) [6]byte {
	mac := [6]byte{0x02, 0x42}
	if a.Is4() {
		b := a.As4()
		copy(mac[2:], b[:])
		return mac
	}
	b := a.As16()
	copy(mac[2:], b[12:])
	mac[1] = 0x43 // another than that of an IPv4 address
	return mac
}
