package ociruntime

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// ExecError is a program that could not be executed. It is
// engine.ErrCommandNotFound or engine.ErrCommandNotExecutable.
type ExecError struct {
	Path string // as the user gave it
	Err  unix.Errno
}

// Error has docker's words, from which its command line derives exit codes.
func (e *ExecError) Error() string {
	switch {
	case e.class() == engine.ErrCommandNotFound:
		return fmt.Sprintf("exec %q: %v", e.Path, engine.ErrCommandNotFound)
	default:
		return fmt.Sprintf("exec %q: %v", e.Path, error(e.Err))
	}
}

func (e *ExecError) Unwrap() []error {
	if class := e.class(); class != nil {
		return []error{e.Err, class}
	}
	return []error{e.Err}
}

// class follows the shell's convention (POSIX, 2.8.2): 127 for a program that
// is not there, 126 for one that is and cannot be executed.
func (e *ExecError) class() error {
	switch e.Err {
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG:
		return engine.ErrCommandNotFound
	case unix.EACCES, unix.EPERM, unix.ENOEXEC, unix.EISDIR, unix.ETXTBSY, unix.ELIBBAD, unix.EINVAL, unix.E2BIG:
		return engine.ErrCommandNotExecutable
	}
	return nil
}

// needRoot explains a refused system call when the caller lacks privileges.
func needRoot(err error) error {
	if errors.Is(err, unix.EPERM) && unix.Geteuid() != 0 {
		return fmt.Errorf("%w: %w (containers need root: CAP_SYS_ADMIN, CAP_SETPCAP, CAP_SETUID and CAP_SETGID)", engine.ErrPermission, err)
	}
	return err
}
