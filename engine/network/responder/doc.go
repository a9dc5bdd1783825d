// Package responder is the DNS server of one container. The container's monitor
// runs it inside the container's network namespace, on 127.0.0.11 at Port: above
// the ephemeral ports, so that the container can have port 53 for itself. Rules
// of the namespace lead port 53 of that address there (engine/network/redirect).
//
//	query of a name of ours          answered from the zone (answer.go)
//	any other                        passed on as it is (forward.go), to the host's
//	                                 servers from the monitor's own namespace, where
//	                                 127.0.0.53 is systemd-resolved; to servers given
//	                                 with --dns from the container's
//
// Only A, AAAA, ANY and PTR have data here; other types of our names are NODATA,
// so that names inside a network are not asked of the world.
//
// It is linked into the monitor: see the light packages in ARCHITECTURE.md. So
// sockets are os.Files on the runtime's poller, as in internal/usock, and
// messages are taken apart and put together by x/net/dns/dnsmessage.
//
// Invariant: what a container sends can neither block the responder nor make it
// grow. Every table and every message has a limit, and beyond it queries are
// refused; nothing waits for a peer but on a connection of its own.
package responder
