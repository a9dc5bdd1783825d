package hostport

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/internal/inetaddr"
)

// Want is a port of a container that is to be reached by ports of the host.
type Want struct {
	Proto string          `json:"proto"` // tcp, udp or sctp
	Port  uint16          `json:"port"`  // the container's
	Addrs []inetaddr.Addr `json:"addrs"` // the container's: one of each family at most
	// Hosts are the addresses of the host, all with the same port. Those of
	// Optional are left out where the host lacks their family.
	Hosts    []inetaddr.Addr `json:"hosts"`
	Optional bool            `json:"optional,omitempty"`
	// First to Last are the ports to choose from; 0: any that is free.
	First uint16 `json:"first,omitempty"`
	Last  uint16 `json:"last,omitempty"`
	// Before is the port of them that the container had last: it keeps that
	// while it is free, so that who knows it finds the container again.
	Before uint16 `json:"before,omitempty"`
}

// Port is one port of the host that leads to a container.
type Port struct {
	Proto    string        `json:"proto"`
	HostIP   inetaddr.Addr `json:"hostIP"`
	HostPort uint16        `json:"hostPort"`
	Addr     inetaddr.Addr `json:"addr"` // the container's
	Port     uint16        `json:"port"`
}

func (p Port) String() string {
	return endpoint{addr: p.HostIP, port: p.HostPort}.String() + "/" + p.Proto
}

// TakenError says that somebody else has a port.
type TakenError struct{ Port Port }

func (e *TakenError) Error() string {
	return fmt.Sprintf("port %d/%s of %s is already in use", e.Port.HostPort, e.Port.Proto, e.Port.HostIP)
}

// Unwrap makes it a conflict.
func (e *TakenError) Unwrap() error { return engine.ErrConflict }

// Held are ports that this process holds.
type Held struct {
	Ports []Port
	socks []*socket
	loop  *loop
}

// Hold binds all ports, or none: then the error is a *TakenError, or tells what
// else is wrong with one of them.
func Hold(wants []Want) (*Held, error) {
	h := &Held{}
	for _, w := range wants {
		if err := h.hold(w); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

// Again binds one more port, as another process held it.
func (h *Held) Again(p Port) error { return h.bind(p) }

// Close frees the ports and ends the connections that lead through this process.
func (h *Held) Close() error {
	if h == nil {
		return nil
	}
	var errs []error
	if h.loop != nil {
		errs = append(errs, h.loop.close())
	}
	return errors.Join(append(errs, h.drop(0))...)
}

// drop closes the sockets from the n-th on.
func (h *Held) drop(n int) error {
	var errs []error
	for _, s := range h.socks[n:] {
		errs = append(errs, s.close())
	}
	h.socks, h.Ports = h.socks[:n], h.Ports[:n]
	return errors.Join(errs...)
}

// randomTries bounds the search for a port that is free on every address.
const randomTries = 64

// hold binds the port that the container had last, or else the first one of the
// range, that is free on all addresses.
func (h *Held) hold(w Want) error {
	if w.Before != 0 {
		var taken *TakenError
		if err := h.everywhere(w, w.Before); !errors.As(err, &taken) {
			return err
		}
	}
	if w.First == 0 {
		var err error
		for range randomTries {
			var taken *TakenError
			if err = h.everywhere(w, 0); !errors.As(err, &taken) {
				return err
			}
		}
		return fmt.Errorf("find a free port of the host for %d/%s: %w", w.Port, w.Proto, err)
	}
	for p := w.First; ; p++ {
		var taken *TakenError
		err := h.everywhere(w, p)
		if !errors.As(err, &taken) || p == w.Last {
			return err
		}
	}
}

// everywhere binds the port on all addresses, or on none. Port 0 is any; the
// other addresses then get that of the first.
func (h *Held) everywhere(w Want, port uint16) error {
	before := len(h.socks)
	for _, host := range w.Hosts {
		err := h.bind(Port{Proto: w.Proto, HostIP: host, HostPort: port, Addr: w.target(host), Port: w.Port})
		if w.Optional && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)) {
			continue
		}
		if err != nil {
			return errors.Join(err, h.drop(before))
		}
		port = h.Ports[len(h.Ports)-1].HostPort
	}
	if len(h.socks) == before {
		return fmt.Errorf("publish port %d/%s: %w: the host has none of the addresses", w.Port, w.Proto, engine.ErrInvalid)
	}
	return nil
}

// target is the container's address that a port of the host's address leads to:
// of the same family if it has one.
func (w Want) target(host inetaddr.Addr) inetaddr.Addr {
	var any inetaddr.Addr
	for _, a := range w.Addrs {
		if a.Is4() == host.Is4() {
			return a
		}
		any = a
	}
	return any
}

// bind holds one port.
func (h *Held) bind(p Port) error {
	s, err := open(p)
	if errors.Is(err, unix.EADDRINUSE) {
		return &TakenError{p}
	}
	if err != nil {
		return fmt.Errorf("publish port %s: %w", p, explain(err))
	}
	h.socks = append(h.socks, s)
	h.Ports = append(h.Ports, s.port)
	return nil
}

func explain(err error) error {
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("%w: the host does not have that address (%w)", engine.ErrInvalid, err)
	}
	return err
}

// socket holds one port.
type socket struct {
	fd   int
	port Port
	// served tells whether what arrives is to be led to the container.
	served bool
}

func (s *socket) close() error { return unix.Close(s.fd) }

// open makes a socket and binds it.
func open(p Port) (*socket, error) {
	typ, ok := map[string]int{"tcp": unix.SOCK_STREAM, "udp": unix.SOCK_DGRAM, "sctp": unix.SOCK_STREAM}[p.Proto]
	if !ok {
		return nil, fmt.Errorf("%w protocol %q", engine.ErrInvalid, p.Proto)
	}
	domain, number := unix.AF_INET, 0
	if !p.HostIP.Is4() {
		domain = unix.AF_INET6
	}
	if p.Proto == "sctp" {
		number = unix.IPPROTO_SCTP
	}
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, number)
	if p.Proto == "sctp" && (err == unix.EPROTONOSUPPORT || err == unix.ESOCKTNOSUPPORT) {
		return standIn(p)
	}
	if err != nil {
		return nil, err
	}
	s := &socket{fd: fd, port: p, served: p.Proto != "sctp"}
	if err := s.bind(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func (s *socket) bind() error {
	p := &s.port
	errs := []error{}
	set := func(level, option int) { errs = append(errs, unix.SetsockoptInt(s.fd, level, option, 1)) }
	if !p.HostIP.Is4() {
		set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
	}
	if p.Proto == "tcp" && p.HostPort != 0 {
		set(unix.SOL_SOCKET, unix.SO_REUSEADDR) // beside connections that linger
	}
	if p.Proto == "udp" { // an answer comes from the address that was asked
		if p.HostIP.Is4() {
			set(unix.IPPROTO_IP, unix.IP_PKTINFO)
		} else {
			set(unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := unix.Bind(s.fd, sockaddr(endpoint{addr: p.HostIP, port: p.HostPort})); err != nil {
		return err
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	p.HostPort = endpointOf(name).port
	if p.Proto != "tcp" {
		return nil
	}
	// The connections inherit it, else they would be in the way of the next
	// holder. Before a bind to any port it makes the kernel give out taken ones.
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.Listen(s.fd, backlog)
}

const backlog = 512

// standIn holds a port of a protocol that the kernel has no sockets for. The
// name is the port's alone where it is of all addresses.
func standIn(p Port) (*socket, error) {
	if p.HostPort == 0 {
		return standInAny(p)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: standInName(p)}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &socket{fd: fd, port: p}, nil
}

func standInName(p Port) string {
	return "@gantry/" + p.Proto + "/" + p.HostIP.String() + "/" + strconv.Itoa(int(p.HostPort))
}

// standInAny tries the ports that the kernel gives out by itself.
func standInAny(p Port) (*socket, error) {
	const first, last = 49152, 65535
	for p.HostPort = first; p.HostPort < last; p.HostPort++ {
		s, err := standIn(p)
		if err != unix.EADDRINUSE {
			return s, err
		}
	}
	return nil, unix.EADDRINUSE
}

// endpoint is an address and a port. zone is the number of the interface that a
// link-local address is of.
type endpoint struct {
	addr inetaddr.Addr
	port uint16
	zone uint32
}

func (e endpoint) String() string {
	if e.addr.Is4() {
		return e.addr.String() + ":" + strconv.Itoa(int(e.port))
	}
	return "[" + e.addr.String() + "]:" + strconv.Itoa(int(e.port))
}

func sockaddr(e endpoint) unix.Sockaddr {
	if e.addr.Is4() {
		return &unix.SockaddrInet4{Addr: e.addr.As4(), Port: int(e.port)}
	}
	return &unix.SockaddrInet6{Addr: e.addr.As16(), Port: int(e.port), ZoneId: e.zone}
}

func endpointOf(sa unix.Sockaddr) endpoint {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return endpoint{addr: inetaddr.FromSlice(sa.Addr[:]), port: uint16(sa.Port)}
	case *unix.SockaddrInet6:
		return endpoint{addr: inetaddr.FromSlice(sa.Addr[:]), port: uint16(sa.Port), zone: sa.ZoneId}
	}
	return endpoint{}
}
