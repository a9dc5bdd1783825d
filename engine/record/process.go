package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// BootID names this boot of the kernel; records of another one speak of
// processes that are gone. It is empty where /proc does not tell.
func BootID() string { return bootID() }

var bootID = sync.OnceValue(func() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
})

// PidStart returns when a process began, in clock ticks since the boot. Together
// with the PID and the boot it names a process for good: PIDs are used again.
// A process that is gone is ErrNotFound; one that is dead and not yet reaped
// still has its start.
func PidStart(pid int) (uint64, error) {
	_, start, err := processStat(pid)
	return start, err
}

// Alive tells whether the process with this start runs, or sleeps, or is
// stopped. One that is dead and not yet reaped is not alive.
func Alive(pid int, start uint64) bool {
	state, found, err := processStat(pid)
	return err == nil && found == start && state != 'Z' && state != 'X'
}

// PidFD opens the process with this start: what is signalled through it cannot
// be another one that got the same PID. A process that is gone is ErrNotFound.
// The caller closes it.
func PidFD(pid int, start uint64) (*os.File, error) {
	// Non-blocking, so that os.File gives it to the runtime's poller and
	// AwaitExit needs no thread. Kernels before 5.10 do not have the flag.
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err == unix.EINVAL {
		fd, err = unix.PidfdOpen(pid, 0)
	}
	if err != nil {
		if err == unix.ESRCH {
			err = engine.ErrNotFound
		}
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	f := os.NewFile(uintptr(fd), "pidfd "+strconv.Itoa(pid))
	// The check comes after the open: should the PID have been given to another
	// process meanwhile, the start differs; should it be given away from here
	// on, the descriptor stays with the dead one.
	if !Alive(pid, start) {
		f.Close()
		return nil, fmt.Errorf("open process %d: %w", pid, engine.ErrNotFound)
	}
	return f, nil
}

// SignalFD sends a signal through a PidFD. A process that is gone is ErrNotFound.
func SignalFD(f *os.File, sig unix.Signal) error {
	var sent error
	// Control and not Fd, which would make the descriptor blocking.
	err := control(f, func(fd int) { sent = unix.PidfdSendSignal(fd, sig, nil, 0) })
	if sent == unix.ESRCH {
		sent = engine.ErrNotFound
	}
	if err := errors.Join(err, sent); err != nil {
		return fmt.Errorf("signal %s: %w", f.Name(), err)
	}
	return nil
}

func control(f *os.File, call func(fd int)) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return c.Control(func(fd uintptr) { call(int(fd)) })
}

// AwaitExit blocks until the process of a PidFD has ended, or returns an error
// when the file is closed or its read deadline passes. A pidfd becomes readable
// when its process ends (pidfd_open(2)), and by then its files are closed and
// its locks free.
func AwaitExit(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("await exit of %s: %w", f.Name(), err)
	}
	var polled error
	err = c.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		var n int
		n, polled = retry(func() (int, error) { return unix.Poll(p, 0) })
		return n > 0 || polled != nil
	})
	if err := errors.Join(err, polled); err != nil {
		return fmt.Errorf("await exit of %s: %w", f.Name(), err)
	}
	return nil
}

func processStat(pid int) (state byte, start uint64, err error) {
	if pid <= 0 {
		return 0, 0, fmt.Errorf("process %d: %w", pid, engine.ErrNotFound)
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		// A process that dies between open and read gives ESRCH.
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			err = engine.ErrNotFound
		}
		return 0, 0, fmt.Errorf("process %d: %w", pid, err)
	}
	return parseStat(b)
}

// parseStat takes the state and the start time, fields 3 and 22 of
// proc_pid_stat(5). Field 2 is the program's name in parentheses; the program
// chooses it, spaces and parentheses included, so fields are counted from the
// last closing one.
func parseStat(b []byte) (state byte, start uint64, err error) {
	i := bytes.LastIndexByte(b, ')')
	fields := bytes.Fields(b[i+1:])
	if i < 0 || len(fields) < 20 || len(fields[0]) != 1 {
		return 0, 0, fmt.Errorf("parse process status: %w: %d fields", engine.ErrCorrupt, len(fields))
	}
	start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("parse process status: %w: %w", engine.ErrCorrupt, err)
	}
	return fields[0][0], start, nil
}
