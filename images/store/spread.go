package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// topDir is FS_TOPDIR_FL of linux/fs.h (chattr +T).
const topDir = 0x00020000

// spread asks ext4 to put the folders in dir far from each other, as it does
// with those of its root (the Orlov allocator). A pull makes thousands of
// files; beside those of a layer that was just removed ext4 passes over every
// inode that was freed in the last five seconds, one by one
// (recently_deleted in fs/ext4/ialloc.c), and a pull takes up to twice as long.
// Other file systems refuse the flag or ignore it: it is a hint.
func spread(dir string) {
	f, err := os.Open(dir)
	if err != nil {
		return
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil && flags&topDir == 0 {
		_ = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags|topDir)
	}
}
