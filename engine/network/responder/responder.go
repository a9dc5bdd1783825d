package responder

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"gantry/engine/network/netns"
	"gantry/internal/inetaddr"
)

// Port is where the responder listens on Address. It is above the range that
// the kernel gives to programs by itself (32768 to 60999).
const Port = 61953

// Address is what a container's resolv.conf names, as in docker.
var Address = inetaddr.FromSlice([]byte{127, 0, 0, 11})

// Options of Start.
type Options struct {
	Names Names
	// Servers are asked for what Names does not know, from inside the container's
	// namespace. Empty: those of the host, from the calling process's own.
	Servers []inetaddr.AddrPort
	// Closed says that nobody is asked: the container has no way out.
	Closed bool
	// HostFile is the host's resolv.conf; "" is /etc/resolv.conf.
	HostFile string
}

// Responder answers until it is closed.
type Responder struct {
	ns       *os.File
	udp, tcp *socket
	tasks    sync.WaitGroup
	streams  chan struct{} // as many as there may be connections

	mu      sync.Mutex // guards what is below
	names   Names
	forward *forwarder // nil: nobody is asked
	conns   map[*socket]bool
	closed  bool
}

// maxStreams is how many connections are served at a time. Further ones are
// closed at once.
const maxStreams = 16

// Start listens in a network namespace, whose loopback device must be up. ns
// stays the caller's.
func Start(ns *os.File, o Options) (*Responder, error) {
	r := &Responder{streams: make(chan struct{}, maxStreams), conns: map[*socket]bool{}}
	fd, err := unix.FcntlInt(ns.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	r.ns = os.NewFile(uintptr(fd), ns.Name())
	err = netns.Do(ns, func() (err error) {
		at := inetaddr.AddrPort{Addr: Address, Port: Port}
		if r.udp, err = listen(at, unix.SOCK_DGRAM); err != nil {
			return err
		}
		r.tcp, err = listen(at, unix.SOCK_STREAM)
		return err
	})
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("start DNS responder: %w", err)
	}
	r.Set(o)
	r.tasks.Go(r.serveUDP)
	r.tasks.Go(r.serveTCP)
	return r, nil
}

// Set changes what is known and who is asked. Queries that are on their way are
// lost, and asked again by who sent them.
func (r *Responder) Set(o Options) {
	var f *forwarder
	if !o.Closed {
		f = newForwarder(r.ns, o)
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		f.close()
		return
	}
	old := r.forward
	r.names, r.forward = o.Names, f
	r.mu.Unlock()
	old.close()
}

// Close stops listening and lets go of the namespace. It waits for everything
// that the responder does.
func (r *Responder) Close() error {
	r.mu.Lock()
	var errs []error
	if !r.closed {
		r.closed = true
		for _, s := range []*socket{r.udp, r.tcp} {
			if s != nil {
				errs = append(errs, s.f.Close())
			}
		}
		for s := range r.conns {
			errs = append(errs, s.f.Close())
		}
		errs = append(errs, r.ns.Close())
	}
	f := r.forward
	r.forward = nil
	r.mu.Unlock()
	f.close()
	r.tasks.Wait()
	return errors.Join(errs...)
}

func (r *Responder) current() (Names, *forwarder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names, r.forward
}

// maxQuery is the largest query that is read: a name has 255 bytes at most, and
// options of EDNS are short.
const maxQuery = 1500

// serveUDP answers what is ours at once, one query after the other, and hands
// the rest on: it waits for nothing but queries.
func (r *Responder) serveUDP() {
	buf := make([]byte, maxQuery)
	for {
		n, from, err := r.udp.receive(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil: // out of memory, or what an ICMP message told
			time.Sleep(time.Millisecond)
			continue
		case n > len(buf):
			continue
		}
		r.takeUDP(buf[:n], from)
	}
}

func (r *Responder) takeUDP(msg []byte, from unix.Sockaddr) {
	q, answer, ours := r.consider(msg, false)
	if ours {
		if answer != nil {
			_ = r.udp.send(answer, from)
		}
		return
	}
	_, f := r.current()
	if f == nil || !f.ask(msg, q.header.ID, func(answer []byte) {
		if answer == nil {
			answer = q.fail(dnsmessage.RCodeServerFailure)
		}
		_ = r.udp.send(answer, from)
	}) {
		_ = r.udp.send(q.fail(dnsmessage.RCodeRefused), from)
	}
}

// consider answers what need not be asked of others. ours with a nil answer is
// what gets none.
func (r *Responder) consider(msg []byte, stream bool) (q query, answer []byte, ours bool) {
	q, code, respond := parse(msg)
	switch {
	case !respond:
		return q, nil, true
	case code != dnsmessage.RCodeSuccess:
		return q, q.fail(code), true
	}
	limit := q.size
	if stream {
		limit = maxStreamAnswer
	}
	names, f := r.current()
	if answer := q.answer(names, limit); answer != nil {
		return q, answer, true
	}
	if f == nil {
		return q, q.fail(dnsmessage.RCodeServerFailure), true // as docker on internal networks
	}
	return q, nil, false
}
