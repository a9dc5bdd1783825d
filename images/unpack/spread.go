package unpack

import (
	"crypto/rand"
	"fmt"

	"golang.org/x/sys/unix"
)

// ext4 puts a new inode near its parent and passes over those deleted in the
// last minutes one by one, each time anew (fs/ext4/ialloc.c, recently_deleted):
// where layers were removed lately, creating a file takes a millisecond and a
// pull ten seconds. The way out is the flag that mkfs gives to "/": in a
// directory with it, new directories start in a block group of their own,
// chosen by their name. So the directories in a layer's root are made there
// under a random name and then renamed; what is below stays with them.

// Scatter has the directories that will be made in dir start in places of their
// own. It is a hint, for directories with names that are random, and where it
// cannot be given nothing is different but the speed.
func Scatter(dir string) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = spread(fd)
}

// spread sets the flag on the layer's root; it returns a function that takes it
// off again, nil where it does not apply.
func spread(root int) (undo func()) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(root, &fs); err != nil || fs.Type != unix.EXT4_SUPER_MAGIC {
		return nil
	}
	flags, err := unix.IoctlGetUint32(root, unix.FS_IOC_GETFLAGS)
	if err != nil || flags&topDirFlag != 0 {
		return nil
	}
	if err := unix.IoctlSetPointerInt(root, unix.FS_IOC_SETFLAGS, int(flags|topDirFlag)); err != nil {
		return nil
	}
	return func() {
		// Nothing depends on it.
		_ = unix.IoctlSetPointerInt(root, unix.FS_IOC_SETFLAGS, int(flags))
	}
}

const topDirFlag = 0x20000 // linux/fs.h, FS_TOPDIR_FL

// mkdirSpread makes a directory under a name that does not decide its place.
func mkdirSpread(root int, name string) error {
	tmp := fmt.Sprintf(".gantry-%s", rand.Text())
	if err := unix.Mkdirat(root, tmp, 0o700); err != nil {
		return err
	}
	return unix.Renameat(root, tmp, root, name)
}
