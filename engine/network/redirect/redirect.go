// Package redirect has port 53 of a container's resolver lead to the port where
// its responder listens. The rules are in the container's own network namespace
// and go with it; the process that starts a container puts them there.
//
// They rewrite ports and nothing else, before connection tracking, which nothing
// in a container's namespace needs then: with nat every packet of the container
// would be tracked.
//
//	output, oif lo   to 127.0.0.11:53        -> port 61953
//	                 from 127.0.0.11:61953   -> port 53
//
// A program of the container that has port 53 itself, on 0.0.0.0 even, is not
// touched: what is for it goes to other addresses.
package redirect

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"gantry/engine/network/responder"
)

const (
	tableName = "gantry-dns"
	domain    = 53
	// loopback is the number of lo, the first interface of every namespace.
	loopback = 1
)

// Install puts the rules into the network namespace that netns, a descriptor,
// stands for. Where they are already they are made anew.
func Install(netns int) error {
	conn, err := nftables.New(nftables.WithNetNSFd(netns))
	if err != nil {
		return fmt.Errorf("redirect DNS: open nftables: %w", err)
	}
	table := conn.AddTable(&nftables.Table{Name: tableName, Family: nftables.TableFamilyIPv4})
	chain := conn.AddChain(&nftables.Chain{
		Name: "output", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRaw,
	})
	conn.FlushChain(chain)
	for _, exprs := range rules() {
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("redirect DNS: %w", err)
	}
	return nil
}

// Offsets in the headers of IPv4, and of UDP and TCP alike.
const (
	sourceAddr, destAddr = 12, 16
	sourcePort, destPort = 0, 2
)

func rules() [][]expr.Any {
	list := [][]expr.Any{{ // what leaves the container has no more to do with this
		&expr.Meta{Key: expr.MetaKeyOIF, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(loopback)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}}
	for _, proto := range []struct {
		number   byte
		checksum uint32
	}{{unix.IPPROTO_UDP, 6}, {unix.IPPROTO_TCP, 16}} {
		list = append(list,
			rewrite(proto.number, proto.checksum, destAddr, destPort, domain, responder.Port),
			rewrite(proto.number, proto.checksum, sourceAddr, sourcePort, responder.Port, domain))
	}
	return list
}

// rewrite changes a port of what goes to, or comes from, the resolver's address.
func rewrite(proto byte, checksum, addr, port uint32, from, to uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: addr, Len: 4},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: responder.Address.Slice()},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: port, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(from)},
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(to)},
		&expr.Payload{
			OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: port, Len: 2,
			CsumType: expr.CsumTypeInet, CsumOffset: checksum,
		},
	}
}
