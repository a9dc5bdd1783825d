package unpack_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/images/unpack"
)

func TestScatter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack.Scatter(dir)
	unpack.Scatter(dir + "/missing") // a hint: nothing to tell
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Type != unix.EXT4_SUPER_MAGIC {
		t.Skip("the hint is ext4's")
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const topDir = 0x20000
	if flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS); err != nil || flags&topDir == 0 {
		t.Errorf("flags %#x, %v; want FS_TOPDIR_FL", flags, err)
	}
}
