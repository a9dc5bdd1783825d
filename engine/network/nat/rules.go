package nat

import (
	"encoding/binary"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

type rule = []expr.Any

type chain struct {
	chain *nftables.Chain
	rules []rule
}

// chains are all rules of the table; see the package comment.
func (t *Table) chains() []chain {
	s := &t.sets
	base := func(name string, typ nftables.ChainType, hook *nftables.ChainHook, prio *nftables.ChainPriority) *nftables.Chain {
		return &nftables.Chain{Table: t.t, Name: name, Type: typ, Hooknum: hook, Priority: prio}
	}
	return []chain{
		{base("prerouting", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest), append(s.v4.published(nil), s.v6.published(nil)...)},
		{base("output", nftables.ChainTypeNAT, nftables.ChainHookOutput, nftables.ChainPriorityNATDest), append(s.v4.published(s.v4.notLoopback()), s.v6.published(s.v6.notLoopback())...)},
		{base("forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter), s.forward()},
		{base("postrouting", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource), append(s.v4.masquerade(), s.v6.masquerade()...)},
	}
}

// published sends what is for a host address on to a container. The rule for one
// address comes first: it is the more special.
func (f *family) published(more rule) []rule {
	local := join(f.is(), more, rule{
		&expr.Fib{Register: reg(0), FlagDADDR: true, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg(0), Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg(0)},
	})
	dnat := &expr.NAT{Type: expr.NATTypeDestNAT, Family: uint32(f.proto), RegAddrMin: reg(0), RegProtoMin: reg(f.bytes / 4)}
	return []rule{
		join(local, rule{f.load(f.dest, reg(1)), destPort(reg(1 + f.bytes/4)), into(f.at), dnat}),
		join(local, rule{destPort(reg(1)), into(f.any), dnat}),
	}
}

// notLoopback leaves loopback to the monitor: see the package comment.
func (f *family) notLoopback() rule {
	if f.bytes == 4 {
		return rule{
			f.load(f.dest, reg(0)),
			&expr.Bitwise{SourceRegister: reg(0), DestRegister: reg(0), Len: 4, Mask: []byte{255, 0, 0, 0}, Xor: make([]byte, 4)},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: reg(0), Data: []byte{127, 0, 0, 0}},
		}
	}
	return rule{f.load(f.dest, reg(0)), &expr.Cmp{Op: expr.CmpOpNeq, Register: reg(0), Data: append(make([]byte, 15), 1)}}
}

// forward is who may talk to whom. Connections from a bridge to its own are the
// only ones into a bridge that need no published port.
func (s *sets) forward() []rule {
	iif, oif := ifaceName(expr.MetaKeyIIFNAME, reg(0)), ifaceName(expr.MetaKeyOIFNAME, reg(0))
	stays := func(invert bool) rule {
		return rule{ifaceName(expr.MetaKeyIIFNAME, reg(0)), ifaceName(expr.MetaKeyOIFNAME, reg(4)), in(s.same, invert)}
	}
	return []rule{
		join(rule{iif, in(s.internal, false)}, stays(true), verdict(expr.VerdictDrop)),
		join(rule{oif, in(s.internal, false)}, stays(true), verdict(expr.VerdictDrop)),
		s.v4.guard(s), s.v6.guard(s),
		join(rule{oif, in(s.bridges, true)}, verdict(expr.VerdictAccept)),
		join(state(ctEstablished|ctRelated), verdict(expr.VerdictAccept)),
		join(status(expr.CmpOpNeq), verdict(expr.VerdictAccept)),
		join(stays(false), verdict(expr.VerdictAccept)),
		join(rule{&expr.Counter{}}, verdict(expr.VerdictDrop)),
	}
}

// guard drops what a host that forwards nothing would drop, see forwarding.go.
func (f *family) guard(s *sets) rule {
	between := rule{ifaceName(expr.MetaKeyOIFNAME, reg(0)), in(s.bridges, true), ifaceName(expr.MetaKeyIIFNAME, reg(0)), in(f.guarded, false)}
	return join(f.is(), between, state(ctNew), status(expr.CmpOpEq), verdict(expr.VerdictDrop))
}

// masquerade: a container that reaches another of its bridge, or itself, by way
// of a published port must see the answer come from where it asked; without the
// host's address the answer would go past the host.
func (f *family) masquerade() []rule {
	home := join(f.is(), rule{f.load(f.source, reg(0)), ifaceName(expr.MetaKeyOIFNAME, reg(f.bytes/4)), in(f.own, false)})
	return []rule{
		join(home, status(expr.CmpOpNeq), rule{&expr.Masq{}}),
		join(home, verdict(expr.VerdictAccept)),
		join(f.is(), rule{f.load(f.source, reg(0)), in(f.masq, false), &expr.Masq{}}),
	}
}

// Bits of conntrack: NF_CT_STATE_BIT and IPS_DST_NAT of the kernel's headers.
const (
	ctEstablished = 1 << 1
	ctRelated     = 1 << 2
	ctNew         = 1 << 3
	ctDestNAT     = 1 << 5
)

func state(bits uint32) rule { return flags(expr.CtKeySTATE, bits, expr.CmpOpNeq) }

// status matches connections whose destination was rewritten (CmpOpNeq), or was
// not (CmpOpEq).
func status(op expr.CmpOp) rule { return flags(expr.CtKeySTATUS, ctDestNAT, op) }

func flags(key expr.CtKey, bits uint32, op expr.CmpOp) rule {
	return rule{
		&expr.Ct{Key: key, Register: reg(0)},
		&expr.Bitwise{SourceRegister: reg(0), DestRegister: reg(0), Len: 4, Mask: binary.NativeEndian.AppendUint32(nil, bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg(0), Data: make([]byte, 4)},
	}
}

// is matches packets of the family.
func (f *family) is() rule {
	return rule{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg(0)}, &expr.Cmp{Op: expr.CmpOpEq, Register: reg(0), Data: []byte{f.proto}}}
}

func (f *family) load(offset, register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: f.bytes}
}

// destPort loads the destination port: tcp, udp and sctp have it at the same
// place, and the maps have no other protocol.
func destPort(register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
}

func ifaceName(key expr.MetaKey, register uint32) expr.Any {
	return &expr.Meta{Key: key, Register: register}
}

func in(s *nftables.Set, invert bool) expr.Any {
	return &expr.Lookup{SourceRegister: reg(0), SetName: s.Name, SetID: s.ID, Invert: invert}
}

// into looks a key up in a map, whose value takes the key's registers.
func into(s *nftables.Set) expr.Any {
	return &expr.Lookup{SourceRegister: reg(0), DestRegister: reg(0), IsDestRegSet: true, SetName: s.Name, SetID: s.ID}
}

func verdict(k expr.VerdictKind) rule { return rule{&expr.Verdict{Kind: k}} }

// reg is a register of 4 bytes; those that follow it continue it.
func reg(n uint32) uint32 { return unix.NFT_REG32_00 + n }

func join(parts ...rule) rule {
	var all rule
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
