package netns_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/netns"
)

// fresh makes a network namespace that lives as long as the test.
func fresh(t *testing.T) *os.File {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	f, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want error
	}{
		{file, engine.ErrInvalid},
		{fifo, engine.ErrInvalid},
		{"/", engine.ErrInvalid},
		{"/proc/self/ns/mnt", engine.ErrInvalid},
		{"/proc/self/status", engine.ErrInvalid},
		{filepath.Join(t.TempDir(), "none"), os.ErrNotExist},
	} {
		f, err := netns.Open(c.path)
		if !errors.Is(err, c.want) {
			t.Errorf("Open(%s): %v, want %v", c.path, err, c.want)
		}
		if err == nil {
			f.Close()
		}
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	ns := fresh(t)
	there := inode(t, fmt.Sprintf("/proc/self/fd/%d", ns.Fd()))
	home := inode(t, "/proc/self/ns/net")
	wrong := errors.New("wrong")
	for range 20 {
		err := netns.Do(ns, func() error {
			if got := inode(t, "/proc/thread-self/ns/net"); got != there {
				t.Errorf("in namespace %d, want %d", got, there)
			}
			return wrong
		})
		if !errors.Is(err, wrong) {
			t.Errorf("Do: %v", err)
		}
		runtime.LockOSThread()
		if got := inode(t, "/proc/thread-self/ns/net"); got != home {
			t.Fatalf("a thread stayed behind in namespace %d", got)
		}
		runtime.UnlockOSThread()
	}
}

// TestLoopbackUp: 127.0.0.1 can be reached after it and not before.
func TestLoopbackUp(t *testing.T) {
	t.Parallel()
	ns := fresh(t)
	connect := func() error {
		return netns.Do(ns, func() error {
			s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(s)
			return unix.Connect(s, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 53})
		})
	}
	if err := connect(); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("connect before: %v", err)
	}
	for range 2 {
		if err := netns.Do(ns, netns.LoopbackUp); err != nil {
			t.Fatal(err)
		}
	}
	if err := connect(); err != nil {
		t.Errorf("connect after: %v", err)
	}
}
