package local

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"gantry/engine"
	"gantry/engine/record"
)

var _ engine.ConnectionReader = (*containers)(nil)

// Connections implements engine.ConnectionReader.
func (c *containers) Connections(ctx context.Context, ref string, limit int) ([]engine.Connection, bool, error) {
	list, more, err := (*Engine)(c).connections(ctx, ref, limit)
	return list, more, opErr("list connections of", ref, err)
}

func (e *Engine) connections(ctx context.Context, ref string, limit int) (list []engine.Connection, more bool, err error) {
	v, err := e.viewOf(ref)
	switch {
	case err != nil:
		return nil, false, err
	case !v.state.Live():
		return nil, false, notRunning(v.state)
	case v.rec.Host.NetworkMode == engine.NetworkHost:
		return nil, false, fmt.Errorf("%w: it uses the host's network", engine.ErrUnsupported)
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", v.start.Pid, table))
		if err != nil {
			if os.IsNotExist(err) && strings.HasSuffix(table, "6") { // a kernel without IPv6
				continue
			}
			return nil, false, err
		}
		got, rest, err := parseSockets(f, strings.TrimSuffix(table, "6"), limit-len(list))
		f.Close()
		if err != nil {
			return nil, false, err
		}
		list, more = append(list, got...), more || rest
	}
	// The files were those of the PID's holder: it must still be the container.
	if !record.Alive(v.start.Pid, v.start.PidStart) {
		return nil, false, fmt.Errorf("%w: its process is gone", engine.ErrConflict)
	}
	return list, more, nil
}

// tcpStates are the numbers of include/net/tcp_states.h.
var tcpStates = [...]string{
	1: "established", "syn sent", "syn received", "fin wait 1", "fin wait 2", "time wait", "closed", "close wait", "last ack", "listen", "closing", "syn received",
}

// parseSockets reads a table of /proc/PID/net, at most limit rows of it: a
// program may open very many.
func parseSockets(r io.Reader, proto string, limit int) (list []engine.Connection, more bool, err error) {
	lines := bufio.NewScanner(r)
	lines.Scan() // titles
	for lines.Scan() {
		if len(list) >= limit {
			return list, true, nil
		}
		f := strings.Fields(lines.Text())
		if len(f) < 4 {
			return nil, false, fmt.Errorf("read the table of sockets: a line without an address: %q", lines.Text())
		}
		c, err := parseSocket(proto, f[1], f[2], f[3])
		if err != nil {
			return nil, false, fmt.Errorf("read the table of sockets: %q: %w", lines.Text(), err)
		}
		list = append(list, c)
	}
	return list, false, lines.Err()
}

func parseSocket(proto, local, remote, state string) (c engine.Connection, err error) {
	c.Proto = proto
	here, err := parseSocketAddr(local)
	if err != nil {
		return c, err
	}
	there, err := parseSocketAddr(remote)
	if err != nil {
		return c, err
	}
	c.Local = here.String()
	if there.Port() != 0 || !there.Addr().IsUnspecified() {
		c.Remote = there.String()
	}
	n, err := strconv.ParseUint(state, 16, 8)
	if err == nil && proto == "tcp" && int(n) < len(tcpStates) {
		c.State = tcpStates[n]
	}
	return c, err
}

// parseSocketAddr reads "0100007F:1F90": words of four bytes, each in the
// machine's order, and a port.
func parseSocketAddr(s string) (netip.AddrPort, error) {
	host, port, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if !ok || err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("%w address %q", engine.ErrInvalid, s)
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w port %q", engine.ErrInvalid, port)
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}
