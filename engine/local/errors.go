package local

import (
	"errors"
	"fmt"

	"gantry/engine"
)

// opErr wraps a failure on a container with what was done to it.
func opErr(op, ref string, err error) error {
	hint := ""
	if errors.Is(err, engine.ErrNotFound) {
		hint = "gantry ps -a lists the containers there are"
	}
	return kindErr(op, "container", ref, err, hint)
}

// kindErr wraps err unless it already says what failed.
func kindErr(op, kind, ref string, err error, hint string) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*engine.OpError); ok {
		return err
	}
	if len(ref) == 64 && isHex(ref) { // an ID is as good in twelve digits
		ref = engine.ID(ref).Short()
	}
	return &engine.OpError{Op: op, Kind: kind, ID: ref, Err: err, Hint: hint}
}

// invalidFilter refuses a filter's key, or a value when there is one.
func invalidFilter(key, value, valid string) error {
	if value == "" {
		return fmt.Errorf("%w filter %q; use one of: %s", engine.ErrInvalid, key, valid)
	}
	return fmt.Errorf("%w value %q of filter %q; want %s", engine.ErrInvalid, value, key, valid)
}
