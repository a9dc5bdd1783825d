// Package nat is what gantry has in the host's packet filter: one nftables
// table, inet gantry, that all roots of the host share. It is maps and sets with
// a fixed number of rules over them, so that a packet's way does not grow with
// the containers, and a container's start changes elements only.
//
//	set internal    bridges without a way out
//	set bridges     bridges of gantry
//	set same        bridge . bridge: traffic that stays on one
//	set own4, own6  subnet . bridge: who is at home where
//	set masq4, …    subnets that leave under the host's address
//	map any4, …     protocol . port            -> address . port of a container
//	map at4, …      protocol . address . port  -> the same, on one host address
//	set guarded4, … interfaces for which gantry switched forwarding on
//
// The way of a packet to a published port of the host:
//
//	prerouting, output   at, then any: the destination becomes the container's
//	forward              into a bridge goes what belongs to a connection, what was
//	                     published, and what stays on the bridge: nothing else
//	postrouting          from its own bridge back into it (hairpin), and out of the
//	                     host, under the host's address
//
// What goes to 127.0.0.1 and ::1 is not for this table: the kernel routes such
// packets out of the host only with route_localnet, by which every service that
// trusts loopback is open to the neighbours. The monitor serves those (package
// hostport).
//
// # Invariants
//
// A rule never leads to another container's address: whoever claims an address
// removes, in the batch of its own elements, whatever still leads to it (Publish),
// and the connections that were tracked to it.
//
// Every change is one batch: the kernel does all of it or nothing. The table is
// made with the first bridge and goes with the last; both under a lock of the
// host, because it is no root's own.
package nat
