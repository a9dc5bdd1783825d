package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// enableTimeout bounds the retries of a controller that is busy: a process
// that is just leaving the group, or a css of a removed group that still dies.
const enableTimeout = 2 * time.Second

// enable turns controllers on for the children of every group from the v2
// root down to group, which exists. The kernel passes a controller down one
// level at a time.
func (h *Host) enable(group string, controllers []string) error {
	if len(controllers) == 0 {
		return nil
	}
	// Each level has what the levels above it have, so the lowest one answers
	// for all. This is the case for every container but the first.
	if missing, err := lacks(filepath.Join(h.unified, group), controllers); err == nil && len(missing) == 0 {
		return nil
	}
	dir := h.unified
	for part := range strings.SplitSeq(group, "/") {
		dir = filepath.Join(dir, part) // the first part is empty: the root
		if err := h.enableIn(dir, controllers); err != nil {
			return fmt.Errorf("enable controllers in %s: %w", dir, err)
		}
	}
	return nil
}

// lacks returns the controllers that are not on for the children of dir.
func lacks(dir string, controllers []string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return nil, err
	}
	on := strings.Fields(string(text))
	return slices.DeleteFunc(slices.Clone(controllers), func(c string) bool {
		return slices.Contains(on, c)
	}), nil
}

func (h *Host) enableIn(dir string, controllers []string) error {
	missing, err := lacks(dir, controllers)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	// Before the first write: cpu is let into a group with processes, which
	// makes it threaded and its children of no use to io and memory.
	if err := h.vacate(dir); err != nil {
		return err
	}
	// One by one: a write that names several fails as a whole.
	for _, c := range missing {
		if err := h.enableOne(dir, c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

func (h *Host) enableOne(dir, controller string) error {
	deadline := time.Now().Add(enableTimeout)
	for delay := time.Millisecond; ; delay *= 2 {
		err := write(filepath.Join(dir, "cgroup.subtree_control"), "+"+controller)
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return err
		}
		// "No internal processes" (cgroup-v2.rst): a group other than the
		// real root passes controllers on only when it has no processes.
		if err := h.vacate(dir); err != nil {
			return err
		}
		time.Sleep(delay)
	}
}

// vacate moves the processes of a group that may not have any into a child:
// the keeper of our scope, and the first processes of a container that gantry
// runs in, as every engine there has to. The processes of any other group are
// not ours to move; there it does nothing.
func (h *Host) vacate(dir string) error {
	child := filepath.Join(dir, "init")
	switch {
	case h.systemd && dir == filepath.Join(h.unified, unitPath):
		child = filepath.Join(dir, "keeper")
	case h.systemd || !namespaceRoot(dir):
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil || len(text) == 0 {
		return err
	}
	if err := os.Mkdir(child, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	for _, pid := range strings.Fields(string(text)) {
		if pid == "0" {
			continue // of another PID namespace; writing 0 would move the caller
		}
		err := write(filepath.Join(child, "cgroup.procs"), pid)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("make room in %s: %w", dir, err)
		}
	}
	return nil
}

// namespaceRoot tells whether dir is the root of a cgroup namespace other
// than the host's: nothing of the file system is above it, and yet it has
// cgroup.type, which the real root has not.
func namespaceRoot(dir string) bool {
	var above, here unix.Statfs_t
	if unix.Statfs(filepath.Dir(dir), &above) != nil || unix.Statfs(dir, &here) != nil {
		return false
	}
	return here.Type == unix.CGROUP2_SUPER_MAGIC && above.Type != unix.CGROUP2_SUPER_MAGIC &&
		exists(filepath.Join(dir, "cgroup.type"))
}

// write stores a value in a control file, which must exist.
func write(path, value string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	for {
		_, err := unix.Write(fd, []byte(value))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "write", Path: path, Err: fmt.Errorf("%q: %w", value, err)}
		}
		return nil
	}
}
