package local

import (
	"context"
	"errors"
	"os"
	"sync"

	"gantry/engine"
	"gantry/engine/shim"
)

// spares are monitors that were started ahead of their containers. That there
// is one, and that it works, is never relied upon.
type spares struct {
	mu   sync.Mutex
	byID map[engine.ID]*spare
	// early came with the process, and is taken once.
	early *shim.Early
	begun map[engine.ID]*begun
}

// begun is a monitor that was told to begin and waits for the start.
type begun struct {
	client *shim.Client
	lent   bool // to somebody who closes it
}

type spare struct {
	ready   chan struct{} // closed when monitor is set, or will not be
	monitor *shim.Spare
}

// prepareMonitor starts the monitor of a container that is about to be made,
// unless this process has one already, which decides the container's ID.
func (e *Engine) prepareMonitor(id engine.ID) engine.ID {
	s := &spare{ready: make(chan struct{})}
	e.spares.mu.Lock()
	defer e.spares.mu.Unlock()
	early := e.spares.early
	e.spares.early = nil
	if early != nil {
		id = early.ID()
	}
	if e.spares.byID == nil {
		e.spares.byID = make(map[engine.ID]*spare)
	}
	e.spares.byID[id] = s
	go func() {
		defer close(s.ready)
		if early != nil {
			s.monitor = early.Monitor(e.file(id, shim.ConfigFile))
		}
		host, err := e.host() // in any case: who makes the container is about to ask
		if err != nil || s.monitor != nil {
			return
		}
		if e.makeMonitorGroup() == nil {
			s.monitor, _ = shim.Prepare(e.file(id, shim.ConfigFile), host.MonitorGroup())
		}
	}()
	return id
}

// makeMonitorGroup makes the control group that monitors are started in.
func (e *Engine) makeMonitorGroup() error {
	host, err := e.host()
	if err != nil {
		return err
	}
	group, err := host.Monitors()
	if err == nil {
		_ = shim.NoteHome(e.run, group) // without it, none is started early
	}
	return err
}

// beginAhead has the monitor that was prepared for a container begin while the
// container's record is written, and waits for its control group; nil: there
// was none prepared. Where no namespace has to be handed to the start, the
// monitor makes the container right away. A failure is met again, and told, by the attach or the
// start that needs them.
func (e *Engine) beginAhead(ctx context.Context, rec *containerRecord, group <-chan madeGroup) (done <-chan struct{}) {
	over := make(chan struct{})
	if group == nil {
		close(over)
		return over
	}
	go func() {
		defer close(over)
		client, err := e.spawn(ctx, rec, group)
		if err == nil && rec.selfContained() {
			client.Build()
		}
	}()
	return over
}

// dismissBegun undoes beginAhead.
func (e *Engine) dismissBegun(ctx context.Context, id engine.ID) error {
	b := e.spares.waiting(id)
	if b == nil {
		return nil
	}
	err := errors.Join(b.client.Dismiss(ctx), b.client.Close())
	return errors.Join(err, e.deleteGroup(id), os.RemoveAll(e.runDir(id)))
}

// take returns the monitor that was prepared for a container, once.
func (s *spares) take(id engine.ID) *shim.Spare {
	s.mu.Lock()
	found := s.byID[id]
	delete(s.byID, id)
	s.mu.Unlock()
	if found == nil {
		return nil
	}
	<-found.ready
	return found.monitor
}

// dropMonitor dismisses the monitor of a container that was not made.
func (e *Engine) dropMonitor(id engine.ID) {
	if m := e.spares.take(id); m != nil {
		m.Close()
	}
}

// drop dismisses all.
func (s *spares) drop() {
	s.mu.Lock()
	ids := make([]engine.ID, 0, len(s.byID))
	for id := range s.byID {
		ids = append(ids, id)
	}
	for id, b := range s.begun {
		if !b.lent {
			b.client.Close()
		}
		delete(s.begun, id)
	}
	s.mu.Unlock()
	for _, id := range ids {
		if m := s.take(id); m != nil {
			m.Close()
		}
	}
}

// begin tells the monitor that was prepared for a container, if there is one,
// to begin with the orders that lie in shim.json.
func (s *spares) begin(ctx context.Context, id engine.ID) (*shim.Client, error) {
	m := s.take(id)
	if m == nil {
		return nil, nil
	}
	client, err := m.Spawn(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == nil {
		s.begun = make(map[engine.ID]*begun)
	}
	s.begun[id] = &begun{client: client}
	return client, nil
}

// lend returns, once, the client of a monitor that has begun: an attach need
// not look for it. It is the caller's to close.
func (s *spares) lend(id engine.ID) *shim.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.begun[id]
	if b == nil || b.lent {
		return nil
	}
	b.lent = true
	return b.client
}

// waiting returns, once, a monitor that has begun: nor need the start.
func (s *spares) waiting(id engine.ID) *begun {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.begun[id]
	delete(s.begun, id)
	return b
}

// prepared tells whether there is a monitor that waits to begin.
func (s *spares) prepared(id engine.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id] != nil
}
