package ociruntime

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the child finds where. Its other descriptors are closed first.
const (
	childStatus   = 3 // our end of Process.status: release in, failure out
	childExe      = 4 // this executable, for the reaper only
	childFirstOff = 5
)

// rule says what a call's result means.
type rule uint8

const (
	must     rule = iota // an error ends the child, and the parent is told
	may                  // an error is as good
	released             // read(2) of the release: anything but one byte ends the child quietly
	crosses              // clone(2) of the program's process, which goes on; the child has done its part
)

// call is one system call of a plan. Pointers among its arguments are kept
// alive by plan.keep.
type call struct {
	nr   uintptr
	arg  [6]uintptr
	rule rule
	step step
}

// plan is everything that the child does, prepared in memory that it inherits.
type plan struct {
	calls []call
	// paths are tried in turn as execvp(3) does: to try is the only lookup
	// that needs no system call which a strict filter might forbid, and the
	// only one that cannot be raced.
	paths  []*byte
	reaper bool // execute childExe instead
	argv   []*byte
	envv   []*byte
	keep   []any

	report [2]uint32 // step and errno, on their way to the parent
}

// cloneArgs is struct clone_args of clone3(2), CLONE_ARGS_SIZE_VER2.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal uint64
	stack, stackSize, tls, setTID, setTIDSize     uint64
	cgroup                                        uint64
}

// The runtime blocks signals around a fork and makes any growth of the stack
// fatal in between. gVisor uses the same three, which is why the linker lets
// them be reached (go.dev/issue/67401).

//go:linkname runtimeBeforeFork syscall.runtime_BeforeFork
func runtimeBeforeFork()

//go:linkname runtimeAfterFork syscall.runtime_AfterFork
func runtimeAfterFork()

//go:linkname runtimeAfterForkInChild syscall.runtime_AfterForkInChild
func runtimeAfterForkInChild()

// fork clones the calling thread into a process of its own that runs the plan.
// group is an O_PATH descriptor of a v2 cgroup to be born in, or -1.
func fork(p *plan, group int) (pid, pidfd int, err error) {
	pidfd32 := new(int32)
	args := &cloneArgs{
		flags: unix.CLONE_PIDFD,
		// Kept by the plan, so it is on the heap: stacks move.
		pidfd:      uint64(ptrOf(p, pidfd32)),
		exitSignal: uint64(unix.SIGCHLD),
	}
	if group >= 0 {
		args.flags |= unix.CLONE_INTO_CGROUP
		args.cgroup = uint64(group)
	}
	n, errno := forkAndRun(args, p)
	runtime.KeepAlive(p)
	if errno != 0 {
		return 0, -1, errno
	}
	return int(n), int(*pidfd32), nil
}

// forkAndRun returns in the parent only. Memory is copied, not shared, so the
// child may use this stack; but of the parent's threads it has this one alone,
// so whatever it would wait for never comes.
//
//go:norace
//go:nosplit
//go:noinline
func forkAndRun(args *cloneArgs, p *plan) (uintptr, syscall.Errno) {
	runtimeBeforeFork()
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args), 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		runtimeAfterFork()
		return pid, errno
	}
	runtimeAfterForkInChild()
	runChild(p)
	return 0, 0 // not reached
}

// runChild does not return.
//
//go:norace
//go:nosplit
//go:noinline
func runChild(p *plan) {
	for i := 0; i < len(p.calls); i++ {
		c := &p.calls[i]
		n, _, errno := syscall.RawSyscall6(c.nr, c.arg[0], c.arg[1], c.arg[2], c.arg[3], c.arg[4], c.arg[5])
		switch {
		case errno == unix.EINTR:
			i--
		case c.rule == released && (errno != 0 || n != 1):
			exitChild()
		case c.rule != may && errno != 0:
			failChild(p, c.step, errno)
		case c.rule == crosses && n != 0:
			exitChild()
		}
	}
	failChild(p, stepExec, execChild(p))
}

// execChild tries every path. A file that may not be executed does not end the
// search, as in execvp(3), but is what is reported when nothing else is found.
//
//go:norace
//go:nosplit
//go:noinline
func execChild(p *plan) syscall.Errno {
	result := syscall.Errno(unix.ENOENT)
	for i := 0; i < len(p.paths); i++ {
		path, argv, envv := uintptr(unsafe.Pointer(p.paths[i])), uintptr(unsafe.Pointer(&p.argv[0])), uintptr(unsafe.Pointer(&p.envv[0]))
		var errno syscall.Errno
		if p.reaper {
			_, _, errno = syscall.RawSyscall6(unix.SYS_EXECVEAT, childExe, path, argv, envv, unix.AT_EMPTY_PATH, 0)
		} else {
			_, _, errno = syscall.RawSyscall(unix.SYS_EXECVE, path, argv, envv)
		}
		switch errno {
		case unix.ENOENT, unix.ENOTDIR:
		case unix.EACCES:
			result = errno
		default:
			return errno
		}
	}
	return result
}

//go:norace
//go:nosplit
//go:noinline
func failChild(p *plan, s step, errno syscall.Errno) {
	p.report[0], p.report[1] = uint32(s), uint32(errno)
	syscall.RawSyscall(unix.SYS_WRITE, childStatus, uintptr(unsafe.Pointer(&p.report[0])), unsafe.Sizeof(p.report))
	exitChild()
}

//go:norace
//go:nosplit
//go:noinline
func exitChild() {
	syscall.RawSyscall(unix.SYS_EXIT_GROUP, neverRan, 0, 0)
	// A filter forbids even that.
	syscall.RawSyscall(unix.SYS_EXIT, neverRan, 0, 0)
	for {
		*nowhere = 0
	}
}

// neverRan is the exit status of a child that did not become the program. When
// its parent was killed, who takes over may see it: it says "unknown", as
// programs do not.
const neverRan = 255

// nowhere stays nil: writing there ends a process whatever its filter says.
var nowhere *byte
