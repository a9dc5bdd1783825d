package engine

import "context"

// Supervisor is what an engine without a daemon has for the time when no front
// end is open. Not every engine needs one: assert it on Engine.
type Supervisor interface {
	// Boot starts the containers that their policies bring back after a boot of
	// the machine. It does so once per boot; again it does nothing.
	Boot(ctx context.Context, tell func(CareNotice)) error
	// Supervise puts a new monitor in the place of each that dies, until ctx
	// ends, which is no error. There is one supervisor at a time: ErrInUse.
	Supervise(ctx context.Context, tell func(CareNotice)) error
	// Supervised tells which process does that, 0: none.
	Supervised(ctx context.Context) (pid int, err error)
}

// CareNotice is something that a supervisor did for a container, or could not do.
type CareNotice struct {
	Container string // its name
	Text      string // "started", "its monitor was killed; another one has taken over"
	Err       error
}
