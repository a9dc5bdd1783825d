package nat

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
)

// family is what differs between IPv4 and IPv6.
type family struct {
	proto   byte // NFPROTO_IPV4 or NFPROTO_IPV6
	bytes   uint32
	source  uint32 // offsets in the packet's header
	dest    uint32
	own     *nftables.Set
	masq    *nftables.Set
	at      *nftables.Set
	any     *nftables.Set
	guarded *nftables.Set
}

type sets struct {
	internal, bridges, same *nftables.Set
	v4, v6                  family
}

func newSets(t *nftables.Table) sets {
	port := nftables.TypeInetService
	set := func(name string, key ...nftables.SetDatatype) *nftables.Set {
		s := &nftables.Set{Table: t, Name: name, KeyType: key[0]}
		if key[0] == nftables.TypeIFName {
			s.KeyByteOrder = binaryutil.NativeEndian // else nft(8) cannot print them
		}
		if len(key) > 1 {
			s.KeyType, s.Concatenation = nftables.MustConcatSetType(key...), true
		}
		return s
	}
	fam := func(suffix string, addr nftables.SetDatatype) family {
		f := family{
			own:     set("own"+suffix, addr, nftables.TypeIFName),
			masq:    set("masq"+suffix, addr),
			at:      set("at"+suffix, nftables.TypeInetProto, addr, port),
			any:     set("any"+suffix, nftables.TypeInetProto, port),
			guarded: set("guarded"+suffix, nftables.TypeIFName),
		}
		f.own.Interval, f.masq.Interval = true, true
		for _, m := range []*nftables.Set{f.at, f.any} {
			m.IsMap, m.DataType = true, nftables.MustConcatSetType(addr, port)
		}
		return f
	}
	v4, v6 := fam("4", nftables.TypeIPAddr), fam("6", nftables.TypeIP6Addr)
	v4.proto, v4.bytes, v4.source, v4.dest = 2, 4, 12, 16
	v6.proto, v6.bytes, v6.source, v6.dest = 10, 16, 8, 24
	return sets{
		internal: set("internal", nftables.TypeIFName), bridges: set("bridges", nftables.TypeIFName),
		same: set("same", nftables.TypeIFName, nftables.TypeIFName),
		v4:   v4, v6: v6,
	}
}

func (s *sets) all() []*nftables.Set {
	return append([]*nftables.Set{s.internal, s.bridges, s.same}, append(s.v4.sets(), s.v6.sets()...)...)
}

func (f *family) sets() []*nftables.Set {
	return []*nftables.Set{f.own, f.masq, f.at, f.any, f.guarded}
}

func (s *sets) of(a netip.Addr) *family {
	if a.Is4() {
		return &s.v4
	}
	return &s.v6
}

// ifname is an interface's name as the kernel compares it.
func ifname(name string) []byte {
	b := make([]byte, 16)
	copy(b, name)
	return b
}

// nameOf is the reverse of ifname.
func nameOf(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// field fills a part of a concatenation up to the size of a register.
func field(b ...byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func portField(p uint16) []byte { return field(binary.BigEndian.AppendUint16(nil, p)...) }

// target is the value of a published port.
func target(a netip.Addr, port uint16) []byte { return append(a.AsSlice(), portField(port)...) }

// targetAddr is the address in such a value.
func targetAddr(val []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(val[:max(0, len(val)-4)])
	return a
}

// last is the last address of a prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := range b {
		if left := p.Bits() - 8*i; left < 8 {
			b[i] |= byte(0xff >> max(0, left))
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// ownElement says that the addresses of p are at home on the bridge.
func ownElement(p netip.Prefix, bridge string) nftables.SetElement {
	return nftables.SetElement{
		Key:    append(p.Masked().Addr().AsSlice(), ifname(bridge)...),
		KeyEnd: append(last(p).AsSlice(), ifname(bridge)...),
	}
}

// interval is p as elements of a set of intervals: its first address, and the
// first one that is not of it any more.
func interval(p netip.Prefix) []nftables.SetElement {
	e := []nftables.SetElement{{Key: p.Masked().Addr().AsSlice()}}
	if end := last(p).Next(); end.IsValid() {
		e = append(e, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
	}
	return e
}
