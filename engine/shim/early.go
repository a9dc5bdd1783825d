package shim

import (
	"path"
	"strings"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/record"
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

// homeFile in the runtime directory says where the monitors' control group is,
// so that it need not be looked for.
const homeFile = "monitors.json"

// Home is homeFile.
type Home struct {
	Group *leaf.Group `json:"group"`
}

// NoteHome keeps where monitors are put for the next PrepareEarly. What it says
// may become wrong: then a monitor that was started there is not, or moves.
func NoteHome(run string, group *leaf.Group) error {
	return record.Write(path.Join(run, homeFile), Home{Group: group}, record.Volatile)
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
		var home Home
		if err := record.Read(path.Join(run, homeFile), &home); err == nil && home.Group != nil {
			e.monitor, _ = Prepare(e.path, home.Group)
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
