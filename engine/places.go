package engine

// DefaultRoot and DefaultRun are where root keeps its state.
const (
	DefaultRoot = "/var/lib/gantry"
	DefaultRun  = "/run/gantry"
)
