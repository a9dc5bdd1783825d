package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"gantry/images/trash"
)

// skeletonDir holds what every container has mounts on: the lowest layer of
// each, below those of its image, so that none makes them for itself. An image
// may hide them with entries of its own, or with whiteouts; then the runtime
// makes in the container what it misses. docker has its init layer for this.
const skeletonDir = "skeleton"

var (
	skeletonDirs  = []string{"dev", "proc", "sys", "etc"}
	skeletonFiles = []string{"etc/hosts", "etc/hostname", "etc/resolv.conf"}
)

// makeSkeleton returns the skeleton's path and makes it when it is not there.
// It appears whole and is never changed: a layer in use must not be.
func makeSkeleton(root string) (string, error) {
	path := filepath.Join(root, skeletonDir)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return path, err
	}
	tmp, err := os.MkdirTemp(root, ".skeleton-")
	if err != nil {
		return "", fmt.Errorf("make mount points: %w", err)
	}
	if err := fillSkeleton(tmp); err != nil {
		return "", fmt.Errorf("make mount points: %w", errors.Join(err, trash.Delete(tmp)))
	}
	err = unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if err == nil {
		return path, nil
	}
	if err == unix.EEXIST { // somebody else was faster
		return path, trash.Delete(tmp)
	}
	return "", fmt.Errorf("make mount points: %w", errors.Join(err, trash.Delete(tmp)))
}

// fillSkeleton gives the entries the modes that the runtime and docker give them.
func fillSkeleton(dir string) error {
	const mode = 0o755 // whatever the umask is
	if err := os.Chmod(dir, mode); err != nil {
		return err
	}
	for _, name := range skeletonDirs {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, name), mode), os.Chmod(filepath.Join(dir, name), mode)); err != nil {
			return err
		}
	}
	for _, name := range skeletonFiles {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, name), nil, mode), os.Chmod(filepath.Join(dir, name), mode)); err != nil {
			return err
		}
	}
	return nil
}
