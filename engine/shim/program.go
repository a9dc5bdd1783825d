package shim

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
)

// program is one process that the monitor watches: the container's first or an
// exec session's.
type program struct {
	pid     int
	pidfd   *os.File // of the watcher, polled
	child   bool     // ours to reap
	start   uint64   // of a stranger, as in StartRecord
	console *os.File // nil without a terminal

	mu     sync.Mutex // keeps signal and close apart
	target *os.File   // pidfd for signals
}

// adoptChild takes what ociruntime made. The pidfd is duplicated, because
// os.File.Fd turns polling off for the one that is handed around.
func adoptChild(p *ociruntime.Process) (*program, error) {
	watched, err := dup(p.PidFD)
	if err != nil {
		return nil, err
	}
	return &program{pid: p.Pid, pidfd: watched, target: p.PidFD, child: true, console: p.Console}, nil
}

func dup(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", f.Name(), err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make %s nonblocking: %w", f.Name(), err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// wait blocks until the program has ended. A child is reaped at once: a pid
// namespace whose first process dies waits for everyone in it to be reaped, by
// us for those that we put there.
func (p *program) wait() engine.ExitStatus {
	err := record.AwaitExit(p.pidfd)
	var st engine.ExitStatus
	if err == nil {
		st, err = p.status()
	}
	st.At = time.Now().UTC()
	if err != nil {
		st.Code, st.Error = UnknownExit, "exit code unknown: "+err.Error()
	}
	p.pidfd.Close()
	return st
}

func (p *program) status() (engine.ExitStatus, error) {
	if !p.child {
		code, err := exitOf(p.pidfd, p.pid, p.start)
		return engine.ExitStatus{Code: code}, err
	}
	var ws unix.WaitStatus
	for {
		_, err := unix.Wait4(p.pid, &ws, unix.WALL, nil)
		if err == nil {
			return engine.ExitStatus{Code: shellCode(ws)}, nil
		}
		if err != unix.EINTR {
			return engine.ExitStatus{}, os.NewSyscallError("wait4", err)
		}
	}
}

// shellCode is the exit code as shells tell it.
func shellCode(ws unix.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

func (p *program) signal(sig int) error {
	if sig < 0 || sig > 64 {
		return fmt.Errorf("%w signal %d", engine.ErrInvalid, sig)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target == nil {
		return fmt.Errorf("%w: the program has ended", engine.ErrConflict)
	}
	err := unix.PidfdSendSignal(int(p.target.Fd()), unix.Signal(sig), nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%w: the program has ended", engine.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("send signal %d: %w", sig, err)
	}
	return nil
}

// handle is a pidfd of its own, which the program's end does not close. The
// caller closes it.
func (p *program) handle() (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target == nil {
		return nil, fmt.Errorf("%w: the program has ended", engine.ErrConflict)
	}
	return dup(p.target)
}

// close frees what is left when the program has ended and its output is read.
func (p *program) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target != nil {
		p.target.Close()
		p.target = nil
	}
}

func (p *program) resize(size engine.TermSize) error {
	if p.console == nil {
		return fmt.Errorf("resize: %w without a terminal", engine.ErrUnsupported)
	}
	return ociruntime.ResizeConsole(p.console, size)
}
