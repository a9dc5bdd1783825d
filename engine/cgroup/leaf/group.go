package leaf

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Unified is the key of the v2 directory in Group.Dirs.
const Unified = ""

// Group is one existing control group. It is plain data, so that a monitor
// can be handed one as JSON.
type Group struct {
	// Path is relative to the root of every hierarchy: "/gantry/<id>".
	Path string `json:"path"`
	// Dirs holds an absolute directory per v1 controller ("memory"), and the
	// v2 one under Unified. Controllers that are mounted together share one.
	Dirs map[string]string `json:"dirs"`
	// Prune makes Delete also remove the parent directory when this was its
	// last group. It is not set where systemd owns the parent.
	Prune bool `json:"prune,omitempty"`
}

// dirs returns every directory once, in a fixed order, the v2 one first.
func (g *Group) dirs() []string {
	var all []string
	for key, dir := range g.Dirs {
		if key != Unified {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if dir, ok := g.Dirs[Unified]; ok {
		all = slices.Insert(all, 0, dir)
	}
	return all
}

// FD opens the v2 directory for CLONE_INTO_CGROUP. It is nil, without an
// error, where there is none: then Enter or Join alone place the process.
func (g *Group) FD() (*os.File, error) {
	dir, ok := g.Dirs[Unified]
	if !ok {
		return nil, nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open group: %w", &os.PathError{Op: "open", Path: dir, Err: err})
	}
	return os.NewFile(uintptr(fd), dir), nil
}
