package ociruntime

import (
	"encoding/binary"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// InitName is argv[0] of the reaper, by which the program's entry knows it.
const InitName = "gantry-init"

// InitMain is pid 1 of a container that was created with InitProcess: it
// starts the program after "--", passes signals on to it, reaps what is
// orphaned and exits as the program did. It does not return.
//
// It runs as the container's user under the container's filter and has but two
// descriptors more than the program will: one to report a failed start, and
// the runtime's own.
func InitMain() {
	if len(os.Args) < 3 || os.Args[1] != "--" {
		os.Stderr.WriteString(InitName + ": this role is started by gantry only\n")
		os.Exit(2)
	}
	unix.CloseOnExec(childStatus)
	// The same user may not look into this process, nor trace it.
	unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	NameThread(InitName)
	runtime.GOMAXPROCS(1)

	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	child, err := startChild(os.Args[2:], os.Environ())
	if err != nil {
		reportStart(err)
		os.Exit(125)
	}
	unix.Close(childStatus)
	go func() {
		for s := range signals {
			forward(child, s)
		}
	}()
	os.Exit(reapUntil(child))
}

// startChild looks the program up as a container without a reaper would.
func startChild(argv, env []string) (int, error) {
	attr := &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true}}
	// With a terminal the program's group is in its foreground, so that keys
	// signal the program and not us.
	if _, err := unix.IoctlGetInt(0, unix.TIOCGPGRP); err == nil {
		attr.Sys = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	}
	result := error(unix.ENOENT)
	for _, path := range searchPaths(argv[0], env) {
		pid, err := syscall.ForkExec(path, argv, attr)
		switch {
		case err == nil:
			return pid, nil
		case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR):
		case errors.Is(err, unix.EACCES):
			result = err
		default:
			return 0, err
		}
	}
	return 0, result
}

// reportStart tells Process.Start, as the child of a plan does.
func reportStart(err error) {
	errno := unix.EIO
	errors.As(err, &errno)
	var message [8]byte
	binary.NativeEndian.PutUint32(message[:4], uint32(stepExec))
	binary.NativeEndian.PutUint32(message[4:], uint32(errno))
	unix.Write(childStatus, message[:])
}

// forward passes a signal on. Go's runtime sends itself SIGURG to switch
// goroutines; SIGCHLD is ours; stops by the terminal are meant for whom they
// were sent to.
func forward(child int, s os.Signal) {
	switch sig, _ := s.(unix.Signal); sig {
	case 0, unix.SIGCHLD, unix.SIGURG, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE:
	default:
		unix.Kill(child, sig)
	}
}

// reapUntil reaps every process until the child is among them.
func reapUntil(child int) int {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 255
		case pid != child || !status.Exited() && !status.Signaled():
		case status.Signaled():
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}
