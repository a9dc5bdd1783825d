package leaf

import (
	"errors"
	"fmt"
	"os"
	pathpkg "path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// killTimeout bounds Kill. Killing takes microseconds; what lasts is the exit
// of a process with much memory, or one stuck in an uninterruptible wait.
const killTimeout = 10 * time.Second

// Kill ends every process of the group and of the groups below it, frozen
// ones and those being forked meanwhile included, and returns when none is
// left.
func (g *Group) Kill() error {
	deadline := time.Now().Add(killTimeout)
	if err := g.kill(deadline); err != nil {
		return fmt.Errorf("kill group %s: %w", g.Path, err)
	}
	return nil
}

func (g *Group) kill(deadline time.Time) error {
	if dir, ok := g.Dirs[Unified]; ok {
		// One write kills all, and a fork in flight sees it too (Linux 5.14).
		err := writeFile(pathpkg.Join(dir, "cgroup.kill"), "1")
		switch {
		case err == nil:
			if err := waitEvent(dir, "populated", 0, deadline); err != nil && !gone(err) {
				return err
			}
		case !gone(err):
			return err
		}
	}
	// Older kernels, v1, and a process that left the v2 directory alone.
	return g.hunt(deadline)
}

// hunt signals every process until none is left. Forks are stopped first, by
// the pids controller and by the freezer, or a fork bomb would outrun it.
func (g *Group) hunt(deadline time.Time) error {
	pids, err := g.Pids()
	if err != nil || len(pids) == 0 {
		return err
	}
	unseal := g.sealForks()
	defer unseal()
	pause := newBackoff(deadline)
	for {
		// A group that cannot be frozen quickly is killed as it runs.
		_ = g.freeze(earlier(deadline, time.Now().Add(500*time.Millisecond)))
		if pids, err = g.Pids(); err == nil {
			g.signal(pids)
		}
		// Frozen processes of v1 die only once they run again.
		if thawErr := g.thaw(); thawErr != nil && !gone(thawErr) && !errors.Is(thawErr, errNoFreezer) {
			err = errors.Join(err, thawErr)
		}
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		if !pause.wait() {
			return fmt.Errorf("%d processes live on: %w", len(pids), errTimeout)
		}
	}
}

// signal kills each process that still is what was listed: a number may have
// been given to another process since. The own process is spared; it is
// listed while a thread of it is in the group (see Enter).
func (g *Group) signal(pids []int) {
	for _, pid := range pids {
		if pid == os.Getpid() {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		if g.holds(pid) {
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		}
		unix.Close(fd)
	}
}

// holds tells whether a process is in the group, or below it, in any
// hierarchy.
func (g *Group) holds(pid int) bool {
	now, err := memberships(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return false
	}
	for key := range g.Dirs {
		// What is mounted need not be the namespace's root, so the path in
		// /proc may be longer at its front.
		if path, ok := now[key]; ok && strings.Contains(path+"/", g.Path+"/") {
			return true
		}
	}
	return false
}

// sealForks makes every fork in the group fail and returns what undoes it.
func (g *Group) sealForks() (undo func()) {
	dir, ok := g.Dirs["pids"]
	if !ok {
		dir = g.Dirs[Unified]
	}
	file := pathpkg.Join(dir, "pids.max")
	old, err := readFile(file)
	if err != nil || writeFile(file, "0") != nil {
		return func() {}
	}
	return func() { _ = writeFile(file, strings.TrimSpace(old)) }
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
