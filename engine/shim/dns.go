package shim

import (
	"errors"
	"fmt"
	"os"

	"gantry/engine"
	"gantry/engine/network/netns"
	"gantry/engine/network/responder"
	"gantry/engine/network/zone"
	"gantry/engine/record"
	"gantry/internal/inetaddr"
)

// dnsFile is in the container's part of the runtime directory.
const dnsFile = "dns.json"

// DNS is dns.json: what a container's responder answers. Where it is missing
// there is none. The front end writes it before a start, and again when a
// running container is connected to a network or taken off one; then it says so
// with Client.Names.
type DNS struct {
	// Networks are those whose names are known, the most important one first.
	// With the container's end the monitor takes its name off them.
	Networks []zone.Network `json:"networks"`
	// Servers are asked for all other names, from inside the container's
	// namespace. Empty: the host's.
	Servers []inetaddr.AddrPort `json:"servers,omitempty"`
	// Closed says that nobody is asked: all networks are internal.
	Closed bool `json:"closed,omitempty"`
}

// WriteDNS puts dns.json there; nil removes it.
func WriteDNS(run string, id engine.ID, d *DNS) error {
	cfg := &Config{Run: run, ID: id}
	if d == nil {
		return removeFile(cfg.runFile(dnsFile))
	}
	if err := cfg.makeRunDir(); err != nil {
		return err
	}
	return record.Write(cfg.runFile(dnsFile), d, record.Volatile)
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// readDNS returns nil when the container has no responder.
func (c *Config) readDNS() (*DNS, error) {
	var d DNS
	err := record.Read(c.runFile(dnsFile), &d)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("answer DNS: %w", err)
	}
	return &d, nil
}

func (d *DNS) options(alive func(engine.ID) bool) responder.Options {
	return responder.Options{Names: zone.Open(alive, d.Networks...), Servers: d.Servers, Closed: d.Closed}
}

// answerNames has the responder answer what dns.json says: it is started,
// changed or closed. ns is the container's namespace.
func (s *shim) answerNames(ns *os.File) error {
	d, err := s.cfg.readDNS()
	if err != nil {
		return err
	}
	s.mu.Lock()
	r := s.dns
	s.mu.Unlock()
	switch {
	case r == nil && d == nil:
		return nil
	case r == nil:
		if r, err = responder.Start(ns, d.options(s.runs)); err != nil {
			return err
		}
	case d == nil:
		err, r = r.Close(), nil
	default:
		r.Set(d.options(s.runs))
	}
	s.mu.Lock()
	s.dns = r
	s.mu.Unlock()
	return err
}

// names is the request that says that dns.json has changed.
func (s *shim) names() error {
	s.moves.Lock()
	defer s.moves.Unlock()
	if !s.current().Live() {
		return fmt.Errorf("%w: the container is not running", engine.ErrConflict)
	}
	return s.answerNamesOf(s.program)
}

// answerNamesOf is answerNames in the namespace of a process that runs.
func (s *shim) answerNamesOf(p *program) error {
	ns, err := netns.Open(fmt.Sprintf("/proc/%d/ns/net", p.pid))
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := p.signal(0); err != nil { // the number was its own until here
		return err
	}
	return s.answerNames(ns)
}

// silence ends the responder and takes the container's name off its networks.
// The responder's sockets must go: they hold the network namespace, and with it
// the container's addresses.
func (s *shim) silence() {
	s.mu.Lock()
	r := s.dns
	s.dns = nil
	s.mu.Unlock()
	var errs []error
	if r != nil {
		errs = append(errs, r.Close())
	}
	d, err := s.cfg.readDNS()
	errs = append(errs, err)
	if d != nil {
		for _, n := range d.Networks {
			errs = append(errs, zone.Drop(n.Dir, s.cfg.ID))
		}
		errs = append(errs, removeFile(s.cfg.runFile(dnsFile)))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(os.Stderr, "end DNS responder: %v\n", err)
	}
}

// runs tells whether a container of the same engine runs, or is being started:
// while its monitor is at work it is that which takes the name away.
func (s *shim) runs(id engine.ID) bool {
	if held, err := record.FileHeld(LockPath(s.cfg.Run, id)); err == nil && held {
		return true
	}
	bundle := s.cfg.Root + "/containers/" + string(id)
	var start StartRecord
	if record.Read(bundle+"/start.json", &start) != nil {
		return false
	}
	var exit ExitRecord
	if err := record.Read(bundle+"/exit.json", &exit); err == nil && exit.Attempt >= start.Attempt {
		return false
	}
	return start.BootID == record.BootID() && record.Alive(start.Pid, start.PidStart)
}
