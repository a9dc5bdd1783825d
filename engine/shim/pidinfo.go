package shim

import (
	"errors"
	"os"
	"strconv"
	"strings"
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

// reapTime bounds the wait for the parent of a process that is not our child.
const reapTime = 2 * time.Second

// exitOf asks how a process ended that is not our child. Until its parent has
// reaped it, /proc tells; from then on kernels from 6.15 on do, through a pidfd
// that was opened before.
func exitOf(pidfd *os.File, pid int, start uint64) (int, error) {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return 0, err
	}
	deadline := time.Now().Add(reapTime)
	for pause := time.Millisecond; ; pause *= 2 {
		if ws, ok := zombieExit(pid, start); ok {
			return shellCode(ws), nil
		}
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
		// ENOTTY, EINVAL, ESRCH: an older kernel. Success without the bit: in
		// the middle of being reaped, or a kernel that does not know the bit.
		if errno != 0 || time.Now().Add(pause).After(deadline) {
			return 0, errNoExitCode
		}
		time.Sleep(pause)
	}
}

// zombieExit reads the status of a dead process that nobody has reaped yet:
// field 52 of /proc/PID/stat, see proc_pid_stat(5).
func zombieExit(pid int, start uint64) (unix.WaitStatus, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	return parseZombie(string(b), start)
}

func parseZombie(stat string, start uint64) (unix.WaitStatus, bool) {
	// The name of the program in field 2 may hold anything, parentheses too.
	_, rest, ok := cutLast(stat, ") ")
	f := strings.Fields(rest) // from field 3, the state
	if !ok || len(f) < 50 || f[0] != "Z" || f[22-3] != strconv.FormatUint(start, 10) {
		return 0, false
	}
	ws, err := strconv.ParseUint(f[52-3], 10, 32)
	return unix.WaitStatus(ws), err == nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
