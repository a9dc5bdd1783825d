package hostport

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gantry/internal/inetaddr"
)

const (
	// idleTime is how long a client of UDP may be silent before it is forgotten,
	// in both directions.
	idleTime = 90 * time.Second
	// maxClients bounds the sockets that clients can make us open.
	maxClients = 1024
	maxPacket  = 64 << 10
)

// client is who sends to a port, and to which of the host's addresses.
type client struct {
	at   *socket
	from endpoint
	to   inetaddr.Addr
}

// flow is what one client sends: it has a socket of its own to the container, so
// that answers find their way back.
type flow struct {
	client
	fd   int
	used time.Time
}

// datagrams leads UDP on.
type datagrams struct {
	loop *loop
	buf  []byte // of the loop alone

	mu       sync.Mutex // guards what is below
	byClient map[client]*flow
	byFD     map[int]*flow
	sweeper  *time.Timer
}

func newDatagrams(l *loop) *datagrams {
	return &datagrams{loop: l, byClient: map[client]*flow{}, byFD: map[int]*flow{}}
}

// receive passes one packet of a client on.
func (d *datagrams) receive(s *socket) {
	if d.buf == nil {
		d.buf = make([]byte, maxPacket)
	}
	control := make([]byte, unix.CmsgSpace(unix.SizeofInet6Pktinfo))
	n, cn, _, from, err := unix.Recvmsg(s.fd, d.buf, control, unix.MSG_DONTWAIT)
	if err != nil || from == nil {
		return // what a container refused earlier is told here as well
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := client{at: s, from: endpointOf(from), to: arrivedAt(control[:cn])}
	f := d.byClient[c]
	if f == nil {
		if f = d.open(c); f == nil {
			return // dropped, as the network may
		}
	}
	f.used = time.Now()
	unix.SendmsgN(f.fd, d.buf[:n], nil, nil, unix.MSG_DONTWAIT)
}

// open makes the flow of a new client. Called with mu.
func (d *datagrams) open(c client) *flow {
	if len(d.byFD) >= maxClients {
		d.dropOldest()
	}
	to := endpoint{addr: c.at.port.Addr, port: c.at.port.Port}
	domain := unix.AF_INET
	if !to.addr.Is4() {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	if unix.Connect(fd, sockaddr(to)) != nil || d.loop.watch(fd) != nil {
		unix.Close(fd)
		return nil
	}
	f := &flow{client: c, fd: fd}
	d.byClient[c], d.byFD[fd] = f, f
	if d.sweeper == nil {
		d.sweeper = time.AfterFunc(idleTime, d.sweep)
	}
	return f
}

// answer passes one packet of the container back.
func (d *datagrams) answer(fd int) {
	if d.buf == nil {
		d.buf = make([]byte, maxPacket)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.byFD[fd]
	if f == nil {
		return
	}
	n, err := unix.Read(fd, d.buf)
	if err == unix.EAGAIN {
		return
	}
	if err != nil { // refused: nobody listens there
		d.drop(f)
		return
	}
	f.used = time.Now()
	unix.SendmsgN(f.at.fd, d.buf[:n], leaveFrom(f.to), sockaddr(f.from), unix.MSG_DONTWAIT)
}

// sweep forgets who has been silent.
func (d *datagrams) sweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.byFD {
		if time.Since(f.used) >= idleTime {
			d.drop(f)
		}
	}
	d.sweeper = nil
	if len(d.byFD) > 0 {
		d.sweeper = time.AfterFunc(idleTime, d.sweep)
	}
}

func (d *datagrams) dropOldest() {
	var oldest *flow
	for _, f := range d.byFD {
		if oldest == nil || f.used.Before(oldest.used) {
			oldest = f
		}
	}
	d.drop(oldest)
}

func (d *datagrams) drop(f *flow) {
	delete(d.byClient, f.client)
	delete(d.byFD, f.fd)
	unix.Close(f.fd)
}

// close is called when the loop has ended.
func (d *datagrams) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sweeper != nil {
		d.sweeper.Stop()
	}
	for _, f := range d.byFD {
		d.drop(f)
	}
}

// arrivedAt is the host's address that a packet was for.
func arrivedAt(control []byte) inetaddr.Addr {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return inetaddr.Addr{}
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&m.Data[0]))
			return inetaddr.FromSlice(info.Spec_dst[:])
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&m.Data[0]))
			return inetaddr.FromSlice(info.Addr[:])
		}
	}
	return inetaddr.Addr{}
}

// leaveFrom says which of the host's addresses an answer comes from.
func leaveFrom(a inetaddr.Addr) []byte {
	switch {
	case a.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: a.As4()})
	case a.IsValid():
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: a.As16()})
	}
	return nil
}
