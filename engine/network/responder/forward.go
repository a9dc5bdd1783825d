package responder

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"gantry/engine/network/netns"
	"gantry/internal/inetaddr"
)

// forwarder passes queries on. All queries by UDP to one server share a socket,
// told apart by an ID of ours, so that one that waits costs no goroutine and no
// descriptor:
//
//	ask ---> pending ---try---> link 1 (server 1) ---> answer: finish
//	            |                                 ---> SERVFAIL, refused: try the next at once
//	            +---patience over--> link 2 ...   ---> the first answer counts
//	            +---deadline------------------------> SERVFAIL
//
// A query is tried once a patience, with one server after the other and then
// from the start: it may have been lost.
type forwarder struct {
	ns      *os.File // whose servers they are; nil: the process's own
	servers func() []inetaddr.AddrPort
	readers sync.WaitGroup

	mu      sync.Mutex // guards what is below
	closed  bool
	pending map[*pending]bool
	links   map[*link]bool
	fresh   map[inetaddr.AddrPort]*link // those that take further queries
	down    map[inetaddr.AddrPort]time.Time
	streams map[*socket]bool
	timer   *time.Timer
}

const (
	// maxPending bounds what waits for answers; docker's 1,024 are goroutines.
	maxPending = 1024
	patience   = time.Second
	// deadline is before the 5 seconds after which glibc and musl ask again.
	deadline = 4 * time.Second
	// sulk is how long a server that kept us waiting comes after the others.
	sulk = 30 * time.Second
	// perLink is how many queries go from one port: who would forge an answer
	// has to guess port and ID (RFC 5452).
	perLink  = 64
	linkIdle = 5 * time.Second
	// step is how often patience is looked at while something waits.
	step = 100 * time.Millisecond
)

// pending is a query that waits for an answer.
type pending struct {
	msg      []byte
	question []byte // part of msg
	id       uint16 // the asker's
	done     func(answer []byte)
	servers  []inetaddr.AddrPort
	tried    int
	slots    []slot
	next     time.Time // when to try again
	deadline time.Time
	failure  []byte // the answer of a server that could not
}

// slot is where an answer may arrive.
type slot struct {
	link *link
	id   uint16
}

// link is a socket that is connected to a server.
type link struct {
	*socket
	server  inetaddr.AddrPort
	waiting map[uint16]*pending
	sent    int
	used    time.Time
}

func newForwarder(ns *os.File, o Options) *forwarder {
	f := &forwarder{
		pending: map[*pending]bool{}, links: map[*link]bool{}, fresh: map[inetaddr.AddrPort]*link{},
		down: map[inetaddr.AddrPort]time.Time{}, streams: map[*socket]bool{},
	}
	if len(o.Servers) > 0 {
		f.ns, f.servers = ns, func() []inetaddr.AddrPort { return o.Servers }
	} else {
		f.servers = (&hostServers{path: o.HostFile}).list
	}
	return f
}

// close gives everything up. Nobody is told: the responder ends, or has another
// forwarder.
func (f *forwarder) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	for l := range f.links {
		l.f.Close()
	}
	for s := range f.streams {
		s.f.Close()
	}
	clear(f.pending)
	f.mu.Unlock()
	f.readers.Wait()
}

// ask passes a query on. done is called once, with the answer, or nil when there
// is none; false: there are too many, and it will not be.
func (f *forwarder) ask(msg []byte, id uint16, done func([]byte)) bool {
	servers := f.servers()
	f.mu.Lock()
	if f.closed || len(f.pending) >= maxPending {
		f.mu.Unlock()
		return false
	}
	now := time.Now()
	p := &pending{msg: bytes.Clone(msg), id: id, done: done, servers: f.ranked(servers, now), deadline: now.Add(deadline)}
	p.question = p.msg[headSize:questionEnd(p.msg)]
	f.pending[p] = true
	var out outbox
	f.try(p, now, &out)
	f.arm(step)
	f.mu.Unlock()
	out.deliver()
	return true
}

// ranked puts servers that kept us waiting last.
func (f *forwarder) ranked(servers []inetaddr.AddrPort, now time.Time) []inetaddr.AddrPort {
	var up, down []inetaddr.AddrPort
	for _, s := range servers {
		if at, ok := f.down[s]; ok && now.Sub(at) < sulk {
			down = append(down, s)
		} else {
			up = append(up, s)
		}
	}
	return append(up, down...)
}

// outbox are answers to be told of when the lock is free.
type outbox []func()

func (o outbox) deliver() {
	for _, f := range o {
		f()
	}
}

// try asks the next server, and the ones after it where it cannot be asked at
// all. Called with mu.
func (f *forwarder) try(p *pending, now time.Time, out *outbox) {
	for range len(p.servers) {
		server := p.servers[p.tried%len(p.servers)]
		p.tried++
		if f.send(p, server, now) == nil {
			p.next = now.Add(patience)
			return
		}
	}
	f.lost(p, now, out)
}

// send asks one server.
func (f *forwarder) send(p *pending, server inetaddr.AddrPort, now time.Time) error {
	l, err := f.link(server, now)
	if err != nil {
		return err
	}
	id := uint16(rand.Uint32())
	for l.waiting[id] != nil {
		id++
	}
	p.msg[0], p.msg[1] = byte(id>>8), byte(id)
	l.used = now
	if err := l.send(p.msg, nil); err != nil && err != unix.EAGAIN {
		return err
	}
	l.waiting[id] = p
	l.sent++
	p.slots = append(p.slots, slot{l, id})
	return nil
}

// link is one that takes a further query.
func (f *forwarder) link(server inetaddr.AddrPort, now time.Time) (*link, error) {
	if l := f.fresh[server]; l != nil && l.sent < perLink {
		return l, nil
	}
	s, err := f.open(server, unix.SOCK_DGRAM)
	if err != nil {
		return nil, err
	}
	l := &link{socket: s, server: server, waiting: map[uint16]*pending{}, used: now}
	f.fresh[server], f.links[l] = l, true
	f.readers.Go(func() { f.read(l) })
	return l, nil
}

// open makes a socket that is connected, or about to be, to a server.
func (f *forwarder) open(server inetaddr.AddrPort, kind int) (s *socket, err error) {
	connect := func() error {
		var err error
		if s, err = open(server.Addr, kind); err != nil {
			return err
		}
		if err = s.begin(server); err != nil {
			s.f.Close()
		}
		return err
	}
	if f.ns == nil {
		err = connect()
	} else {
		err = netns.Do(f.ns, connect)
	}
	return s, err
}

// read takes a server's answers until the link is closed.
func (f *forwarder) read(l *link) {
	buf := make([]byte, ednsSize)
	for {
		n, _, err := l.receive(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			f.refused(l) // an ICMP message: nobody listens there
		default:
			f.arrived(l, buf[:min(n, len(buf))], n > len(buf))
		}
	}
}

// arrived takes an answer. What does not answer a question that was asked is
// dropped.
func (f *forwarder) arrived(l *link, msg []byte, cut bool) {
	if len(msg) < headSize || msg[2]&0x80 == 0 {
		return
	}
	var out outbox
	f.mu.Lock()
	id := uint16(msg[0])<<8 | uint16(msg[1])
	p := l.waiting[id]
	if p == nil || !answers(p.question, msg) {
		f.mu.Unlock()
		return
	}
	now := time.Now()
	delete(f.down, l.server)
	switch code := dnsmessage.RCode(msg[3] & 0xf); {
	case (code == dnsmessage.RCodeServerFailure || code == dnsmessage.RCodeRefused) && p.tried < len(p.servers):
		p.failure = bytes.Clone(msg)
		p.forget(slot{l, id})
		f.try(p, now, &out)
	case cut:
		q, _, _ := parse(p.msg)
		f.finish(p, q.build(dnsmessage.RCodeSuccess, true, nil), &out)
	default:
		f.finish(p, bytes.Clone(msg), &out)
	}
	f.mu.Unlock()
	out.deliver()
}

// answers tells whether a message is about a question. Servers that understand
// nothing leave it out.
func answers(question, msg []byte) bool {
	if msg[4] == 0 && msg[5] == 0 {
		return msg[3]&0xf != 0
	}
	return bytes.HasPrefix(msg[headSize:], question)
}

// refused goes on with other servers.
func (f *forwarder) refused(l *link) {
	var out outbox
	f.mu.Lock()
	now := time.Now()
	f.down[l.server] = now
	for id, p := range l.waiting {
		p.forget(slot{l, id})
		if p.tried < len(p.servers) {
			f.try(p, now, &out)
		} else {
			f.lost(p, now, &out)
		}
	}
	f.mu.Unlock()
	out.deliver()
}

// lost gives a query up that no server is left to answer.
func (f *forwarder) lost(p *pending, now time.Time, out *outbox) {
	if len(p.slots) == 0 {
		f.finish(p, p.failure, out)
	} else {
		p.next = now.Add(patience)
	}
}

// forget expects no answer at a slot any more.
func (p *pending) forget(s slot) {
	delete(s.link.waiting, s.id)
	for i := range p.slots {
		if p.slots[i] == s {
			p.slots = append(p.slots[:i], p.slots[i+1:]...)
			return
		}
	}
}

// finish ends a query.
func (f *forwarder) finish(p *pending, answer []byte, out *outbox) {
	if !f.pending[p] {
		return
	}
	delete(f.pending, p)
	for _, s := range p.slots {
		delete(s.link.waiting, s.id)
	}
	p.slots = nil
	if len(answer) >= headSize {
		answer[0], answer[1] = byte(p.id>>8), byte(p.id)
	}
	*out = append(*out, func() { p.done(answer) })
}

// arm has tend run. Called with mu.
func (f *forwarder) arm(after time.Duration) {
	if f.timer == nil {
		f.timer = time.AfterFunc(after, f.tend)
	}
}

// tend tries again what has waited for long and closes what is not used. It runs
// as long as there is anything to look at: at rest nothing wakes up.
func (f *forwarder) tend() {
	var out outbox
	f.mu.Lock()
	f.timer = nil
	if f.closed {
		f.mu.Unlock()
		return
	}
	now := time.Now()
	for p := range f.pending {
		switch {
		case now.After(p.deadline):
			f.finish(p, p.failure, &out)
		case now.After(p.next):
			f.down[p.servers[(p.tried-1)%len(p.servers)]] = now
			f.try(p, now, &out)
		}
	}
	for l := range f.links {
		if len(l.waiting) == 0 && (f.fresh[l.server] != l || now.Sub(l.used) > linkIdle) {
			f.drop(l)
		}
	}
	switch {
	case len(f.pending) > 0:
		f.arm(step)
	case len(f.links) > 0:
		f.arm(linkIdle)
	}
	f.mu.Unlock()
	out.deliver()
}

func (f *forwarder) drop(l *link) {
	delete(f.links, l)
	if f.fresh[l.server] == l {
		delete(f.fresh, l.server)
	}
	l.f.Close() // its reader ends
}

// stream asks by TCP, one server after the other; nil: none answers.
func (f *forwarder) stream(msg []byte) []byte {
	servers := f.servers()
	f.mu.Lock()
	servers = f.ranked(servers, time.Now())
	f.mu.Unlock()
	for _, server := range servers {
		if answer := f.streamTo(server, msg); answer != nil {
			return answer
		}
	}
	return nil
}

func (f *forwarder) streamTo(server inetaddr.AddrPort, msg []byte) []byte {
	s, err := f.open(server, unix.SOCK_STREAM)
	if err != nil {
		return nil
	}
	defer s.f.Close()
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.streams[s] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, s)
		f.mu.Unlock()
	}()
	s.within(deadline / 2)
	if s.connected() != nil || writeMessage(s.f, msg) != nil {
		return nil
	}
	answer, err := readMessage(s.f, maxStreamAnswer)
	if err != nil || len(answer) < headSize || !bytes.Equal(answer[:2], msg[:2]) {
		return nil
	}
	return answer
}

// questionEnd is where the question of a message that was parsed ends. Its name
// is not compressed: there is nothing before it to point to.
func questionEnd(msg []byte) int {
	i := headSize
	for i < len(msg) && msg[i] != 0 && msg[i]&0xc0 == 0 {
		i += int(msg[i]) + 1
	}
	return min(i+1+4, len(msg))
}
