package shim

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/events"
	"gantry/engine/network/hostport"
	"gantry/engine/network/responder"
	"gantry/engine/record"
	"gantry/internal/usock"
)

// shim is a monitor at work.
type shim struct {
	cfg     *Config
	path    string // of shim.json
	lock    *os.File
	events  *events.Journal
	out     *output
	streams *stdio
	input   *input // nil: the container has no standard input
	socket  *usock.Listener
	ahead   ahead

	bornOnce sync.Once
	bornAt   uint64

	moves sync.Mutex    // held through a change of state but the end
	ended chan struct{} // closed when exit is set
	left  chan struct{} // closed when the monitor may end

	mu      sync.Mutex // guards what is below
	state   engine.State
	start   StartRecord
	program *program             // the container's first
	dns     *responder.Responder // nil: the container has none
	oom     *leaf.OOM            // nil: the group has no memory controller
	health  *health              // nil: nothing is checked
	spec    *specs.Spec          // of the start, for exec sessions
	size    engine.TermSize
	execs   map[string]*execution
	exit    engine.ExitStatus
	ports   *hostport.Held // nil: none
	busy    int            // requests at work
	undoers int            // attachers that have promised to remove the container
	cleared bool           // it was removed, or somebody else was told to
	held    bool           // the client that spawned us is there
	leaving bool
	stopped bool // somebody wants it to end and not to be started again
	// again is where the attempt stands in its policy, byPolicy that it came
	// about by that. Set before the attempt.
	again    Again
	byPolicy bool
	grace    *time.Timer
	resting  *time.Timer
}

// errLeaving is what a request meets that comes too late.
var errLeaving = fmt.Errorf("%w: it is leaving", ErrGone)

// newShim takes the container's lock and prepares everything that does not
// depend on whether the container is to be started or taken over.
func newShim(path string) (s *shim, err error) {
	cfg, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	s = &shim{
		cfg: cfg, path: path, state: engine.Created, execs: map[string]*execution{}, held: true,
		ended: make(chan struct{}), left: make(chan struct{}),
	}
	if err := cfg.makeRunDir(); err != nil {
		return nil, err
	}
	if s.lock, err = takeLock(LockPath(cfg.Run, cfg.ID)); err != nil {
		return nil, err
	}
	if s.events, err = events.Open(cfg.Root+"/events", cfg.Run+"/locks"); err != nil {
		return nil, err
	}
	s.out, err = openOutput(cfg)
	return s, err
}

func readConfig(path string) (*Config, error) {
	var cfg Config
	if err := record.Read(path, &cfg); err != nil {
		return nil, err
	}
	if len(cfg.ID) != 64 || cfg.Root == "" || cfg.Run == "" || cfg.Bundle == "" {
		return nil, fmt.Errorf("%w monitor configuration %s: id, root, run and bundle are needed", engine.ErrInvalid, path)
	}
	return &cfg, nil
}

// publish appends an event of the container. That the journal cannot be
// written must not stop a container: it is told in shim.log.
func (s *shim) publish(action string, more map[string]string) {
	ev := engine.Event{Kind: engine.KindContainer, Action: action, ID: string(s.cfg.ID), Attributes: s.attributes(more)}
	if _, err := s.events.Append(ev); err != nil {
		fmt.Fprintf(os.Stderr, "publish %s: %v\n", action, err)
	}
}

// attributes of the container as they are now.
func (s *shim) attributes(more map[string]string) map[string]string {
	attrs := s.cfg.Attributes
	if now, err := readConfig(s.path); err == nil {
		attrs = now.Attributes
	}
	all := make(map[string]string, len(attrs)+len(more))
	for _, m := range []map[string]string{attrs, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// enter counts a request, leave ends it. A monitor with requests stays.
func (s *shim) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return errLeaving
	}
	s.busy++
	if s.grace != nil {
		s.grace.Stop()
		s.grace = nil
	}
	return nil
}

func (s *shim) leave() {
	s.rest()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.settle()
}

// released says that the client that spawned us has gone.
func (s *shim) released() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	s.settle()
}

// graceTime is how long a monitor waits for a start when nobody is there: a
// front end hangs up between an attach and the start.
const graceTime = 3 * time.Second

// settle looks whether the monitor is still needed. Called with mu.
func (s *shim) settle() {
	if s.busy > 0 || s.leaving {
		return
	}
	switch {
	case s.state == engine.Exited:
		s.depart()
	case s.state == engine.Created && !s.held && s.grace == nil:
		s.grace = time.AfterFunc(graceTime, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.busy == 0 && s.state == engine.Created {
				s.depart()
			}
		})
	}
}

func (s *shim) depart() {
	if !s.leaving {
		s.leaving = true
		close(s.left)
	}
}

// dismiss makes a waiting monitor leave.
func (s *shim) dismiss() error {
	if !s.moves.TryLock() {
		return fmt.Errorf("%w: the container is being started", engine.ErrConflict)
	}
	defer s.moves.Unlock()
	s.ahead.end() // before the answer: its control group is removed next
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != engine.Created {
		return fmt.Errorf("%w: the container is %s", engine.ErrConflict, s.state)
	}
	s.depart()
	return nil
}

// free gives the container's name in the runtime directory back: from here on
// another monitor may come. What is removed must go before the lock does.
func (s *shim) free() error {
	s.letGo()
	errs := []error{s.socket.Close()}
	for _, name := range []string{"shim.sock", "stdin", "stdout", "stderr", "paused", healthFile, checkFile} {
		if err := unix.Unlink(s.cfg.runFile(name)); err != nil && err != unix.ENOENT {
			errs = append(errs, &os.PathError{Op: "remove", Path: s.cfg.runFile(name), Err: err})
		}
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// status describes the monitor.
func (s *shim) status() *Status {
	attached := s.out.attached()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &Status{State: s.state, Attempt: s.start.Attempt, ShimPid: os.Getpid(), StartedAt: s.start.StartedAt, Attached: attached}
	if s.state.Live() {
		st.Pid = s.start.Pid
	}
	for _, x := range s.execs {
		if !x.over() {
			st.Execs++
		}
	}
	return st
}

// durability of the container's records: one that removes itself at its end
// has none to keep.
func (s *shim) durability() record.Durability {
	if s.cfg.AutoRemove {
		return record.Volatile
	}
	return record.Durable
}
