package fake

import (
	"context"
	"slices"

	"gantry/engine"
)

var _ engine.ConnectionReader = containers{}

// SetConnections scripts the sockets of a container.
func (e *Engine) SetConnections(ref string, list []engine.Connection) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find("script", ref)
	if err != nil {
		return err
	}
	c.sockets = list
	return nil
}

func (cs containers) Connections(ctx context.Context, ref string, limit int) ([]engine.Connection, bool, error) {
	c, err := cs.e.lookup(ctx, OpSockets, "list connections of", ref)
	if err != nil {
		return nil, false, err
	}
	defer cs.e.mu.Unlock()
	switch {
	case c.proc == nil:
		return nil, false, opError("list connections of", "container", ref, engine.ErrConflict, "it does not run")
	case c.detail.HostConfig.NetworkMode == engine.NetworkHost:
		return nil, false, opError("list connections of", "container", ref, engine.ErrUnsupported, "it uses the host's network")
	}
	n := min(limit, len(c.sockets))
	return slices.Clone(c.sockets[:n]), n < len(c.sockets), nil
}
