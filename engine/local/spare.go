package local

import (
	"context"
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
	// begun are the clients of those that were told to begin. Whoever attached
	// owns and closes them.
	begun map[engine.ID]*shim.Client
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
		if group, err := host.Monitors(); err == nil {
			s.monitor, _ = shim.Prepare(e.file(id, shim.ConfigFile), group)
			_ = shim.NoteHome(e.run, group)
		}
	}()
	return id
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
		s.begun = make(map[engine.ID]*shim.Client)
	}
	s.begun[id] = client
	return client, nil
}

// waiting returns, once, the client of a monitor that has begun and waits for
// the start: a start need not look for it.
func (s *spares) waiting(id engine.ID) *shim.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	client := s.begun[id]
	delete(s.begun, id)
	return client
}
