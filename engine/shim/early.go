package shim

import (
	"path"
	"strings"

	"gantry/engine"
)

// Early is a spare that is started before it is known that a container will be
// made, by a program that has hardly begun: while its packages initialise there
// is a processor to spare. It makes the container's ID, too.
type Early struct {
	id      engine.ID
	path    string // of shim.json
	ready   chan struct{}
	monitor *Spare // when ready is closed; nil: it could not be started
}

// PrepareEarly starts a spare for a container that may be made below root.
// Both directories are as in the environment; where they are not clean
// absolute paths nothing happens.
func PrepareEarly(root, run string) *Early {
	for _, dir := range []string{root, run} {
		if !strings.HasPrefix(dir, "/") || path.Clean(dir) != dir {
			return nil
		}
	}
	id := engine.NewID()
	e := &Early{id: id, path: path.Join(root, "containers", string(id), ConfigFile), ready: make(chan struct{})}
	go func() {
		defer close(e.ready)
		if home := readHome(run); home != nil {
			e.monitor, _ = Prepare(e.path, home)
		}
	}()
	return e
}

// ID is of the container that the spare is for.
func (e *Early) ID() engine.ID { return e.id }

// Monitor waits for the spare and returns it, or nil when it cannot serve a
// container whose shim.json will be at path.
func (e *Early) Monitor(path string) *Spare {
	<-e.ready
	if e.monitor != nil && e.path != path {
		e.monitor.Close()
		e.monitor = nil
	}
	return e.monitor
}
