// Package engine is the vocabulary of the container engine: the Engine
// interface with its roles, and the identifiers, states, options, events and
// errors that cross it. Command line, workbench and API server talk to
// containers through it only.
//
// Implementations: engine/local (the embedded, daemonless engine) and
// engine/fake (scripted, for tests of user interfaces). engine/enginetest is
// the conformance suite that every implementation passes.
//
// The package imports the vocabularies images and logs and otherwise only the
// standard library: the container monitor links it, and it must start fast.
//
// # Lifecycle of a container
//
//	          Create            Start              program ends
//	(nothing) ------> created ---------> running --------------> exited
//	                     |               |    ^                    |   ^
//	                     |         Pause v    | Unpause      Start |   |
//	                     |              paused              running ---+
//	                     +--------- Remove ------> removing <---- Remove
//
// A move that the table in state.go does not hold is refused with ErrConflict.
package engine
