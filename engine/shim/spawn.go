package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry/engine/cgroup/leaf"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/internal/usock"
)

// Spawn starts the monitor of the container whose shim.json is at path and
// returns when it listens, waiting for Start. The monitor leaves again when
// the client is closed before that and nobody is attached.
func Spawn(ctx context.Context, path string) (*Client, error) {
	return spawn(ctx, path)
}

// Adopt starts a monitor for a running container whose own was killed.
func Adopt(ctx context.Context, path string) (*Client, error) {
	return spawn(ctx, path, adoptArg)
}

func spawn(ctx context.Context, path string, args ...string) (*Client, error) {
	cfg, err := readConfig(path)
	if err != nil {
		return nil, fmt.Errorf("spawn monitor: %w", err)
	}
	ours, theirs, err := usock.Pair()
	if err != nil {
		return nil, fmt.Errorf("spawn monitor: %w", err)
	}
	defer theirs.Close()
	log, err := cfg.openLog()
	if err == nil {
		defer log.Close()
		err = execute(cfg.MonitorGroup, log, theirs, append([]string{Name, path}, args...))
	}
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("spawn monitor: %w", err)
	}
	theirs.Close() // so that the end of its copy is the end
	return begun(ctx, cfg, ours)
}

// begun waits until a monitor listens.
func begun(ctx context.Context, cfg *Config, ours *os.File) (*Client, error) {
	if err := greeted(ctx, ours); err != nil {
		ours.Close()
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it died at once, see %s", ErrGone, cfg.runFile(logFile))
		}
		return nil, fmt.Errorf("spawn monitor: %w", err)
	}
	return &Client{run: cfg.Run, id: cfg.ID, hold: ours}, nil
}

// greeted waits for the monitor's word.
func greeted(ctx context.Context, f *os.File) error {
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(past) })
	defer stop()
	err := newConn(f).answer(&answer{})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// environment is all that a monitor gets: settings of Go's runtime that keep it
// small, and have to be there before it begins: with them there is no collection
// below 2 MB, more than a start makes, so that it comes when the monitor rests
// (rest.go). Nothing of this goes on to a container.
var environment = []string{"GOGC=50", "GOMEMLIMIT=16MiB", "GOMAXPROCS=1"}

// execute runs this program again: what this process runs, even when the file
// was replaced or, as by go run, removed.
// log becomes its standard error and output, nil: nothing does.
func execute(group *leaf.Group, log, theirs *os.File, argv []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	if log == nil {
		log = null
	}
	// What the shell handed to the front end must not live on in the monitor:
	// somebody may wait for the end of such a pipe. All of ours are
	// close-on-exec anyway. Failing on kernels before 5.11 is bearable.
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	pidfd := -1
	pid, err := startIn(group, argv, &syscall.ProcAttr{
		Dir: "/", Env: environment, Files: []uintptr{null.Fd(), log.Fd(), log.Fd(), theirs.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	})
	if err != nil {
		return err
	}
	if pidfd >= 0 {
		go reap(pid, pidfd)
	}
	return nil
}

// startIn starts the monitor in its control group from its first instruction
// on. Moving it later would take a lock of the kernel's that waits for an RCU
// grace period, some 15 ms: half of what a short run takes.
func startIn(group *leaf.Group, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	if group == nil {
		return start(argv, attr)
	}
	unified, err := group.FD()
	if err != nil {
		return 0, err
	}
	if unified != nil {
		defer unified.Close()
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, int(unified.Fd())
	}
	done := make(chan struct{})
	go func() { // a thread that can be thrown away
		defer close(done)
		runtime.LockOSThread()
		leave, entered := group.Enter()
		if entered != nil {
			err = entered
			return
		}
		pid, err = start(argv, attr)
		if leave() == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return pid, err
}

// start is os.StartProcess without its first trying out pidfds with a process
// of its own.
func start(argv []string, attr *syscall.ProcAttr) (int, error) {
	exe, fd, err := ociruntime.SealedExecutable(reshuffled(attr.Files))
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // what it was before
	pid, err := syscall.ForkExec(exe, argv, attr)
	if err != nil {
		return 0, &os.PathError{Op: "execute", Path: argv[0], Err: err}
	}
	return pid, nil
}

// timerSlack is how much later than asked for, in nanoseconds, a monitor may be
// woken by a clock; it has no deadline that would notice. While Go code runs, a
// thread of Go's runtime asks to be woken every 20 µs: as often as that would
// happen, it would cost a start a twentieth. A program in a container gets the
// kernel's own (ociruntime).
const timerSlack = 200_000

// reshuffled is the highest number of a descriptor that a forked child of
// package syscall may overwrite before it executes its program: it moves its
// files, and the pipe that it reports on, out of each other's way, to numbers
// above the highest of the files.
func reshuffled(files []uintptr) int {
	top := len(files)
	for _, fd := range files {
		top = max(top, int(fd))
	}
	return top + len(files) + 2
}

// reap waits for the end of a monitor, should it come before ours: without a
// thread, because a workbench may have begun hundreds.
func reap(pid, pidfd int) {
	unix.SetNonblock(pidfd, true)
	f := os.NewFile(uintptr(pidfd), "pidfd")
	defer f.Close()
	if record.AwaitExit(f) == nil {
		unix.Wait4(pid, nil, 0, nil)
	}
}

const (
	// logFile takes a monitor's panics and complaints. It is in the runtime
	// directory: a file on a disk would be made and deleted with every container.
	logFile  = "shim.log"
	logLimit = 64 << 10
)

// openLog begins anew when the log has grown too large: a monitor writes a
// few lines at worst.
func (c *Config) openLog() (*os.File, error) {
	if err := c.makeRunDir(); err != nil {
		return nil, err
	}
	path := c.runFile(logFile)
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if fi, err := os.Lstat(path); err == nil && fi.Size() > logLimit {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open monitor log: %w", err)
	}
	return f, nil
}
