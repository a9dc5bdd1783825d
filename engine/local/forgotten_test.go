package local_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/local"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// frontEndName is the role of a front end that dies before it removes the
// container which it has promised to remove.
const frontEndName = "test-front-end"

func playFrontEnd(root, run string) {
	if err := runAndStop(root, run); err != nil {
		fmt.Println(err)
		return
	}
	select {}
}

func runAndStop(root, run string) error {
	ctx := context.Background()
	e, err := local.Open(local.Options{Root: root, Run: run})
	if err != nil {
		return err
	}
	res, err := e.Containers().Create(ctx, temporary("true"))
	if err != nil {
		return err
	}
	s, err := e.Containers().Attach(ctx, string(res.ID), engine.AttachOptions{Stdout: true, Removes: true})
	if err != nil {
		return err
	}
	if err := e.Containers().Start(ctx, string(res.ID)); err != nil {
		return err
	}
	if err := s.Copy(io.Discard, io.Discard); err != nil {
		return err
	}
	fmt.Println(res.ID)
	return nil
}

func temporary(cmd ...string) engine.CreateOptions {
	return engine.CreateOptions{
		Config: engine.ContainerConfig{Image: image, Cmd: cmd}, Host: engine.HostConfig{AutoRemove: true}, StartSoon: true,
	}
}

// TestForgotten: a --rm container that has ended is removed even when whoever
// wanted to do it is killed, by its monitor or by the next process.
func TestForgotten(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"front end", "monitor and front end"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			id, front := startFrontEnd(t, e)
			dir := filepath.Join(e.Root(), "containers", id)
			var x shim.ExitRecord
			if err := record.Read(filepath.Join(dir, "exit.json"), &x); err != nil {
				t.Fatal(err)
			}
			if who != "front end" {
				kill(t, x.ShimPid)
				until(t, "the monitor's death", func() bool { return !record.Alive(x.ShimPid, x.ShimStart) })
			} else if list := all(t, e); len(list) != 1 {
				t.Errorf("%d containers while its front end is there, want 1", len(list))
			}
			kill(t, front.Process.Pid)
			_ = front.Wait()
			if who != "front end" {
				if list := all(t, e); len(list) != 0 {
					t.Errorf("listed: %+v", list)
				}
			}
			until(t, "the removal", func() bool { _, err := os.Lstat(dir); return errors.Is(err, os.ErrNotExist) })
			if who != "front end" { // nobody is left to delete it but those who free space
				assertPruned(t, e, id)
			}
			until(t, "the deletion", func() bool { return len(discarded(t, e)) == 0 })
			for _, left := range []string{filepath.Join(e.Run(), "c", engine.ID(id).Short()), "/sys/fs/cgroup/unified/gantry/" + id} {
				until(t, "the end of "+left, func() bool { _, err := os.Lstat(left); return errors.Is(err, os.ErrNotExist) })
			}
		})
	}
}

// assertPruned: what is still to be deleted counts as space that comes back.
func assertPruned(t *testing.T, e *local.Engine, id string) {
	t.Helper()
	if got := discarded(t, e); len(got) != 1 || got[0] != id {
		t.Errorf("in the trash: %q, want the container", got)
	}
	for _, dry := range []bool{true, false} {
		rep, err := e.Containers().Prune(t.Context(), engine.PruneOptions{DryRun: dry})
		if err != nil || rep.Reclaimed == 0 || len(rep.Deleted) != 0 {
			t.Errorf("Prune, dry run %v: %+v, %v; want the space of the trash", dry, rep, err)
		}
	}
}

// discarded lists what is to be deleted.
func discarded(t *testing.T, e *local.Engine) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(e.Root(), "trash"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ent := range entries {
		names = append(names, ent.Name())
	}
	return names
}

// startFrontEnd runs a container in another process, which has read its end
// and stays.
func startFrontEnd(t *testing.T, e *local.Engine) (id string, front *exec.Cmd) {
	t.Helper()
	front = exec.Command("/proc/self/exe", e.Root(), e.Run())
	front.Args[0] = frontEndName
	out, err := front.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := front.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = front.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if id = strings.TrimSpace(line); err != nil || len(id) != 64 {
		t.Fatalf("the front end says %q, %v", line, err)
	}
	return id, front
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func all(t *testing.T, e *local.Engine) []engine.ContainerSummary {
	t.Helper()
	list, err := e.Containers().List(t.Context(), engine.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !holds(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for %s", what)
		}
	}
}

// TestSpareMonitor: the monitor that is started ahead of its container leaves
// when the container does not come, or is not started.
func TestSpareMonitor(t *testing.T) {
	t.Parallel()
	e := open(t)
	missing := temporary("true")
	missing.Config.Image = "test/missing:1"
	if _, err := e.Containers().Create(t.Context(), missing); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("Create: %v, want ErrNotFound", err)
	}
	until(t, "the end of a monitor without a container", func() bool { return len(monitors(t, e)) == 0 })
	res, err := e.Containers().Create(t.Context(), temporary("true"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the spare monitor", func() bool { return len(monitors(t, e)) == 1 })
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	until(t, "the end of a monitor without an engine", func() bool { return len(monitors(t, e)) == 0 })
	if err := e.Containers().Start(t.Context(), string(res.ID)); err != nil {
		t.Errorf("start without the spare: %v", err)
	}
	until(t, "the removal", func() bool { return len(all(t, e)) == 0 && len(monitors(t, e)) == 0 })
}

// TestEarlyMonitor: a monitor that came with the process serves its first
// container; where it cannot, the container is made and started all the same.
func TestEarlyMonitor(t *testing.T) {
	t.Parallel()
	first := open(t) // notes where monitors are put
	for _, tt := range []struct {
		name  string
		early func(root, run string) *shim.Early
		want  bool // that the container has the ID which the monitor was started for
	}{
		{"ready", shim.PrepareEarly, true},
		{"for another root", func(root, run string) *shim.Early { return shim.PrepareEarly(root+"-not", run) }, true},
		{"not started", func(root, run string) *shim.Early { return shim.PrepareEarly(root, run+"-not") }, true},
		{"with a relative root", func(root, run string) *shim.Early { return shim.PrepareEarly("root", run) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := first.Containers().Create(t.Context(), temporary("true"))
			if err == nil {
				err = first.Containers().Start(t.Context(), string(res.ID))
			}
			if err != nil {
				t.Fatal(err)
			}
			early := tt.early(first.Root(), first.Run())
			e, err := local.Open(local.Options{Root: first.Root(), Run: first.Run(), Early: early})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 2 {
				res, err := e.Containers().Create(t.Context(), temporary("true"))
				if err != nil {
					t.Fatal(err)
				}
				if got := early != nil && res.ID == early.ID(); got != (tt.want && i == 0) {
					t.Errorf("container %d: its ID is the monitor's: %v", i, got)
				}
				if err := e.Containers().Start(t.Context(), string(res.ID)); err != nil {
					t.Errorf("container %d: %v", i, err)
				}
			}
			if err := errors.Join(e.Close(), first.Close()); err != nil {
				t.Error(err)
			}
			until(t, "the end of all monitors", func() bool { return len(all(t, e)) == 0 && len(monitors(t, e)) == 0 })
		})
	}
}

// monitors lists the processes that watch over containers of an engine. Each
// leads a session; a copy of it that is to become a container's program does not.
func monitors(t *testing.T, e *local.Engine) (pids []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || !strings.HasPrefix(string(b), shim.Name+"\x00"+e.Root()+"/") {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if session, err := unix.Getsid(pid); err == nil && session == pid {
			pids = append(pids, f)
		}
	}
	return pids
}

// TestFilterIsShared: a profile is compiled once.
func TestFilterIsShared(t *testing.T) {
	t.Parallel()
	e := open(t)
	var files []os.FileInfo
	for range 2 {
		res, err := e.Containers().Create(t.Context(), engine.CreateOptions{Config: engine.ContainerConfig{Image: image}})
		if err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(filepath.Join(e.Root(), "containers", string(res.ID), shim.SeccompFile))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, fi)
	}
	if files[0].Size() == 0 || !os.SameFile(files[0], files[1]) {
		t.Errorf("two containers have filters of their own, of %d and %d bytes", files[0].Size(), files[1].Size())
	}
}
