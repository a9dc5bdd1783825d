package shim

import (
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// Join is a namespace of another container that a start enters in place of a
// fresh one. Path has to be valid until the launch is answered.
type Join struct {
	Kind specs.LinuxNamespaceType `json:"kind"`
	Path string                   `json:"path"`
}

// borrows tells whether the start brings anything that a container which was
// made ahead cannot have.
func (l *Launch) borrows() bool { return len(l.Join)+len(l.Mounts) > 0 }

// openMounts takes the mounts that the start brings along.
func (l *Launch) openMounts() (map[string]*os.File, error) {
	out := make(map[string]*os.File, len(l.Mounts))
	for at, from := range l.Mounts {
		f, err := os.OpenFile(from, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			closeMounts(out)
			return nil, fmt.Errorf("take the mount for %s: %w", at, err)
		}
		out[at] = f
	}
	return out, nil
}

func closeMounts(mounts map[string]*os.File) {
	for _, f := range mounts {
		f.Close()
	}
}

// join puts them into the spec of this start.
func (l *Launch) join(spec *specs.Spec) error {
	for _, j := range l.Join {
		found := false
		for i, n := range spec.Linux.Namespaces {
			if n.Type == j.Kind && n.Path == "" && j.Path != "" {
				spec.Linux.Namespaces[i].Path, found = j.Path, true
			}
		}
		if !found {
			return fmt.Errorf("%w launch: the spec has no %s namespace to be replaced", engine.ErrInvalid, j.Kind)
		}
	}
	return nil
}
