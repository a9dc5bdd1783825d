package cgroup

import (
	"fmt"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// Update changes limits, and device rules when there are any, of a running
// group. What res does not mention stays; -1 takes a limit away.
func (h *Host) Update(g *leaf.Group, res *specs.LinuxResources) error {
	if err := h.Check(res); err != nil {
		return fmt.Errorf("update group %s: %w", g.Path, err)
	}
	for _, dir := range g.Dirs {
		if unix.Access(dir, unix.F_OK) != nil {
			return fmt.Errorf("update group %s: %s: %w", g.Path, dir, engine.ErrNotFound)
		}
	}
	if h.unified != "" {
		// A limit may need a controller that no container needed before.
		if err := h.enable(filepath.Dir(g.Path), h.needed(res)); err != nil {
			return fmt.Errorf("update group %s: %w", g.Path, err)
		}
	}
	if err := h.apply(g, res); err != nil {
		return fmt.Errorf("update group %s: %w", g.Path, err)
	}
	if err := h.restrict(g, res); err != nil {
		return fmt.Errorf("update group %s: %w", g.Path, err)
	}
	return nil
}
