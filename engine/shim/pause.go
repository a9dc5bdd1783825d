package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// pause freezes the container. The marker comes first and goes last: a killed
// monitor may leave a container that is said to be paused and runs, which an
// unpause mends, but none that is frozen and said to run.
func (s *shim) pause() error {
	s.moves.Lock()
	defer s.moves.Unlock()
	if err := s.current().Move(engine.Paused); err != nil {
		return err
	}
	g := s.group()
	if g == nil {
		return fmt.Errorf("pause: %w without a control group", engine.ErrUnsupported)
	}
	marker := s.cfg.runFile("paused")
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		return fmt.Errorf("pause: %w", err)
	}
	checkpoint("marked")
	s.health.suspend()
	err := g.Freeze()
	if err == nil {
		err = s.move(engine.Paused)
	}
	if err != nil {
		s.health.resume()
		os.Remove(marker)
		return fmt.Errorf("pause: %w", err)
	}
	s.publish(engine.ActionPause, nil)
	return nil
}

func (s *shim) unpause() error {
	s.moves.Lock()
	defer s.moves.Unlock()
	if st := s.current(); st != engine.Paused {
		return fmt.Errorf("%w: the container is %s, not paused", engine.ErrConflict, st)
	}
	if err := s.cfg.Group.Thaw(); err != nil {
		return fmt.Errorf("unpause: %w", err)
	}
	if err := os.Remove(s.cfg.runFile("paused")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unpause: %w", err)
	}
	if err := s.move(engine.Running); err != nil {
		return err
	}
	s.health.resume()
	s.publish(engine.ActionUnpause, nil)
	return nil
}

func (s *shim) current() engine.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// move changes the state unless the container has ended meanwhile.
func (s *shim) move(next engine.State) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == next { // taken over half-way
		return nil
	}
	if err := s.state.Move(next); err != nil {
		return err
	}
	s.state = next
	return nil
}

// first is the container's first program and what it was made of. A start that
// is under way is waited for: it is on record, so that others see the container
// run, before it is done.
func (s *shim) first() (engine.State, *specs.Spec, *program) {
	if s.current() == engine.Created {
		s.moves.Lock()
		defer s.moves.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.spec, s.program
}

// signalFirst sends to the container's first program. A frozen one would not
// even die of SIGKILL on cgroup v1, so that thaws.
func (s *shim) signalFirst(sig int) error {
	state, _, p := s.first()
	if !state.Live() {
		return fmt.Errorf("%w: the container is not running", engine.ErrConflict)
	}
	if err := p.signal(sig); err != nil {
		return err
	}
	if state == engine.Paused && sig == int(unix.SIGKILL) {
		if err := s.unpause(); err != nil && s.current().Live() {
			return err
		}
	}
	return nil
}
