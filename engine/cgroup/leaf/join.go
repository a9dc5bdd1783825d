package leaf

import (
	"errors"
	"fmt"
	pathpkg "path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Join moves a process with all its threads into the group. Directories that
// the process is in already, because it was cloned into them, are left alone.
//
// A migration by another process waits for an RCU grace period (the kernel's
// cgroup_threadgroup_rwsem), 5 to 20 ms for the first of a row: a process
// that is yet to be made is placed by FD and Enter instead.
func (g *Group) Join(pid int) error {
	now, err := memberships(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return fmt.Errorf("join group %s: %w", g.Path, err)
	}
	done := map[string]bool{}
	for key, dir := range g.Dirs {
		if now[key] == g.Path {
			done[dir] = true
		}
	}
	for _, dir := range g.dirs() {
		if done[dir] {
			continue
		}
		if err := writeFile(pathpkg.Join(dir, "cgroup.procs"), strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("join group %s: %w", g.Path, err)
		}
	}
	return nil
}

// Enter moves the calling thread into the group's v1 directories, so that a
// process which it then clones starts there, and returns what moves it back.
// The caller has locked its goroutine to the thread; when leave fails it must
// let the goroutine end without unlocking, which ends the thread.
//
// This is fast because a thread that moves itself ("0" written to tasks)
// takes none of the locks that Join waits for. It does nothing for the v2
// directory, whose processes move as a whole: pass FD to clone3 for that.
// Kill must not run between Enter and leave: it would take the caller too.
func (g *Group) Enter() (leave func() error, err error) {
	now, err := memberships("/proc/thread-self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("enter group %s: %w", g.Path, err)
	}
	var moves []move
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("enter group %s: %w", g.Path, err), back(moves))
		}
	}()
	seen := map[string]bool{}
	for key, dir := range g.Dirs {
		if key == Unified || seen[dir] {
			continue
		}
		seen[dir] = true
		// The path in /proc is relative to the root of the cgroup namespace,
		// which is where the hierarchy is mounted from. Where it is not, the
		// file is missing and the caller falls back to Join.
		home := pathpkg.Join(strings.TrimSuffix(dir, g.Path), now[key])
		m, err := newMove(dir, home)
		if err != nil {
			return nil, err
		}
		moves = append(moves, m)
		if err := writeFD(m.to, "0"); err != nil {
			return nil, err
		}
	}
	return func() error { return back(moves) }, nil
}

// move is a thread's trip to another group of one hierarchy: both tasks files.
type move struct{ to, home int }

// newMove opens the way back before the way in is taken.
func newMove(to, home string) (move, error) {
	h, err := open(pathpkg.Join(home, "tasks"), unix.O_WRONLY)
	if err != nil {
		return move{}, err
	}
	t, err := open(pathpkg.Join(to, "tasks"), unix.O_WRONLY)
	if err != nil {
		unix.Close(h)
		return move{}, err
	}
	return move{to: t, home: h}, nil
}

func back(moves []move) error {
	var errs []error
	for _, m := range moves {
		errs = append(errs, writeFD(m.home, "0"))
		unix.Close(m.to)
		unix.Close(m.home)
	}
	return errors.Join(errs...)
}

// memberships reads a /proc/PID/cgroup: controller to path, "" for v2. Named
// v1 hierarchies keep their "name=" prefix.
func memberships(file string) (map[string]string, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		_, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		controllers, path, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		for c := range strings.SplitSeq(controllers, ",") {
			m[c] = path
		}
	}
	return m, nil
}
