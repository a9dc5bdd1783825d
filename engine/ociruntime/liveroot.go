package ociruntime

import (
	"fmt"
	"os"
	"sync"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/internal/osthread"
)

// OpenRoot opens the root of a process's mount namespace: what lies at paths
// below it is what the container sees, its mounts included. /proc/PID/root
// would be the root that the program has chosen for itself by chroot(2).
func OpenRoot(pidfd *os.File) (*os.File, error) {
	return inMountNamespace(pidfd, func() (int, error) {
		return unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
}

// CloneRoot copies the mount of a container's root, without what is mounted in
// it.
func CloneRoot(pidfd *os.File) (*os.File, error) {
	return inMountNamespace(pidfd, func() (int, error) {
		return unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	})
}

func inMountNamespace(pidfd *os.File, open func() (int, error)) (*os.File, error) {
	var root *os.File
	err := osthread.Run(func() error {
		// A thread that shares its working directory with others cannot change
		// the mount namespace (setns(2)).
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		if err := unix.Setns(int(pidfd.Fd()), unix.CLONE_NEWNS); err != nil {
			return os.NewSyscallError("setns", err)
		}
		fd, err := open()
		if err != nil {
			return &os.PathError{Op: "open", Path: "/", Err: err}
		}
		root = os.NewFile(uintptr(fd), "/")
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open container root: %w", err)
	}
	return root, nil
}

// MountBinds attaches the bind mounts among mounts to a detached root as a start
// would, in a mount namespace that lives until release is called. Through root's
// descriptor they are seen from everywhere.
func MountBinds(root *os.File, mounts []specs.Mount) (release func(), err error) {
	end := make(chan struct{})
	gone := make(chan error, 1)
	ready := make(chan error, 1)
	go func() {
		gone <- osthread.Run(func() error {
			err := mountBinds(root, mounts)
			ready <- err
			if err == nil {
				<-end // the namespace, and with it the mounts, ends with the thread
			}
			return err
		})
	}()
	if err := <-ready; err != nil {
		<-gone
		return nil, err
	}
	return sync.OnceFunc(func() { close(end); <-gone }), nil
}

func mountBinds(root *os.File, mounts []specs.Mount) error {
	var open fds
	defer open.close()
	var binds []specs.Mount
	for _, m := range mounts {
		if m.Type == "bind" {
			binds = append(binds, m)
		}
	}
	sources, err := prepareMounts(binds, nil, &open)
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return needRoot(os.NewSyscallError("unshare", err))
	}
	unix.Umask(0) // of this thread alone
	if err := attachRoot(int(root.Fd()), &specs.Spec{}); err != nil {
		return err
	}
	r := rootfs{open: &open, root: int(root.Fd()), made: map[string]made{}}
	for i := range sources {
		if err := r.mount(&sources[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// CloneMount copies a mount that a process sees, such as its /dev/shm. The path
// is resolved as the process would.
func CloneMount(pidfd *os.File, name string) (*os.File, error) {
	return inMountNamespace(pidfd, func() (int, error) {
		return unix.OpenTree(unix.AT_FDCWD, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	})
}
