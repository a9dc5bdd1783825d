package leaf

import (
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// deleteTimeout bounds Delete: the kernel answers EBUSY until the last exiting
// process has let go of the group.
const deleteTimeout = 5 * time.Second

// Delete removes the group and the groups below it. It kills nothing: with
// processes left it fails with EBUSY. What is gone already is no error.
func (g *Group) Delete() error {
	deadline := time.Now().Add(deleteTimeout)
	var errs []error
	for _, dir := range g.dirs() {
		if err := remove(dir, deadline); err != nil {
			errs = append(errs, fmt.Errorf("delete group %s: %w", g.Path, err))
			continue
		}
		if g.Prune {
			// EBUSY: other groups are there, which is the usual case.
			_ = unix.Rmdir(path.Dir(dir))
		}
	}
	return errors.Join(errs...)
}

// DeleteEmpty removes a group that has neither processes nor groups below it,
// and tells whether it did. That is one system call per directory, where to
// list the processes takes five.
func (g *Group) DeleteEmpty() bool {
	for _, dir := range g.dirs() {
		if rmdir(dir) != nil {
			return false
		}
	}
	return true
}

// remove tries the plain removal first, which is enough for nearly every
// container, then the whole tree, deepest first, until the deadline.
func remove(dir string, deadline time.Time) error {
	pause := newBackoff(deadline)
	err := rmdir(dir)
	for errors.Is(err, unix.EBUSY) && pause.wait() {
		err = walk(dir, rmdir)
	}
	return err
}

func rmdir(dir string) error {
	for {
		err := unix.Rmdir(dir)
		switch err {
		case nil, unix.ENOENT:
			return nil
		case unix.EINTR:
		default:
			return &os.PathError{Op: "rmdir", Path: dir, Err: err}
		}
	}
}
