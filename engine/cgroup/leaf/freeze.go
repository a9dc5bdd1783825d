package leaf

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// freezeTimeout bounds Freeze: a process in an uninterruptible wait (a dead
// network file system) cannot be frozen.
const freezeTimeout = 10 * time.Second

// Freeze stops every process of the group and returns when all of them stand
// still. When that does not happen in time the group is thawed again.
func (g *Group) Freeze() error {
	err := g.freeze(time.Now().Add(freezeTimeout))
	if err != nil {
		return fmt.Errorf("freeze group %s: %w", g.Path, errors.Join(err, g.thaw()))
	}
	return nil
}

// Thaw lets the processes of the group run again.
func (g *Group) Thaw() error {
	if err := g.thaw(); err != nil {
		return fmt.Errorf("thaw group %s: %w", g.Path, err)
	}
	return nil
}

var errNoFreezer = fmt.Errorf("no freezer on this host: %w", errors.ErrUnsupported)

func (g *Group) freeze(deadline time.Time) error {
	if dir, ok := g.Dirs[Unified]; ok {
		if err := writeFile(path.Join(dir, "cgroup.freeze"), "1"); err != nil {
			return err
		}
		return waitEvent(dir, "frozen", 1, deadline)
	}
	if dir, ok := g.Dirs["freezer"]; ok {
		return freezeLegacy(dir, deadline)
	}
	return errNoFreezer
}

func (g *Group) thaw() error {
	if dir, ok := g.Dirs[Unified]; ok {
		return writeFile(path.Join(dir, "cgroup.freeze"), "0")
	}
	if dir, ok := g.Dirs["freezer"]; ok {
		return writeFile(path.Join(dir, "freezer.state"), "THAWED")
	}
	return errNoFreezer
}

// freezeLegacy writes FROZEN until the v1 freezer says FROZEN: processes that
// fork while it works can keep it FREEZING (kernel's freezer-subsystem.rst:
// "userspace may retry"), and a thaw in between gets it unstuck.
func freezeLegacy(dir string, deadline time.Time) error {
	file := path.Join(dir, "freezer.state")
	pause := newBackoff(deadline)
	for i := 1; ; i++ {
		if err := writeFile(file, "FROZEN"); err != nil {
			return err
		}
		state, err := readFile(file)
		if err != nil {
			return err
		}
		if strings.TrimSpace(state) == "FROZEN" {
			return nil
		}
		if i%10 == 0 {
			if err := writeFile(file, "THAWED"); err != nil {
				return err
			}
		}
		if !pause.wait() {
			return errTimeout
		}
	}
}
