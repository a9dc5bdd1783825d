package content

import (
	"errors"
	"fmt"

	"gantry/images"
)

// ErrChanged is wrapped by errors about files that changed while the build read
// them.
var ErrChanged = errors.New("it changed while the build read it")

// MissingError says that a source is not there.
type MissingError struct {
	Source string // as written
	In     string // what the tree is called
	Why    string // what is known besides; "" when nothing is
}

func (e *MissingError) Error() string {
	s := fmt.Sprintf("%q is not in %s", e.Source, e.In)
	if e.Why != "" {
		s += ": " + e.Why
	}
	return s
}

func (e *MissingError) Unwrap() error { return images.ErrNotFound }

func changed(path string) error { return fmt.Errorf("read %q: %w", path, ErrChanged) }

func inPath(verb, path string, err error) error { return fmt.Errorf("%s %q: %w", verb, path, err) }
