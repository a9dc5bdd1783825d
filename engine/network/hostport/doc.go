// Package hostport holds the ports of the host that containers publish. The
// monitor of a container does that, for as long as the container runs: a port
// that is taken is then the kernel's own finding, whoever has it, and two starts
// cannot get the same one. There is no other claim that could be left behind.
//
//	Hold   binds a socket for each port; a range, or any free port, becomes one
//	Serve  leads what reaches the sockets to the container
//	Holder names who has a port that Hold could not get
//
// What comes from elsewhere never gets to the sockets: the host's table (package
// nat) has sent it on before, in the kernel. What comes from the host's loopback
// does, and so does IPv6 for a container that has IPv4 only. Both could be had
// from the table as well, with route_localnet on the bridges: then every service
// of the host that trusts 127.0.0.1 would be one forged packet away from the
// neighbours (CVE-2020-8558), and ::1 would still not work. Here a connection is
// two splices of the kernel without a copy; see ARCHITECTURE.md for figures.
//
// SCTP is held but not served. Where the kernel has no SCTP sockets an abstract
// unix socket stands for the port.
//
// It is linked into the monitor: see the light packages in ARCHITECTURE.md.
//
// Invariant: a port is held before it is published and until nothing leads from
// it any more.
package hostport
