package engine

import (
	"errors"
	"fmt"

	"gantry/images"
)

// Classes of failure. Test with errors.Is; the command line derives exit codes
// and the API status codes from them.
var (
	ErrNotFound    = images.ErrNotFound
	ErrConflict    = images.ErrConflict
	ErrInUse       = images.ErrInUse
	ErrCorrupt     = images.ErrCorrupt
	ErrInvalid     = errors.New("invalid")
	ErrNotModified = errors.New("already in that state")
	ErrUnsupported = images.ErrUnsupported
	ErrPermission  = errors.New("not permitted")
	ErrLagged      = errors.New("events were missed")
	ErrAmbiguous   = images.ErrAmbiguous

	// ErrCommandNotFound and ErrCommandNotExecutable are failed starts of a
	// container's program: exit codes 127 and 126.
	ErrCommandNotFound      = errors.New("executable file not found")
	ErrCommandNotExecutable = errors.New("permission denied")
)

// OpError says what failed (Op, "start"), on which object (Kind "container",
// ID as the user named it), why (Err) and what to do next (Hint, a sentence or
// empty).
type OpError struct {
	Op   string
	Kind string
	ID   string
	Err  error
	Hint string
}

func (e *OpError) Error() string {
	if e.ID == "" {
		return fmt.Sprintf("%s %s: %v", e.Op, e.Kind, e.Err)
	}
	return fmt.Sprintf("%s %s %s: %v", e.Op, e.Kind, e.ID, e.Err)
}

func (e *OpError) Unwrap() error { return e.Err }
