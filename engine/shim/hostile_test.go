package shim_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/shim"
	"gantry/internal/usock"
)

func waited(d time.Duration) <-chan time.Time { return time.After(d) }

// TestGarbage: a peer that sends nonsense is dropped, and nobody else notices.
func TestGarbage(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("read x; exit 2"), interactive(true))
	c := b.start()
	p := b.attach(c, everything)
	hello := frame(1, `{"v":1}`)
	for name, bytes := range map[string]string{
		"nothing":             "",
		"noise":               strings.Repeat("\xde\xad\xbe\xef", 1000),
		"http":                "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"a huge frame":        "\xff\xff\xff\xff\x01",
		"half a frame":        frame(1, `{"v":1}`)[:7],
		"no JSON":             frame(1, `{"v":`),
		"no request":          hello + frame(5, "stdin"),
		"an unknown request":  hello + frame(2, `{"op":"format disk"}`),
		"attach to nothing":   hello + frame(2, `{"op":"attach"}`),
		"exec of nothing":     hello + frame(2, `{"op":"exec"}`),
		"wait for no exec":    hello + frame(2, `{"op":"wait","exec":"x"}`),
		"noise after attach":  hello + frame(2, `{"op":"attach","attach":{"Stdin":true}}`) + "\x00\x00\x00\x05\x63noise",
		"a signal to no exec": hello + frame(2, `{"op":"signal","exec":"x","signal":9}`),
		"a negative signal":   hello + frame(2, `{"op":"signal","signal":-9}`),
	} {
		conn, err := usock.Dial(b.ctx(), shim.SocketPath(b.cfg.Run, b.cfg.ID))
		must(t, err)
		if _, err := conn.WriteString(bytes); err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
	}
	if st, err := c.Status(b.ctx()); err != nil || st.State != engine.Running {
		t.Errorf("status %+v, %v", st, err)
	}
	p.send("end\n")
	if st := p.end(); st.Code != 2 {
		t.Errorf("status %+v", st)
	}
	b.monitorDied()
}

func frame(kind byte, payload string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	return string(append(b, kind)) + payload
}

// TestSilentPeers do not keep a monitor.
func TestSilentPeers(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("exit 0"))
	c := b.spawn()
	for range 10 {
		conn, err := usock.Dial(b.ctx(), shim.SocketPath(b.cfg.Run, b.cfg.ID))
		must(t, err)
		defer conn.Close()
	}
	must(t, c.Start(b.ctx()))
	b.monitorDied()
}

// TestHygiene: nothing of whoever spawned it lives on in a monitor.
func TestHygiene(t *testing.T) {
	b := newBox(t, sh("sleep 1000"))
	// A pipe that the shell left open, say: somebody waits for its end.
	var pipe [2]int
	must(t, unix.Pipe2(pipe[:], 0))
	defer unix.Close(pipe[0])
	c := b.start()
	unix.Close(pipe[1])
	fds := []unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 2000); err != nil || n == 0 || fds[0].Revents&unix.POLLHUP == 0 {
		t.Error("a pipe of the spawner is open in the monitor")
	}
	st, err := c.Status(b.ctx())
	must(t, err)
	proc := filepath.Join("/proc", strconv.Itoa(st.ShimPid))
	if env, err := os.ReadFile(filepath.Join(proc, "environ")); err != nil || string(env) != "GOGC=50\x00GOMEMLIMIT=16MiB\x00GOMAXPROCS=1\x00" {
		t.Errorf("environment %q, %v", env, err)
	}
	// A program of the container that may trace reaches this file while one is
	// started beside it: it is the host's, and must not be written to.
	var exe unix.Statfs_t
	if err := unix.Statfs(filepath.Join(proc, "exe"), &exe); err != nil || exe.Flags&unix.ST_RDONLY == 0 {
		t.Errorf("the monitor's program is on a writable mount: flags %x, %v", exe.Flags, err)
	}
	if comm, err := os.ReadFile(filepath.Join(proc, "comm")); err != nil || string(comm) != shim.Name+"\n" {
		t.Errorf("the monitor is called %q, %v", comm, err)
	}
	if cwd, err := os.Readlink(filepath.Join(proc, "cwd")); err != nil || cwd != "/" {
		t.Errorf("working directory %q, %v", cwd, err)
	}
	if sid, err := unix.Getsid(st.ShimPid); err != nil || sid != st.ShimPid {
		t.Errorf("session %d of %d, %v", sid, st.ShimPid, err)
	}
	t.Logf("open files: %q", openFiles(t, proc))
	for _, f := range openFiles(t, proc) {
		if strings.HasPrefix(f, "/dev/pts") || strings.Contains(f, "/tty") {
			t.Errorf("%s is open", f)
		}
	}
	score, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(st.Pid), "oom_score_adj"))
	if err != nil || strings.TrimSpace(string(score)) != "0" {
		t.Errorf("the container's oom_score_adj is %q, %v", score, err)
	}
	for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM} {
		must(t, unix.Kill(st.ShimPid, sig))
	}
	if _, err := c.Status(b.ctx()); err != nil {
		t.Error("a signal ended the monitor: ", err)
	}
	// Descriptors do not pile up with use.
	before := len(openFiles(t, proc))
	for range 5 {
		b.exec(c, engine.ExecOptions{Cmd: []string{"true"}}).end()
		b.attach(c, everything).Close()
	}
	eventually(t, "as many open files as before", func() bool { return len(openFiles(t, proc)) <= before })
}

func openFiles(t *testing.T, proc string) []string {
	t.Helper()
	ents, err := os.ReadDir(filepath.Join(proc, "fd"))
	must(t, err)
	var got []string
	for _, e := range ents {
		if l, err := os.Readlink(filepath.Join(proc, "fd", e.Name())); err == nil {
			got = append(got, l)
		}
	}
	sort.Strings(got)
	return got
}

// TestStartWithAnyDescriptors: whatever numbers the descriptors of a monitor
// have, arranging them in the forked child leaves the program that it is to
// execute alone.
func TestStartWithAnyDescriptors(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	for above := range 40 {
		fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, above)
		must(t, err)
		dir := t.TempDir()
		pid, err := shim.Start([]string{"gantry-finish", dir}, &syscall.ProcAttr{
			Files: []uintptr{uintptr(fd), uintptr(fd), uintptr(fd), null.Fd()}, Sys: &syscall.SysProcAttr{},
		})
		unix.Close(fd)
		if err != nil {
			t.Errorf("with descriptor %d: %v", fd, err)
			continue
		}
		_, err = syscall.Wait4(pid, nil, 0, nil)
		must(t, err)
		if _, err := os.Stat(filepath.Join(dir, "finish")); err != nil {
			t.Errorf("with descriptor %d: %v", fd, err)
		}
	}
}
