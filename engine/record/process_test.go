package record_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
)

func TestBootID(t *testing.T) {
	t.Parallel()
	if id := record.BootID(); len(id) != 36 || id != record.BootID() {
		t.Errorf("boot id %q", id)
	}
}

func TestProcessFacts(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	start, err := record.PidStart(pid)
	if err != nil || start == 0 {
		t.Fatalf("start %d, %v", start, err)
	}
	if own, err := record.PidStart(os.Getpid()); err != nil || own > start {
		t.Errorf("the child started at %d, its parent at %d, %v", start, own, err)
	}
	if !record.Alive(pid, start) || record.Alive(pid, start+1) {
		t.Error("Alive is wrong about a live process")
	}
	if _, err := record.PidFD(pid, start+1); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("PidFD of a reused PID: %v", err)
	}
	fd, err := record.PidFD(pid, start)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	ended := make(chan error, 1)
	go func() { ended <- record.AwaitExit(fd) }()
	if err := record.SignalFD(fd, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("AwaitExit: %v", err)
	}
	// Dead, and not reaped: it has a start but is not alive.
	if record.Alive(pid, start) {
		t.Error("a zombie is alive")
	}
	if got, err := record.PidStart(pid); err != nil || got != start {
		t.Errorf("start of a zombie: %d, %v", got, err)
	}
	_ = cmd.Wait()
	if _, err := record.PidStart(pid); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("start of nobody: %v", err)
	}
	if err := record.SignalFD(fd, unix.SIGKILL); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("signal to nobody: %v", err)
	}
}

// Closing the descriptor ends a wait: that is how a follower gives up.
func TestAwaitExitEndsWithClose(t *testing.T) {
	t.Parallel()
	start, err := record.PidStart(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := record.PidFD(os.Getpid(), start)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- record.AwaitExit(fd) }()
	fd.Close()
	if err := <-ended; err == nil {
		t.Error("this process has ended")
	}
}
