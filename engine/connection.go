package engine

import (
	"context"
	"net/netip"
)

// ConnectionReader tells what a container is connected to. Not every engine can:
// assert it on Containers.
type ConnectionReader interface {
	// Connections are the TCP and UDP sockets of a running container's own
	// network, at most limit of them; more tells that there are others. A
	// container that uses the host's network has none of its own: ErrUnsupported.
	Connections(ctx context.Context, ref string, limit int) (list []Connection, more bool, err error)
}

// Connection is one socket. Remote is not valid while it waits for somebody.
type Connection struct {
	Proto  string // "tcp" or "udp"
	Local  netip.AddrPort
	Remote netip.AddrPort
	State  string // of TCP: "listen", "established", …
}
