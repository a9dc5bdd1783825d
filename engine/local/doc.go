// Package local is the embedded, daemonless engine: it wires stores, journals,
// monitors and control groups of one machine into engine.Engine. Every front
// end holds one in its own process; several work on the same state at once.
//
// Callers: main.go (which chooses the implementation) and the finish and job
// roles. Nothing else imports it.
//
// The invariant that a newcomer would break: a container's state is derived
// from what is on disk and alive (state.go), never kept in memory between
// calls and never rewritten by two processes. Whatever must be unique or must
// not change under one's feet is taken under a lock of record.Locks, in the
// order index, container, image, network.
package local
