package ociruntime

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// fds is a set of descriptors with one end. The descriptors are bare numbers,
// not os.Files: most are O_PATH or detached mounts, which the runtime's poller
// must not touch.
type fds struct{ open []int }

func (f *fds) add(fd int) int {
	f.open = append(f.open, fd)
	return fd
}

func (f *fds) close() {
	for _, fd := range f.open {
		unix.Close(fd)
	}
	f.open = nil
}

// forget leaves a descriptor that was closed out of close.
func (f *fds) forget(fd int) {
	f.open = slices.DeleteFunc(f.open, func(have int) bool { return have == fd })
}

// firstHigh is the lowest number that dupHigh gives: beyond every number that
// the child puts a descriptor on, so that the order of its dup3 calls is free.
const firstHigh = 16

// dupHigh duplicates a descriptor to a number that no dup3 of the child
// overwrites.
func (f *fds) dupHigh(fd int) (int, error) {
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstHigh)
	if err != nil {
		return -1, os.NewSyscallError("fcntl", err)
	}
	return f.add(high), nil
}

// retry repeats a system call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
