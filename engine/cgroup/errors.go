package cgroup

import (
	"fmt"

	"gantry/engine"
)

var errNotMounted = fmt.Errorf("mount cgroup2 at /sys/fs/cgroup: %w", engine.ErrUnsupported)

// LimitError is a limit that this host cannot apply. It is ErrUnsupported.
type LimitError struct {
	Limit  string // as a user would say it: "memory limit"
	Reason string
	Hint   string // how to get it, a sentence or empty
}

func (e *LimitError) Error() string { return e.Limit + ": " + e.Reason }
func (e *LimitError) Unwrap() error { return engine.ErrUnsupported }
