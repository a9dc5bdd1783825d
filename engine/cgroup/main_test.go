package cgroup_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
)

// The test binary is its own container program: with this variable set it
// waits for a line on its input, by when it has been placed, and then acts.
const roleVariable = "GANTRY_CGROUP_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		act(role)
		return
	}
	os.Exit(m.Run())
}

func act(role string) {
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		os.Exit(1)
	}
	verb, arg, _ := strings.Cut(role, " ")
	switch verb {
	case "eat": // megabytes of memory
		n, _ := strconv.Atoi(arg)
		hold := make([]byte, n<<20)
		for i := 0; i < len(hold); i += 4096 {
			hold[i] = 1
		}
		fmt.Println("ate")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "tick": // write for ever
		for {
			if _, err := os.Stdout.WriteString("x"); err != nil {
				return
			}
		}
	case "open": // flags and path
		flags, path, _ := strings.Cut(arg, " ")
		n, _ := strconv.Atoi(flags)
		fd, err := unix.Open(path, n|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		fmt.Println(err)
	case "nest": // be an engine in a container
		fmt.Println(nest())
	case "burn": // processor time, in milliseconds
		n, _ := strconv.Atoi(arg)
		for used := (unix.Timespec{}); used.Nano() < int64(n)*1e6; {
			_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used)
		}
		fmt.Println("burnt")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// child is a process that has been started and not yet told to go.
type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out *os.File
}

func start(t *testing.T, name string, args []string, role string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(name, args...)}
	c.Env = append(os.Environ(), roleVariable+"="+role)
	var err error
	if c.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out, c.Stdout, c.Stderr = r, w, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		r.Close()
	})
	return c
}

// startIn starts a role of the test binary inside a group.
func startIn(t *testing.T, g *leaf.Group, role string) *child {
	t.Helper()
	c := start(t, "/proc/self/exe", nil, role)
	if err := g.Join(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	c.release(t)
	return c
}

func (c *child) release(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(c.in, "go\n"); err != nil {
		t.Fatal(err)
	}
}

// line reads what the role prints.
func (c *child) line(t *testing.T) string {
	t.Helper()
	if err := c.out.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := bufio.NewReader(c.out).ReadString('\n')
	if err != nil {
		t.Fatalf("read from role: %v", err)
	}
	return strings.TrimSpace(text)
}

// onEveryMode runs a privileged test on this host and on what it can pretend
// to be.
func onEveryMode(t *testing.T, test func(t *testing.T, h *cgroup.Host)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("control groups are root's")
	}
	host, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{cgroup.V2, cgroup.Hybrid, cgroup.V1} {
		if h := host.As(mode); h != nil {
			t.Run(mode, func(t *testing.T) { test(t, h) })
		}
	}
}

// create makes a group that the end of the test removes.
func create(t *testing.T, h *cgroup.Host, res *specs.LinuxResources) *leaf.Group {
	t.Helper()
	id := fmt.Sprintf("test%d-%d", os.Getpid(), time.Now().UnixNano())
	g, err := h.Create(id, res)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(g.Kill(), g.Delete()); err != nil {
			t.Error(err)
		}
		for _, dir := range g.Dirs {
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left behind (%v)", dir, err)
			}
		}
	})
	return g
}

// value reads a control file of whichever directory has it.
func value(t *testing.T, g *leaf.Group, file string) string {
	t.Helper()
	for _, dir := range g.Dirs {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	t.Fatalf("group %s has no %s", g.Path, file)
	return ""
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

func ptr[T any](v T) *T { return &v }
