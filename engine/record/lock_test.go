package record_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
)

// TestMain lets the test binary play a second process that holds a lock.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RECORD_TEST_HOLD"); dir != "" {
		hold(dir)
	}
	os.Exit(m.Run())
}

// hold takes a lock, says so, and keeps it until it is killed or stdin ends.
func hold(dir string) {
	locks, err := record.OpenLocks(dir)
	if err == nil {
		_, err = locks.Lock(context.Background(), record.LockContainer, "held")
	}
	fmt.Println("held", err)
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	os.Exit(0)
}

func startHolder(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "RECORD_TEST_HOLD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held <nil>\n" {
		t.Fatalf("holder said %q, %v", line, err)
	}
	return cmd
}

func openLocks(t testing.TB, dir string) *record.Locks {
	t.Helper()
	locks, err := record.OpenLocks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return locks
}

func TestLockIsFreedByDeath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "locks")
	holder := startHolder(t, dir)
	locks := openLocks(t, dir)

	if _, err := locks.TryLock(record.LockContainer, "held"); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("TryLock: got %v, want ErrInUse", err)
	}
	if held, err := locks.Held(record.LockContainer, "held"); !held || err != nil {
		t.Errorf("Held: %v, %v", held, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := locks.Lock(ctx, record.LockContainer, "held"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "container held") {
		t.Errorf("Lock: got %v, want the deadline and the lock's name", err)
	}
	other, err := locks.TryLock(record.LockContainer, "free")
	if err != nil {
		t.Fatal(err)
	}
	other.Unlock()

	if err := holder.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	lock, err := locks.Lock(t.Context(), record.LockContainer, "held")
	if err != nil {
		t.Fatal(err)
	}
	lock.Unlock()
	if held, err := locks.Held(record.LockContainer, "held"); held || err != nil {
		t.Errorf("Held after Unlock: %v, %v", held, err)
	}
}

func TestLockExcludesGoroutines(t *testing.T) {
	t.Parallel()
	locks := openLocks(t, t.TempDir())
	var wg sync.WaitGroup
	var holders, taken atomic.Int32
	for range 8 {
		wg.Go(func() {
			for range 50 {
				lock, err := locks.Lock(t.Context(), record.LockIndex, "x")
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				taken.Add(1)
				holders.Add(-1)
				lock.Unlock()
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n != 400 {
		t.Errorf("taken %d times, want 400", n)
	}
}

func TestLockNames(t *testing.T) {
	t.Parallel()
	locks := openLocks(t, t.TempDir())
	for _, id := range []string{"../x", "a/b", "a\x00b", strings.Repeat("x", 256)} {
		if _, err := locks.TryLock("image", id); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", id, err)
		}
	}
}

func TestLockOrder(t *testing.T) {
	t.Parallel()
	type name struct{ kind, id string }
	for _, tt := range []struct {
		first, second name
		ok            bool
	}{
		{name{"index", ""}, name{"container", "a"}, true},
		{name{"container", "a"}, name{"index", ""}, false},
		{name{"container", "a"}, name{"container", "b"}, true},
		{name{"container", "b"}, name{"container", "a"}, false},
		{name{"container", "a"}, name{"container", "a"}, false},
		{name{"container", "a"}, name{"image", "a"}, true},
		{name{"image", "a"}, name{"network", "a"}, true},
		{name{"network", "a"}, name{"image", "a"}, false},
		{name{"image", "a"}, name{"journal", "events"}, true},
		{name{"journal", "events"}, name{"container", "a"}, false},
		{name{"ingest", "a"}, name{"layer", "a"}, true},
		{name{"layer", "a"}, name{"ingest", "a"}, true},
		{name{"layer", "b"}, name{"layer", "a"}, false},
		{name{"layer", "a"}, name{"index", ""}, false},
	} {
		t.Run(fmt.Sprintf("%v then %v", tt.first, tt.second), func(t *testing.T) {
			locks := openLocks(t, t.TempDir())
			first, err := locks.TryLock(tt.first.kind, tt.first.id)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Unlock()
			defer func() {
				if p := recover(); (p == nil) != tt.ok {
					t.Errorf("panic %v, want ok %v", p, tt.ok)
				}
			}()
			second, err := locks.TryLock(tt.second.kind, tt.second.id)
			if err != nil {
				t.Fatal(err)
			}
			second.Unlock()
		})
	}
}

// The order binds one goroutine; what another holds does not matter.
func TestLockOrderIsPerGoroutine(t *testing.T) {
	t.Parallel()
	locks := openLocks(t, t.TempDir())
	var wg sync.WaitGroup
	held := make(chan *record.Lock)
	wg.Go(func() {
		lock, err := locks.TryLock(record.LockContainer, "a")
		if err != nil {
			t.Error(err)
		}
		held <- lock
	})
	theirs := <-held
	defer wg.Wait()
	ours, err := locks.TryLock(record.LockIndex, "")
	if err != nil {
		t.Fatal(err)
	}
	ours.Unlock()
	theirs.Unlock()
}
