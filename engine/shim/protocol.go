package shim

import (
	"time"

	"gantry/engine"
	"gantry/engine/network/hostport"
)

// Version of the protocol. A monitor runs as long as its container, so clients
// of newer versions meet it: requests of this version and the two before it
// must stay understood, and a client uses what the monitor's hello offers.
//
// Version 2 has launch and names.
const Version = 2

// One connection carries one request. All integers are big endian.
//
//	frame    length of payload uint32 | kind uint8 | payload
//
//	client                         monitor
//	hello {v}         --->                          JSON
//	request {op, …}   --->                          JSON, may follow at once
//	                  <---         hello {v}
//	                  <---         answer {…}       JSON, or
//	                  <---         failure {…}      JSON, and that is all
//
//	attach and exec go on with
//	stdin             --->                          bytes
//	stdinEnd          --->                          empty: no more input
//	                  <---         stdout, stderr   bytes
//	                  <---         notice           text about what was lost
//	                  <---         exit {…}         JSON, the last one
//
// To close the connection is to detach: it ends neither container nor program.
type kind byte

const (
	kindHello kind = 1 + iota
	kindRequest
	kindAnswer
	kindFailure
	kindStdin
	kindStdinEnd
	kindStdout
	kindStderr
	kindNotice
	kindExit
)

const (
	frameHead = 5
	// maxData bounds a frame of bytes, maxControl one of JSON: an exec brings a
	// whole environment along.
	maxData    = 64 << 10
	maxControl = 1 << 20
)

// limit is the largest payload of a kind, -1 of an unknown one.
func (k kind) limit() int {
	switch k {
	case kindHello, kindRequest, kindAnswer, kindFailure, kindExit:
		return maxControl
	case kindStdin, kindStdout, kindStderr, kindNotice:
		return maxData
	case kindStdinEnd:
		return 0
	}
	return -1
}

// launchVersion is the first that knows opLaunch. An older monitor refuses the
// request as a whole; a further member of opStart it would pass over, and run
// the container in an empty namespace.
const launchVersion = 2

// handshakeTime bounds how long a connection may take to say what it wants.
const handshakeTime = 10 * time.Second

type hello struct {
	V int `json:"v"`
}

// Operations.
const (
	opStatus  = "status"
	opStart   = "start"  // from the bundle alone
	opLaunch  = "launch" // with what Launch says; since version 2
	opSignal  = "signal" // of Exec, or of the container
	opPause   = "pause"
	opUnpause = "unpause"
	opResize  = "resize" // of Exec, or of the container; before a start: its first size
	opWait    = "wait"   // for Exec, or for the container
	opAttach  = "attach"
	opExec    = "exec"
	opNames   = "names"   // dns.json has changed; since version 2
	opDismiss = "dismiss" // a waiting monitor leaves
	opPublish = "publish" // before the start: hold these ports of the host; since version 2
	opBegin   = "begin"   // from the spawner to a spare, see Spare
	opBuild   = "build"   // from the spawner, unanswered: the start is near, and brings nothing
)

type request struct {
	Op      string                `json:"op"`
	Exec    string                `json:"exec,omitempty"`    // an exec session
	Attempt int                   `json:"attempt,omitempty"` // whose end is waited for; 0: of any
	Signal  int                   `json:"signal,omitempty"`
	Stop    bool                  `json:"stop,omitempty"` // the signal is to end the container for good
	Size    engine.TermSize       `json:"size,omitzero"`
	Attach  *engine.AttachOptions `json:"attach,omitempty"`
	Program *engine.ExecOptions   `json:"program,omitempty"`
	Launch  *Launch               `json:"launch,omitempty"`
	Ports   []hostport.Want       `json:"ports,omitempty"`
}

// Launch is what a start brings along that is not in the bundle: it is good for
// this one attempt.
type Launch struct {
	// Netns is the path of a network namespace that the container enters
	// instead of a fresh one, such as /proc/PID/fd/N. It has to be valid until
	// the launch is answered. "": a fresh one.
	Netns string `json:"netns,omitempty"`
	// Join are namespaces of other containers, Mounts detached mounts that it
	// gets, by their destinations.
	Join   []Join            `json:"join,omitempty"`
	Mounts map[string]string `json:"mounts,omitempty"`
}

type answer struct {
	Exec   string             `json:"exec,omitempty"`
	Exit   *engine.ExitStatus `json:"exit,omitempty"`
	Status *Status            `json:"status,omitempty"`
	Ports  []hostport.Port    `json:"ports,omitempty"`
	// Taken is a port that somebody else has: none is held then.
	Taken *hostport.Port `json:"taken,omitempty"`
}

// Status is how a monitor stands.
type Status struct {
	State     engine.State `json:"state"` // created, running, paused or exited
	Attempt   int          `json:"attempt,omitempty"`
	Pid       int          `json:"pid,omitempty"` // of the container's first program
	ShimPid   int          `json:"shimPid"`
	StartedAt time.Time    `json:"startedAt,omitzero"`
	Attached  int          `json:"attached"` // attachers
	Execs     int          `json:"execs"`    // running exec sessions
}
