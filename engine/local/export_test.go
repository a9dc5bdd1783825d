package local

import (
	"syscall"
	"testing"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
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

// KillMonitor kills the monitor of a container that runs since its start.
func KillMonitor(t testing.TB, e *Engine, id engine.ID) {
	t.Helper()
	v, err := e.view(id)
	if err == nil {
		err = syscall.Kill(v.start.ShimPid, syscall.SIGKILL)
	}
	if err == nil {
		err = record.AwaitFree(t.Context(), shim.LockPath(e.run, id))
	}
	if err != nil {
		t.Fatal(err)
	}
}
