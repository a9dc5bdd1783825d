package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine/cgroup/leaf"
)

// setting is one limit as the kernel takes it.
type setting struct {
	limit      string // as a user would say it
	controller string
	writes     []entry // alternatives: the first file that exists gets its value
	// dropped is why a missing file is no error, as with docker: the container
	// runs without this limit and Warnings says so.
	dropped string
}

type entry struct{ file, value string }

func one(limit, controller, file, value string) setting {
	return setting{limit: limit, controller: controller, writes: []entry{{file, value}}}
}

// put writes a setting into a group's directory.
func (s setting) put(dir string) error {
	for _, e := range s.writes {
		err := write(filepath.Join(dir, e.file), e.value)
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if s.dropped != "" {
		return nil
	}
	return &LimitError{Limit: s.limit, Reason: "the kernel has no " + s.writes[0].file}
}

// apply writes all limits of res to a group whose controllers are ready.
func (h *Host) apply(g *leaf.Group, res *specs.LinuxResources) error {
	if res == nil {
		return nil
	}
	if h.Mode == V2 {
		return h.applyUnified(g, res)
	}
	if err := applyLegacy(g, res); err != nil {
		return err
	}
	return putAll(g.Dirs[leaf.Unified], h.besides(res))
}

func putAll(dir string, settings []setting) error {
	for _, s := range settings {
		if err := s.put(dir); err != nil {
			return fmt.Errorf("set %s: %w", s.limit, err)
		}
	}
	return nil
}
