package ociruntime

import (
	"os"
	pathpkg "path"
	"strconv"

	"golang.org/x/sys/unix"

	"gantry/engine/cgroup/leaf"
)

// placement puts a child into a group at its birth: by CLONE_INTO_CGROUP in
// the v2 directory and, because a child starts where the forking thread is, by
// moving that thread into the v1 directories first ("0" written to tasks).
//
// Neither waits for the RCU grace period (5 to 20 ms) that migrating a process
// costs, and nothing of ours is counted in the group but, for a moment, this
// one thread: the smallest memory limit is enough.
//
// The files are opened early: later the thread's root is the container's.
type placement struct {
	fd    int // of the v2 directory, or -1
	tasks []int
	// move says that the child is made outside and is to be moved by
	// leaf.Group.Join.
	move bool
}

// openPlacement opens the group. With move the child is migrated in any case:
// a v1 group with room for a single process has none for thread and child.
func openPlacement(group *leaf.Group, move bool, open *fds) (*placement, error) {
	p := &placement{fd: -1, move: move && group != nil}
	if group == nil || p.move {
		return p, nil
	}
	dir, err := group.FD()
	if err != nil {
		return nil, err
	}
	if dir == nil {
		// On plain v1 a group is killed by the list of its processes, on which
		// a thread in it would put this whole program. So the child is moved.
		p.move = true
		return p, nil
	}
	defer dir.Close()
	if p.fd, err = open.dupHigh(int(dir.Fd())); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for key, path := range group.Dirs {
		if key == leaf.Unified || seen[path] {
			continue
		}
		seen[path] = true
		name := pathpkg.Join(path, "tasks")
		fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
		p.tasks = append(p.tasks, open.add(fd))
	}
	return p, nil
}

// fork makes the child. The thread stays in the v1 directories and ends soon.
func (p *placement) fork(plan *plan) (pid, pidfd int, err error) {
	for _, fd := range p.tasks {
		if _, err := unix.Write(fd, []byte("0")); err != nil {
			return 0, -1, os.NewSyscallError("enter control group", err)
		}
	}
	pid, pidfd, err = fork(plan, p.fd)
	if err == unix.ENOSYS && p.fd >= 0 {
		err = os.NewSyscallError("clone3", err)
	}
	return pid, pidfd, err
}

// setOOMScore writes the child's score, which it inherited from the caller.
func setOOMScore(pid, score int) error {
	name := "/proc/" + strconv.Itoa(pid) + "/oom_score_adj"
	return os.WriteFile(name, []byte(strconv.Itoa(score)), 0)
}
