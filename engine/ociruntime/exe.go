package ociruntime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

const selfExe = "/proc/self/exe"

// Both programs of ours that a container may come near run from a descriptor
// of this executable through which nobody can write to it.
//
// The reaper is pid 1, whose file is in reach as /proc/1/exe (CVE-2019-5736).
// Monitors are out of sight, but what one forks to exec a program is in the
// container's pid namespace for a moment, as a process whose file is still the
// monitor's; whoever may trace can open that. The kernel refuses to write to a
// file that runs, yet the descriptor outlives the monitor, and kernels 6.11 and
// 6.12 did not refuse at all.
//
// What is reached is a copy of the mount, read-only, in no mount namespace: it
// cannot be remounted, and the kernel refuses to open the file for writing.
// Making the copy costs some 50 µs, copying 20 MB into memory 10 ms.
var (
	// reaperExe can be executed by every user.
	reaperExe = sync.OnceValues(func() (int, error) { return protect(runnableByAll) })
	// monitorExe is for us alone.
	monitorExe = sync.OnceValues(func() (int, error) { return protect(func(int) bool { return true }) })
)

func protect(good func(fd int) bool) (int, error) {
	for _, try := range []func() (int, error){mountedExe, readonlyExe, copiedExe} {
		fd, err := try()
		if err == nil && good(fd) {
			return fd, nil
		}
		if err == nil {
			unix.Close(fd)
		}
	}
	return -1, errors.New("protect executable: no way to make it read-only")
}

// SealedExecutable is a path under which this process can execute itself, in a
// way that leaves no container a file to write to. The path is that of a
// descriptor with a number above the one given; closing it is up to the caller.
func SealedExecutable(above int) (path string, fd int, err error) {
	sealed, err := monitorExe()
	if err != nil {
		return "", -1, err
	}
	fd, err = unix.FcntlInt(uintptr(sealed), unix.F_DUPFD_CLOEXEC, above+1)
	if err != nil {
		return "", -1, fmt.Errorf("duplicate executable: %w", os.NewSyscallError("fcntl", err))
	}
	return "/proc/self/fd/" + strconv.Itoa(fd), fd, nil
}

// mountedExe copies the mount of the executable, of that file only.
func mountedExe() (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, selfExe, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("open_tree", err)
	}
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID, Propagation: unix.MS_PRIVATE}
	if err := mountSetattr(fd, attr, false); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return raise(fd)
}

// readonlyExe is for a program that was itself started through such a mount:
// the mount is in no namespace, which open_tree(2) does not copy.
func readonlyExe() (int, error) {
	fd, err := unix.Open(selfExe, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: selfExe, Err: err}
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Flags&unix.ST_RDONLY == 0 {
		unix.Close(fd)
		return -1, fmt.Errorf("%s is writable", selfExe)
	}
	return raise(fd)
}

// raise gives a descriptor a number that nothing a child is started with gets:
// it would be overwritten before the child executes it.
func raise(fd int) (int, error) {
	defer unix.Close(fd)
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstHigh)
	if err != nil {
		return -1, os.NewSyscallError("fcntl", err)
	}
	return high, nil
}

// copiedExe copies the executable into memory and seals it there.
func copiedExe() (int, error) {
	src, err := os.Open(selfExe)
	if err != nil {
		return -1, err
	}
	defer src.Close()
	fd, err := unix.MemfdCreate("gantry", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	dst := os.NewFile(uintptr(fd), "memfd")
	if _, err = io.Copy(dst, src); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS,
			unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	}
	if err != nil {
		dst.Close()
		return -1, fmt.Errorf("copy executable: %w", err)
	}
	sealed, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstHigh)
	dst.Close()
	return sealed, err
}

// runnableByAll tells whether a container's user may execute the file: he may
// not where root installed gantry for himself alone.
func runnableByAll(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&0o005 == 0o005
}
