package shim

// SetCheckpoint lets a test binary in the role of a monitor act at a step.
func SetCheckpoint(f func(step string)) { checkpoint = f }

// Start is how monitors are executed.
var Start = start

// Internals of the protocol that are tested from outside.
var (
	SocketPath = socketPath
)

const (
	MaxHeld   = maxHeld
	GraceTime = graceTime
)
