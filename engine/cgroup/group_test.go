package cgroup_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
)

func TestJoinPlacesProcessInEveryHierarchy(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		c := startIn(t, g, "tick")
		assertPlaced(t, g, c.Process.Pid)
		pids, err := g.Pids()
		if err != nil || len(pids) != 1 || pids[0] != c.Process.Pid {
			t.Errorf("Pids() = %v, %v, want [%d]", pids, err, c.Process.Pid)
		}
		if err := g.Join(c.Process.Pid); err != nil {
			t.Errorf("joining twice: %v", err)
		}
	})
}

func assertPlaced(t *testing.T, g *leaf.Group, pid int) {
	t.Helper()
	for key, dir := range g.Dirs {
		procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(procs)) != fmt.Sprint(pid) {
			t.Errorf("%q holds %q, want only %d", key, procs, pid)
		}
	}
}

func TestEnterAndCloneIntoGroup(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := thread(t)
		leave, err := g.Enter()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sleep", "60")
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		fd, err := g.FD()
		if err != nil {
			t.Fatal(err)
		}
		if (fd == nil) != (h.Mode == cgroup.V1) {
			t.Errorf("FD() = %v on %s", fd, h.Mode)
		}
		if fd != nil {
			cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(fd.Fd())
			defer fd.Close()
		}
		startErr := cmd.Start()
		if err := errors.Join(startErr, leave()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		assertPlaced(t, g, cmd.Process.Pid)
		if after := thread(t); after != before {
			t.Errorf("the thread is in\n%safter it left, was in\n%s", after, before)
		}
	})
}

func thread(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFreezeStopsAndThawResumes(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		c := startIn(t, g, "tick")
		buf := make([]byte, 1<<16)
		if _, err := c.out.Read(buf); err != nil {
			t.Fatal(err)
		}
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
		// What is in the pipe can be read; then nothing more may come.
		var err error
		for n := 0; err == nil; n++ {
			if n > 10 {
				t.Fatal("a frozen process still writes")
			}
			_ = c.out.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			_, err = c.out.Read(buf)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if err := g.Thaw(); err != nil {
			t.Fatal(err)
		}
		_ = c.out.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.out.Read(buf); err != nil {
			t.Errorf("a thawed process does not go on: %v", err)
		}
	})
}

func TestKillFrozenGroup(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		c := startIn(t, g, "tick")
		if err := g.Freeze(); err != nil {
			t.Fatal(err)
		}
		if err := g.Kill(); err != nil {
			t.Fatal(err)
		}
		assertEmpty(t, g)
		_ = c.Wait()
		if s := c.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != unix.SIGKILL {
			t.Errorf("ended with %v, want SIGKILL", s)
		}
	})
}

// storm makes a hundred shells that fork without an end. A bomb that grows
// until it meets the limit would be a worse test: there its shells give up, and
// on a busy machine nothing is left of it when the test looks.
const storm = `read x; i=0; while [ $i -lt 100 ]; do (while :; do sleep 0.01; done) & i=$((i+1)); done; wait`

func TestKillForkBomb(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		// The limit is for this machine's sake: Kill must do without.
		g := create(t, h, &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](300)}})
		c := start(t, "/bin/sh", []string{"-c", storm}, "")
		if err := g.Join(c.Process.Pid); err != nil {
			t.Fatal(err)
		}
		c.release(t)
		eventually(t, "the storm rages", func() bool {
			pids, err := g.Pids()
			return err == nil && len(pids) > 100
		})
		if err := g.Kill(); err != nil {
			t.Fatal(err)
		}
		assertEmpty(t, g)
		if limit := value(t, g, "pids.max"); limit != "300" {
			t.Errorf("pids.max = %s after Kill, want 300", limit)
		}
	})
}

func assertEmpty(t *testing.T, g *leaf.Group) {
	t.Helper()
	if pids, err := g.Pids(); err != nil || len(pids) != 0 {
		t.Errorf("Pids() = %v, %v after Kill", pids, err)
	}
}

func TestDeleteRemovesNestedGroupsButNoProcesses(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		for _, dir := range g.Dirs {
			if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Delete(); err != nil {
			t.Fatal(err)
		}
		for _, dir := range g.Dirs {
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there", dir)
			}
		}
		if err := g.Delete(); err != nil {
			t.Errorf("deleting twice: %v", err)
		}
	})
}

func TestDeleteOfBusyGroupIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the bound, 5 s")
	}
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		startIn(t, g, "tick")
		one := &leaf.Group{Path: g.Path, Dirs: map[string]string{"pids": g.Dirs["pids"]}}
		if h.Mode == cgroup.V2 {
			one = g
		}
		if err := one.Delete(); !errors.Is(err, unix.EBUSY) {
			t.Errorf("Delete() = %v, want EBUSY", err)
		}
	})
}

func TestCreateReplacesStaleGroupAndKeepsBusyOne(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](7)}})
		again, err := h.Create(filepath.Base(g.Path), nil)
		if err != nil {
			t.Fatal(err)
		}
		if limit := value(t, again, "pids.max"); limit != "max" {
			t.Errorf("the stale limit %s lives on", limit)
		}
		c := startIn(t, again, "tick")
		if _, err := h.Create(filepath.Base(g.Path), nil); !errors.Is(err, engine.ErrInUse) {
			t.Errorf("Create over a busy group = %v, want ErrInUse", err)
		}
		assertPlaced(t, again, c.Process.Pid)
	})
}

func TestCreateRefusesNames(t *testing.T) {
	t.Parallel()
	h, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", ".", "..", "a/b", "../x", "monitors", "a\n"} {
		if _, err := h.Create(id, nil); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("Create(%q) = %v, want ErrInvalid", id, err)
		}
	}
}

// The last container that leaves removes the parent, while another one comes.
func TestCreateAndDeleteInParallel(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		var wg sync.WaitGroup
		for worker := range 6 {
			wg.Go(func() {
				for i := range 20 {
					id := fmt.Sprintf("race%d-%d-%d", os.Getpid(), worker, i)
					g, err := h.Create(id, &specs.LinuxResources{
						Pids:   &specs.LinuxPids{Limit: ptr[int64](10)},
						Memory: &specs.LinuxMemory{Limit: ptr[int64](64 << 20)},
					})
					if err != nil {
						t.Error(err)
						return
					}
					if err := g.Delete(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestMonitorsLiveBesideContainers(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		m, err := h.Monitors()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Tidy)
		c := startIn(t, m, "tick")
		g := create(t, h, &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](64 << 20)}})
		startIn(t, g, "tick")
		if err := g.Kill(); err != nil {
			t.Fatal(err)
		}
		assertEmpty(t, g)
		h.Tidy()
		pids, err := m.Pids()
		if err != nil || len(pids) == 0 {
			t.Errorf("Pids() = %v, %v; the monitor is gone", pids, err)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
	})
}

func TestOutOfMemoryIsTold(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, &specs.LinuxResources{Memory: &specs.LinuxMemory{
			Limit: ptr[int64](32 << 20), Swap: ptr[int64](32 << 20)}})
		o, err := g.OOMWatch()
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan error, 1)
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				killed, err := o.Wait()
				if killed || err != nil {
					told <- err
					return
				}
			}
		})
		if o.Killed() {
			t.Error("Killed() before anything ran")
		}
		c := startIn(t, g, "eat 200")
		_ = c.Wait()
		if !o.Killed() {
			t.Error("Killed() = false after an out-of-memory kill")
		}
		select {
		case err := <-told:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Wait() did not tell")
		}
		s, err := h.Sample(g)
		if err != nil || s.Memory.OOMKills == 0 {
			t.Errorf("Sample() = %+v, %v; want OOMKills", s.Memory, err)
		}
		if err := g.Delete(); err != nil {
			t.Fatal(err)
		}
		if !o.Killed() {
			t.Error("Killed() forgets when the group is gone")
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

func TestCloseEndsOutOfMemoryWait(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, nil)
		o, err := g.OOMWatch()
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := o.Wait()
			ended <- err
		}()
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("Wait() = %v, want ErrClosed", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("Close does not end Wait")
		}
	})
}

// The two ways into a group: a process that exists, or one being made. In a
// tight loop the first is fast, because the kernel's lock stays in the state
// that it takes a grace period to reach; containers do not start that often.
func BenchmarkJoin(b *testing.B) {
	g, _ := benchmarkGroup(b)
	benchmarkPlace(b, func(cmd *exec.Cmd) error {
		return errors.Join(cmd.Start(), g.Join(cmd.Process.Pid))
	})
}

func BenchmarkEnter(b *testing.B) {
	g, _ := benchmarkGroup(b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	benchmarkPlace(b, func(cmd *exec.Cmd) error {
		fd, err := g.FD()
		if err != nil {
			return err
		}
		if fd != nil {
			defer fd.Close()
			cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
		}
		leave, err := g.Enter()
		if err != nil {
			return err
		}
		return errors.Join(cmd.Start(), leave())
	})
}

func benchmarkPlace(b *testing.B, place func(*exec.Cmd) error) {
	for b.Loop() {
		cmd := exec.Command("sleep", "60")
		if err := place(cmd); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-time.After(40 * time.Millisecond) // the lock goes back
		b.StartTimer()
	}
}
