// Package shim is the monitor of one container and the client of it. The
// monitor is this program, executed again in the role gantry-shim: the parent
// of the container's first program and of every exec session, the owner of
// their standard streams, the writer of the log and of the exit record. It
// outlives the front end that began it. It decides nothing: what to run is in
// the bundle, and what to do next is for engine/local.
//
// # Life
//
//	Spawn ----> waiting ---Start---> running <-> paused ---> exited ---> gone
//	              |  client gone, nobody attached    ^
//	              +-----------> gone                 |
//	Adopt -------------------------------------------+
//
// A monitor may also be started before its container exists, and be told to
// begin once it does (Prepare): until then it is a process and nothing else. And
// one that knows all of a start that is near makes the container while it waits
// (Client.Build): a start then has to let one process go.
//
// Waiting it listens on its socket, so that an attach comes before the first
// byte of output; the container is then still "created". A monitor serves one
// start: the next one gets a new monitor. One that was killed is replaced by
// Adopt while the container goes on.
//
// # An exit
//
//	reap, ask for OOM, drain the streams, end and sync the log   keep what was
//	write exit.json together with the events oom and die         persist, publish
//	close the log, remove socket and streams, free the lock      a new start may come
//	answer waiters and attachers                                 answer
//	AutoRemove: execute gantry-finish, unless an attacher that   heavy work elsewhere
//	  is still there has promised to remove the container;
//	  when that has, delete the files                            nobody waits for it
//	wait out the back-off, where its policy starts it again   see turn.go
//	leave when the last attacher has all output
//
// The control group is removed before anybody is answered: a restart makes one
// of the same name. A container that is removed with its end is never started
// again, and whoever removes it waits for the end of its group: so the answers
// come as soon as the exit is on record, and what is closed, freed and unmounted
// after them costs nobody time.
//
// # Ports
//
// The ports that a container publishes are held from before its start (Publish)
// until its program has ended; start.json says which. The rules that lead to them
// are not for the monitor, see package nat. A successor takes them again; one that
// somebody else took meanwhile stays theirs, and is told in shim.log.
//
// # When the monitor dies
//
// Its container goes on: without a terminal its stdout and stderr are FIFOs
// that it holds open itself for reading and writing, so that there is no
// SIGPIPE; it blocks when they are full, until the next monitor reads on. A
// terminal dies with its master, and what runs on it gets SIGHUP.
//
// # Invariants
//
// The container never waits for a reader of its output: see output.go.
//
// At most one monitor of a container is at work: it holds a flock on shim.pid
// from before it listens until its exit is on record. Its descriptors are
// close-on-exec, and its environment holds settings of Go's runtime only.
//
// It links nothing heavy (see internal/early): a machine has as many monitors
// as containers.
package shim
