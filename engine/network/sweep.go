package network

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gantry/engine"
	"gantry/engine/record"
)

// Sweep removes what killed processes left: claims of containers that have
// ended, bridges without endpoints, and half-made networks. It is best effort.
func (s *Store) Sweep(ctx context.Context) {
	records, _ := s.records()
	for _, r := range records {
		k, err := s.o.Locks.TryLock(record.LockNetwork, string(r.ID))
		if err != nil {
			continue // somebody is at it
		}
		s.reap(ctx, r.ID)
		_ = s.bridgeDown(ctx, r)
		k.Unlock()
	}
	names, err := s.names()
	if err != nil {
		return
	}
	held, _ := names.All()
	for name, id := range held {
		if engine.PredefinedNetwork(name) {
			continue
		}
		if _, err := os.Lstat(s.recordPath(engine.ID(id))); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		k, err := s.o.Locks.TryLock(record.LockNetwork, id)
		if err != nil {
			continue // it is being made
		}
		if _, err := os.Lstat(s.recordPath(engine.ID(id))); errors.Is(err, os.ErrNotExist) {
			_ = names.Release(name, id)
			_ = os.Remove(filepath.Dir(s.recordPath(engine.ID(id))))
		}
		k.Unlock()
	}
}
