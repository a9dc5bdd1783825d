package shim

import (
	"errors"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pidfdInfo is struct pidfd_info of <linux/pidfd.h>, as large as it was at first.
type pidfdInfo struct {
	mask     uint64
	cgroupID uint64
	ids      [11]uint32 // pid, tgid, ppid and credentials
	exitCode int32
}

const (
	pidfdInfoExit = 1 << 3
	// pidfdGetInfo is _IOWR(0xFF, 11, struct pidfd_info).
	pidfdGetInfo = 3<<30 | unsafe.Sizeof(pidfdInfo{})<<16 | 0xFF<<8 | 11
)

var errNoExitCode = errors.New("no monitor was there to see it")

// exitOf asks how a process ended that is not our child, which kernels from
// 6.15 on tell through a pidfd that was opened before. They know once its
// parent has reaped it.
func exitOf(pidfd *os.File) (int, error) {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return 0, err
	}
	deadline := time.Now().Add(2 * time.Second)
	for pause := time.Millisecond; ; pause *= 2 {
		info := pidfdInfo{mask: pidfdInfoExit}
		var errno unix.Errno
		err := raw.Control(func(fd uintptr) {
			_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
		})
		if err != nil {
			return 0, err
		}
		if errno == 0 && info.mask&pidfdInfoExit != 0 {
			return shellCode(unix.WaitStatus(info.exitCode)), nil
		}
		// ENOTTY, EINVAL: an older kernel. Success without the bit: not reaped
		// yet, or a kernel that does not know the bit.
		if errno != 0 || time.Now().Add(pause).After(deadline) {
			return 0, errNoExitCode
		}
		time.Sleep(pause)
	}
}
