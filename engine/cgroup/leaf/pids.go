package leaf

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Pids returns the processes of the group and of all groups below it, which a
// container may have made itself, in ascending order. Zombies are not listed.
func (g *Group) Pids() ([]int, error) {
	set := map[int]bool{}
	for _, dir := range g.dirs() {
		err := walk(dir, func(dir string) error { return readPids(dir, set) })
		if err != nil {
			return nil, fmt.Errorf("list processes of group %s: %w", g.Path, err)
		}
	}
	pids := make([]int, 0, len(set))
	for pid := range set {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids, nil
}

// readPids adds what cgroup.procs holds. A group that is gone holds nothing;
// a threaded one refuses the read and is listed at its domain.
func readPids(dir string, set map[int]bool) error {
	text, err := readFile(path.Join(dir, "cgroup.procs"))
	if gone(err) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(text, "\n") {
		// 0 is a process of another PID namespace: not ours to signal.
		if pid, err := strconv.Atoi(line); err == nil && pid > 0 {
			set[pid] = true
		}
	}
	return nil
}

// walk calls visit for dir and every group below it, children first.
func walk(dir string, visit func(dir string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !gone(err) {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := walk(path.Join(dir, e.Name()), visit); err != nil {
				return err
			}
		}
	}
	return visit(dir)
}

// gone tells that a group vanished: reads of a file that was open meanwhile
// give ENODEV.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}
