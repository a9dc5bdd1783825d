package ociruntime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// Process is a program that waits to be started, or that runs. It is a child
// of the calling process, which reaps it (but see Start).
type Process struct {
	// Pid is the number in the caller's pid namespace, PidFD is closed by the
	// caller. Start may change both: see Exec.
	Pid   int
	PidFD *os.File
	// Console is the master of the program's terminal, nil without one.
	// Closed by the caller.
	Console *os.File

	status *os.File // ours of the socket pair: release out, failure in
	path   string   // the program, as given

	crossing *crossing // until Start, of one that Exec keeps apart
}

// Start lets the program go and returns once it has been executed. When that
// fails the process is gone and reaped, its descriptors are closed, and the
// error Is engine.ErrCommandNotFound or engine.ErrCommandNotExecutable where
// that is the reason.
func (p *Process) Start() error {
	_, err := p.status.Write([]byte{1})
	if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		p.Abort()
		return fmt.Errorf("start program: %w", err)
	}
	var message [failureSize]byte
	n, err := io.ReadFull(p.status, message[:])
	switch {
	case n == 0 && (err == io.EOF || errors.Is(err, unix.ECONNRESET)):
		// The child's end was closed: by its exec, or because it was killed
		// before. Either way its exit status tells.
		if err := p.arrive(); err != nil {
			p.Abort()
			return fmt.Errorf("start program: %w", err)
		}
		p.status.Close()
		return nil
	case err == nil:
		err = errors.Join(p.failure(message[:]), p.arrive())
	}
	p.Abort()
	return fmt.Errorf("start program: %w", err)
}

// failureSize is the length of plan.report.
const failureSize = 8

func (p *Process) failure(message []byte) error {
	at := step(binary.NativeEndian.Uint32(message[:4]))
	errno := unix.Errno(binary.NativeEndian.Uint32(message[4:]))
	switch at {
	case stepExec:
		return &ExecError{Path: p.path, Err: errno}
	case stepNamespaces:
		if errno == unix.ESRCH {
			return fmt.Errorf("%s: %w: the container has ended", at, engine.ErrConflict)
		}
	case stepCross:
		return fmt.Errorf("%s: %w", at, crossError(errno))
	}
	return fmt.Errorf("%s: %w", at, needRoot(errno))
}

// receive takes the descriptor that plan.send sends, or the news that the
// child has failed.
func (p *Process) receive(open *fds) (int, error) {
	var n, oobn int
	var message [failureSize]byte
	oob := make([]byte, unix.CmsgSpace(4))
	raw, err := p.status.SyscallConn()
	if err != nil {
		return -1, err
	}
	var result error
	err = raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, result = unix.Recvmsg(int(fd), message[:], oob, unix.MSG_CMSG_CLOEXEC)
		return result != unix.EAGAIN && result != unix.EINTR
	})
	if err = errors.Join(err, result); err != nil {
		return -1, fmt.Errorf("hear of child: %w", err)
	}
	if n == failureSize {
		return -1, p.failure(message[:])
	}
	return p.oneDescriptor(oob[:oobn], open)
}

func (p *Process) oneDescriptor(oob []byte, open *fds) (int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("hear of child: it has died")
	}
	got, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(got) != 1 {
		return -1, fmt.Errorf("hear of child: no descriptor")
	}
	return open.add(got[0]), nil
}

// Abort ends a process that is not to be started and frees everything.
func (p *Process) Abort() {
	p.crossing.close()
	unix.PidfdSendSignal(int(p.PidFD.Fd()), unix.SIGKILL, nil, 0)
	// ECHILD: the caller reaps all of its children, and was faster.
	retry(func() error {
		_, err := unix.Wait4(p.Pid, nil, 0, nil)
		return err
	})
	p.PidFD.Close()
	p.status.Close()
	if p.Console != nil {
		p.Console.Close()
	}
}

// Resize tells the program's terminal its size.
func (p *Process) Resize(size engine.TermSize) error {
	if p.Console == nil {
		return fmt.Errorf("resize: %w without a terminal", engine.ErrUnsupported)
	}
	return ResizeConsole(p.Console, size)
}

// ResizeConsole sets the size of a terminal by its master.
func ResizeConsole(master *os.File, size engine.TermSize) error {
	raw, err := master.SyscallConn()
	if err != nil {
		return fmt.Errorf("resize terminal: %w", err)
	}
	var result error
	err = raw.Control(func(fd uintptr) { result = setSize(int(fd), size) })
	if err = errors.Join(err, result); err != nil {
		return fmt.Errorf("resize terminal: %w", err)
	}
	return nil
}

// statusPair makes the socket between Process and child. The child's end stays
// blocking.
func statusPair(open *fds) (parent *os.File, child int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("make status socket: %w", err)
	}
	defer unix.Close(pair[1])
	if err := unix.SetNonblock(pair[0], true); err != nil {
		unix.Close(pair[0])
		return nil, -1, fmt.Errorf("make status socket: %w", err)
	}
	if child, err = open.dupHigh(pair[1]); err != nil {
		unix.Close(pair[0])
		return nil, -1, err
	}
	return os.NewFile(uintptr(pair[0]), "status"), child, nil
}

// consoleFile wraps a master for the runtime's poller: reading it costs no
// thread, and closing it ends a read.
func consoleFile(master int) *os.File {
	unix.SetNonblock(master, true)
	return os.NewFile(uintptr(master), "console")
}
