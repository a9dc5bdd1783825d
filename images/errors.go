package images

import "errors"

// Classes of failure that callers act on. Implementations wrap them with what
// failed and on which object.
var (
	ErrNotFound     = errors.New("not found")
	ErrInUse        = errors.New("in use")
	ErrConflict     = errors.New("conflict")
	ErrCorrupt      = errors.New("corrupt")      // bytes do not match their digest, or a record does not parse
	ErrUnauthorized = errors.New("unauthorized") // the registry wants (other) credentials
	ErrUnavailable  = errors.New("unavailable")  // the registry cannot be reached
	ErrPlatform     = errors.New("no matching platform")
	ErrUnsupported  = errors.New("not supported")
	ErrAmbiguous    = errors.New("ambiguous")          // a short ID that several objects share
	ErrHostile      = errors.New("refused as hostile") // an archive that tries to leave its root or to exhaust the host
)
