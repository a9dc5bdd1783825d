package ociruntime

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// openTree copies the mount of a bind's source.
func openTree(source, subpath string, flags uint) (int, error) {
	if subpath == "" {
		return unix.OpenTree(unix.AT_FDCWD, source, flags)
	}
	top, err := unix.Open(source, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(top)
	at, err := openIn(top, subpath, unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	return unix.OpenTree(at, "", flags|unix.AT_EMPTY_PATH)
}

// unwrapPath takes off a path that is about to be named anew.
func unwrapPath(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// LookupUser resolves docker's USER in the databases below root, a directory.
func LookupUser(root *os.File, user string) (uid, gid uint32, err error) {
	if strings.ContainsRune(user, 0) {
		return 0, 0, fmt.Errorf("%w user %q", engine.ErrInvalid, user)
	}
	passwd, err := readDatabase(int(root.Fd()), "/etc/passwd")
	if err != nil {
		return 0, 0, err
	}
	group, err := readDatabase(int(root.Fd()), "/etc/group")
	if err != nil {
		return 0, 0, err
	}
	a, err := findUser(user, specs.User{}, passwd, group)
	return a.uid, a.gid, err
}
