package ociruntime

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// ptmxDevice is the number of a devpts's own ptmx node.
var ptmxDevice = unix.Mkdev(5, 2)

// console is a pseudo-terminal of the container's own devpts: one of the
// host's would be named by a path that does not exist in the container, and
// ttyname(3) fails there.
type console struct {
	master, slave int
}

// openConsole opens a terminal in the devpts at pts, a directory descriptor.
// The slave is opened through the master (TIOCGPTPEER): its path could be
// anything by now.
func openConsole(pts int, size engine.TermSize, open *fds) (*console, error) {
	master, err := openIn(pts, "ptmx", unix.O_RDWR|unix.O_NOCTTY)
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	keep := false
	defer func() {
		if !keep {
			unix.Close(master)
		}
	}()
	if err := checkDevPts(master); err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, fmt.Errorf("unlock terminal: %w", err)
	}
	slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return nil, fmt.Errorf("open terminal: %w", os.NewSyscallError("ioctl TIOCGPTPEER", errno))
	}
	open.add(int(slave))
	if size.Width != 0 || size.Height != 0 {
		if err := setSize(master, size); err != nil {
			return nil, fmt.Errorf("size terminal: %w", err)
		}
	}
	keep = true
	return &console{master: master, slave: int(slave)}, nil
}

// checkDevPts proves that a descriptor is the ptmx of a devpts.
func checkDevPts(fd int) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return os.NewSyscallError("fstatfs", err)
	}
	if fs.Type != unix.DEVPTS_SUPER_MAGIC {
		return fmt.Errorf("/dev/pts is no devpts in this container")
	}
	return checkDevice(fd, "/dev/pts/ptmx", unix.S_IFCHR, ptmxDevice)
}

func setSize(fd int, size engine.TermSize) error {
	return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
}

// bindConsole makes /dev/console the container's terminal.
func (r *rootfs) bindConsole(slave int) error {
	dev, ok, err := r.devDir()
	if err != nil || !ok {
		return err
	}
	if err := unix.Mknodat(dev, "console", unix.S_IFREG|0o600, 0); err != nil && err != unix.EEXIST {
		return &os.PathError{Op: "create", Path: "/dev/console", Err: err}
	}
	onto, err := openIn(dev, "console", unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	defer unix.Close(onto)
	return cover(slave, onto)
}
