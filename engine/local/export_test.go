package local

import (
	"gantry/engine"
	"gantry/engine/record"
)

// Root and Run are where an engine keeps its state.
func (e *Engine) Root() string { return e.root }
func (e *Engine) Run() string  { return e.run }

// MarkRemoval does what a removal with volumes does first.
func (e *Engine) MarkRemoval(id engine.ID) error {
	rec, err := e.readRecord(id)
	if err != nil {
		return err
	}
	rec.Removing, rec.RemovingVolumes = true, true
	return record.Write(e.file(id, "record.json"), rec, record.Volatile)
}
