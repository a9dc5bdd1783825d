package shim

import (
	"errors"
	"fmt"
	"os"

	"gantry/engine"
	"gantry/engine/network/hostport"
)

// hold takes the ports of the host that the container is about to publish, in
// place of those of an earlier request. It serves them at once: until the
// container listens, whoever connects is refused as by the container itself.
func (s *shim) hold(wants []hostport.Want) (ans answer, err error) {
	s.moves.Lock()
	defer s.moves.Unlock()
	if st := s.current(); st != engine.Created {
		return ans, fmt.Errorf("publish ports: %w: the container is %s", engine.ErrConflict, st)
	}
	s.letGo()
	held, err := hostport.Hold(wants)
	var taken *hostport.TakenError
	if errors.As(err, &taken) {
		ans.Taken = &taken.Port
		return ans, nil
	}
	if err != nil {
		return ans, err
	}
	if err := held.Serve(); err != nil {
		return ans, errors.Join(err, held.Close())
	}
	s.mu.Lock()
	s.ports = held
	s.mu.Unlock()
	ans.Ports = held.Ports
	return ans, nil
}

// heldPorts are the ports that this monitor holds.
func (s *shim) heldPorts() []hostport.Port {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ports == nil {
		return nil
	}
	return s.ports.Ports
}

// letGo gives all ports back. It comes before the end is on record: whoever
// starts the container again, or another with its ports, must find them free.
func (s *shim) letGo() {
	s.mu.Lock()
	held := s.ports
	s.ports = nil
	s.mu.Unlock()
	if held == nil {
		return
	}
	if err := held.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "free published ports: %v\n", err)
	}
}

// holdAgain takes the ports that a killed monitor held. The container goes on
// without those that cannot be had any more.
func (s *shim) holdAgain() {
	all := &hostport.Held{}
	for _, p := range s.start.Ports {
		if err := all.Again(p); err != nil {
			fmt.Fprintf(os.Stderr, "take over port %s: %v\n", p, err)
		}
	}
	if len(all.Ports) == 0 {
		return
	}
	if err := all.Serve(); err != nil {
		fmt.Fprintf(os.Stderr, "take over published ports: %v\n", err)
	}
	s.mu.Lock()
	s.ports = all
	s.mu.Unlock()
}
