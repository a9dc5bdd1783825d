package responder

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/engine/network/resolv"
	"gantry/internal/inetaddr"
)

// hostServers are the host's name servers, as they are at the moment: a laptop
// that changes its network changes them, and its containers should not notice.
type hostServers struct {
	path string

	mu    sync.Mutex
	stamp unix.Stat_t
	read  []inetaddr.AddrPort
}

func (h *hostServers) list() []inetaddr.AddrPort {
	h.mu.Lock()
	defer h.mu.Unlock()
	path := h.path
	if path == "" {
		path = resolv.HostFile
	}
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	if err == nil && h.read != nil && st.Ino == h.stamp.Ino && st.Ctim == h.stamp.Ctim && st.Dev == h.stamp.Dev {
		return h.read
	}
	h.stamp, h.read = st, nil
	b, _ := os.ReadFile(path)
	for _, addr := range resolv.Parse(string(b)).Servers {
		h.read = append(h.read, inetaddr.AddrPort{Addr: addr, Port: domain})
	}
	if h.read == nil { // as resolv.conf(5) says
		h.read = []inetaddr.AddrPort{inetaddr.AddrPort{Addr: inetaddr.FromSlice([]byte{127, 0, 0, 1}), Port: domain}}
	}
	return h.read
}

// domain is the port of name servers.
const domain = 53
