package engine

import "context"

// ConnectionReader tells what a container is connected to. Not every engine can:
// assert it on Containers.
type ConnectionReader interface {
	// Connections are the TCP and UDP sockets of a running container's own
	// network, at most limit of them; more tells that there are others. A
	// container that uses the host's network has none of its own: ErrUnsupported.
	Connections(ctx context.Context, ref string, limit int) (list []Connection, more bool, err error)
}

// Connection is one socket. Its ends are addresses with ports, "10.0.0.2:80" or
// "[::1]:80": net/netip would make every monitor start late (internal/early).
type Connection struct {
	Proto  string // "tcp" or "udp"
	Local  string
	Remote string // "" while it waits for somebody
	State  string // of TCP: "listen", "established", …
}
