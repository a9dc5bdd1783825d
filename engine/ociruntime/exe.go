package ociruntime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const selfExe = "/proc/self/exe"

// sealedExe is a descriptor of this executable through which nobody can write
// to it, open for as long as the process lives.
//
// A program in the container reaches the file of its pid 1 by /proc/1/exe
// (CVE-2019-5736). What it reaches is a copy of the mount, read-only, in no
// mount namespace: it cannot be remounted, and the kernel refuses to open the
// file for writing. Making the copy costs nothing, unlike copying 20 MB.
var sealedExe = sync.OnceValues(func() (int, error) {
	for _, try := range []func() (int, error){mountedExe, readonlyExe, copiedExe} {
		fd, err := try()
		if err == nil && runnableByAll(fd) {
			return fd, nil
		}
		if err == nil {
			unix.Close(fd)
		}
	}
	return -1, errors.New("protect executable: no way to make it read-only")
})

// SealedExecutable duplicates a descriptor of this executable through which it
// can be executed and not be written.
func SealedExecutable() (*os.File, error) {
	fd, err := sealedExe()
	if err != nil {
		return nil, err
	}
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(dup), selfExe), nil
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
	return fd, nil
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
	return fd, nil
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
	sealed, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	dst.Close()
	return sealed, err
}

// runnableByAll tells whether a container's user may execute the file: he may
// not where root installed gantry for himself alone.
func runnableByAll(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&0o005 == 0o005
}
