package ociruntime

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// enterDir makes the working directory, if it is missing and create says so,
// and changes to it. root is the root of the calling thread as well.
func enterDir(root int, dir string, create bool) error {
	if dir == "" {
		dir = "/"
	}
	if !strings.HasPrefix(dir, "/") {
		return fmt.Errorf("%w working directory %q: it must be absolute", engine.ErrInvalid, dir)
	}
	var fd int
	var err error
	if create {
		fd, err = openTarget(root, dir, directory)
	} else {
		fd, err = openIn(root, dir, unix.O_PATH|unix.O_DIRECTORY)
	}
	if err != nil {
		return fmt.Errorf("enter working directory: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Fchdir(fd); err != nil {
		return fmt.Errorf("enter working directory: %w", &os.PathError{Op: "chdir", Path: dir, Err: err})
	}
	return checkInside(dir)
}

// checkInside proves that the working directory is below the root. getcwd(2)
// answers "(unreachable)/…" for a directory elsewhere, which is how a leaked
// descriptor of the host's became a way out (CVE-2024-21626).
func checkInside(dir string) error {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buf)
	if err != nil {
		return fmt.Errorf("check working directory: %w", &os.PathError{Op: "getcwd", Path: dir, Err: err})
	}
	if n == 0 || buf[0] != '/' {
		return fmt.Errorf("%w working directory %q: it is outside of the container", engine.ErrInvalid, dir)
	}
	return nil
}
