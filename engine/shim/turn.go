package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
)

// Between the end of a container and its start by its policy somebody waits
// out the back-off: the monitor of the attempt that ended, or, when that was
// killed, a process that stands in for it (Await).
//
//	plan in exit.json ---> wait ---due---> execute gantry-finish ---> started by a new monitor: leave
//	                        ^ ^                    |
//	                        | '---new plan---------+  it could not be started: gantry-finish said so in exit.json
//	                        '-----longer wait------'  it could not even say so
//	plan gone, or a newer start.json: leave
//
// The plan alone decides, and it changes under the container's lock: to stop a
// container that waits is to take its plan away, and gantry-finish, which takes
// the lock before it looks, then has nothing to do. A waiter never acts on what
// it remembers. Whoever changes the plan wakes it (Wake).

// awaitArg is the second argument of a process that stands in.
const awaitArg = "await"

// WaitLockPath is the file that whoever waits out a back-off holds an exclusive
// flock on, from before the plan is on record.
func WaitLockPath(run string, id engine.ID) string { return path.Join(runDir(run, id), "wait.pid") }

// wakeSignal has a waiter look at the plan.
const wakeSignal = unix.SIGUSR1

// Await starts a process that waits out the back-off of a container whose own
// monitor was killed meanwhile. It returns when that waits. The caller holds the
// container's lock.
func Await(ctx context.Context, path string) error {
	c, err := spawn(ctx, path, awaitArg)
	if err != nil {
		return err
	}
	return c.Close()
}

// Wake has the waiter of a container, if there is one, look at the plan again.
func Wake(run string, id engine.ID) {
	b, err := os.ReadFile(WaitLockPath(run, id))
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	// The descriptor came first: who holds the lock still is the process that
	// wrote its number into it, and not another one of that number.
	if held, err := record.FileHeld(WaitLockPath(run, id)); err == nil && held {
		_ = unix.PidfdSendSignal(fd, wakeSignal, nil, 0)
	}
}

// awaitMain is the life of a process that stands in. It does not return.
func awaitMain(spawner *conn, file string) {
	cfg, err := readConfig(file)
	var w *waiter
	if err == nil {
		w, err = newWaiter(cfg)
	}
	if err != nil {
		spawner.sendJSON(kindFailure, failureOf(err))
		os.Exit(1)
	}
	if g := cfg.MonitorGroup; g != nil {
		_ = g.Join(os.Getpid()) // it was born there; where not, it waits as well
	}
	spawner.sendJSON(kindAnswer, answer{})
	spawner.f.Close()
	shrink()
	w.run()
	os.Exit(0)
}

// waiter waits out back-offs of one container.
type waiter struct {
	cfg  *Config
	lock *os.File
	woke chan os.Signal
	// owed puts the end of an attempt on record that could not be: the disk is
	// full. nil: it is.
	owed    func() error
	attempt int
}

// owes leaves an end to be put on record as soon as that is possible: without
// it there is no plan to act upon.
func (w *waiter) owes(attempt int, put func() error) {
	if w != nil {
		w.attempt, w.owed = attempt, put
	}
}

// settle pays what is owed, unless somebody else has: whoever finds a container
// without monitor records its end as well. The monitor's lock keeps them away.
func (w *waiter) settle() {
	if _, err := os.Lstat(w.cfg.Bundle); errors.Is(err, os.ErrNotExist) {
		w.owed = nil // it was removed
		return
	}
	f, err := os.OpenFile(LockPath(w.cfg.Run, w.cfg.ID), os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	var x ExitRecord
	if record.Read(w.cfg.file("exit.json"), &x) == nil && x.Attempt >= w.attempt || w.owed() == nil {
		w.owed = nil
	}
}

// newWaiter takes the lock of who waits, and can be woken from then on.
func newWaiter(cfg *Config) (*waiter, error) {
	if err := cfg.makeRunDir(); err != nil {
		return nil, err
	}
	w := &waiter{cfg: cfg, woke: make(chan os.Signal, 1)}
	signal.Notify(w.woke, wakeSignal)
	var err error
	w.lock, err = takeLock(WaitLockPath(cfg.Run, cfg.ID))
	return w, err
}

// planned reads the plan, nil when there is none (any more).
func (w *waiter) planned() *ExitRecord {
	var x ExitRecord
	if record.Read(w.cfg.file("exit.json"), &x) != nil || !x.Planned() {
		return nil
	}
	var start StartRecord
	if record.Read(w.cfg.file("start.json"), &start) == nil && start.Attempt > x.Attempt {
		return nil
	}
	return &x
}

// run waits and acts until there is no plan.
func (w *waiter) run() {
	defer w.lock.Close()
	for pause := firstDelay; w.owed != nil; pause = min(2*pause, maxDelay) {
		w.rest(pause)
		w.settle()
	}
	extra := time.Duration(0) // added where a failure could not be put on record
	for x := w.planned(); x != nil; {
		if !w.sleep(x, extra) { // woken
			x = w.planned()
			continue
		}
		checkpoint("due")
		if err := w.finish(); err != nil {
			fmt.Fprintf(os.Stderr, "start again: %v\n", err)
		}
		checkpoint("finished")
		now := w.planned()
		if now != nil && now.Due.Equal(x.Due) {
			extra = min(max(2*extra, x.Again.Delay, firstDelay), maxDelay)
		} else {
			extra = 0
		}
		x = now
	}
}

// sleep tells whether the container is due; false: somebody woke us.
func (w *waiter) sleep(x *ExitRecord, extra time.Duration) bool {
	left := x.left()
	if extra > 0 {
		left = extra
	}
	return w.rest(left)
}

// rest tells whether the time has passed; false: somebody woke us.
func (w *waiter) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.woke:
		return false
	}
}

// finish executes gantry-finish and waits for its end: a waiter that went on
// before would take a start that fails for one that is still to come.
func (w *waiter) finish() error {
	pid, err := executeFinish(w.cfg)
	if err != nil {
		return err
	}
	for {
		_, err := unix.Wait4(pid, nil, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("wait4", err)
		}
	}
}

// executeFinish leaves what needs heavy packages to another process.
func executeFinish(cfg *Config) (pid int, err error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	defer unix.Close(null)
	argv := []string{"gantry-finish", cfg.Root, cfg.Run, string(cfg.ID)}
	pid, err = start(argv, &syscall.ProcAttr{
		Dir: "/", Env: []string{}, Files: []uintptr{uintptr(null), 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err == nil {
		adjustOOM(pid, "0")
	}
	return pid, err
}

// plan completes the end of an attempt by what its policy makes of it, and
// begins to wait where the container is to be started again. A start by hand
// that failed is told to whoever tried, and not repeated.
func (s *shim) plan(x *ExitRecord) *waiter {
	policy := s.cfg.Restart
	if now, err := readConfig(s.path); err == nil {
		policy = now.Restart
	}
	s.mu.Lock()
	ran, started := time.Duration(0), !s.start.StartedAt.IsZero()
	if started {
		s.again, ran = s.start.Again, x.At.Sub(s.start.StartedAt)
	}
	x.Stopped, x.Again = s.stopped, s.again
	s.mu.Unlock()
	if !started && !s.byPolicy {
		return nil
	}
	x.Plan(x.Again, policy, ran, time.Now())
	if x.Due.IsZero() {
		return nil
	}
	w, err := newWaiter(s.cfg)
	if err != nil {
		// Somebody else waits, or will: see engine/local.
		fmt.Fprintf(os.Stderr, "wait for the next start: %v\n", err)
		return nil
	}
	return w
}
