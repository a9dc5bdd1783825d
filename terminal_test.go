package main_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a program on a pseudo-terminal.
type terminal struct {
	t   *testing.T
	tty *os.File
	cmd *exec.Cmd

	mu   sync.Mutex
	seen string // what it printed and nobody expected yet
	done chan struct{}
}

func (w *world) onTerminal(size pty.Winsize, args ...string) *terminal {
	w.t.Helper()
	cmd := w.command(binary, args...)
	tty, err := pty.StartWithSize(cmd, &size)
	if err != nil {
		w.t.Fatal(err)
	}
	x := &terminal{t: w.t, tty: tty, cmd: cmd, done: make(chan struct{})}
	go x.read()
	w.t.Cleanup(func() {
		cmd.Process.Kill()
		tty.Close()
		<-x.done
	})
	return x
}

func (x *terminal) read() {
	defer close(x.done)
	b := make([]byte, 4096)
	for {
		n, err := x.tty.Read(b)
		x.mu.Lock()
		x.seen += string(b[:n])
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *terminal) send(keys string) {
	x.t.Helper()
	if _, err := x.tty.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// expect waits for a text and drops all up to its end.
func (x *terminal) expect(text string) {
	x.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		x.mu.Lock()
		_, rest, found := strings.Cut(x.seen, text)
		if found {
			x.seen = rest
		}
		seen := x.seen
		x.mu.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("in vain waited for %q; the terminal shows %q", text, seen)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// ended waits for the end of the program.
func (x *terminal) ended() int {
	x.t.Helper()
	timer := time.AfterFunc(patience, func() { x.cmd.Process.Kill() })
	_ = x.cmd.Wait()
	if !timer.Stop() {
		x.t.Fatalf("%q does not end; the terminal shows %q", x.cmd.Args, x.seen)
	}
	return x.cmd.ProcessState.ExitCode()
}

// TestShellOnATerminal: its size arrives and changes, ctrl-c reaches the
// program and nobody else, and the exit code comes back.
func TestShellOnATerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.onTerminal(pty.Winsize{Rows: 31, Cols: 97}, "run", "-it", "--rm", "box", "sh")
	x.expect("# ")
	x.send("stty size; tty\n")
	x.expect("31 97\r\n")
	x.expect("/dev/pts/0\r\n")
	if err := pty.Setsize(x.tty, &pty.Winsize{Rows: 50, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	x.send("until [ \"$(stty size)\" = '50 120' ]; do :; done; echo re''sized\n")
	x.expect("resized\r\n")
	x.send("trap 'echo inter''rupted' INT; sleep 1000\n")
	x.expect("sleep 1000\r\n")
	w.eventually("sleep", func() bool { return strings.Contains(w.topOf(), "sleep 1000") })
	x.send("\x03")
	x.expect("interrupted")
	x.send("exit 5\n")
	if code := x.ended(); code != 5 {
		t.Errorf("exit code %d", code)
	}
}

// topOf lists the processes of the only container.
func (w *world) topOf() string {
	return w.try("top", strings.TrimSpace(w.try("ps", "-q").out)).out
}

// TestDetachKeys: the container goes on, and attach and exec find it as it was.
func TestDetachKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.onTerminal(pty.Winsize{Rows: 24, Cols: 80}, "run", "-it", "--name", "shell", "box", "sh")
	x.expect("# ")
	x.send("X=kept\n")
	x.expect("# ")
	x.send("\x10\x11")
	if code := x.ended(); code != 0 {
		t.Errorf("exit code %d after detaching", code)
	}
	if got := w.state("shell"); got != "running 0" {
		t.Fatalf("the container is %s", got)
	}
	x = w.onTerminal(pty.Winsize{Rows: 24, Cols: 80}, "attach", "--detach-keys", "ctrl-a,d", "shell")
	x.send("echo $X-$X\n")
	x.expect("kept-kept")
	x.send("\x01d")
	if code := x.ended(); code != 0 {
		t.Errorf("exit code %d after detaching with other keys", code)
	}
	x = w.onTerminal(pty.Winsize{Rows: 20, Cols: 60}, "exec", "-it", "shell", "sh")
	x.expect("# ")
	x.send("stty size\n")
	x.expect("20 60\r\n")
	x.send("exit 4\n")
	if code := x.ended(); code != 4 {
		t.Errorf("exec: exit code %d", code)
	}
	x = w.onTerminal(pty.Winsize{Rows: 24, Cols: 80}, "attach", "shell")
	x.send("exit 3\n")
	if code := x.ended(); code != 3 {
		t.Errorf("attach: exit code %d", code)
	}
}

// TestHangUp: a terminal that goes away does not take the container with it.
func TestHangUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.onTerminal(pty.Winsize{Rows: 24, Cols: 80}, "run", "-it", "--name", "shell", "box", "sh")
	x.expect("# ")
	x.cmd.Process.Kill()
	x.tty.Close()
	_ = x.cmd.Wait()
	if got := w.gantry("exec", "shell", "echo", "alive"); got != "alive" {
		t.Errorf("exec prints %q", got)
	}
	if got := w.state("shell"); got != "running 0" {
		t.Errorf("the container is %s", got)
	}
}

// TestSignalProxy: signals to the front end reach the program, unless told
// otherwise.
func TestSignalProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := "trap 'echo got usr1' USR1; trap 'echo got term; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
	cmd := w.command(binary, "run", "--rm", "--name", "proxied", "box", "sh", "-c", script)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	logs := func(text string) {
		t.Helper()
		w.eventually(text, func() bool { return strings.Contains(w.try("logs", "proxied").out, text) })
	}
	logs("ready")
	cmd.Process.Signal(syscall.SIGUSR1)
	logs("got usr1")
	cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit code %d", code)
	}

	cmd = w.command(binary, "run", "--sig-proxy=false", "--name", "alone", "box", "sh", "-c", script)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.eventually("ready", func() bool { return strings.Contains(w.try("logs", "alone").out, "ready") })
	cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	if got := w.state("alone"); got != "running 0" {
		t.Errorf("without a proxy the container is %s", got)
	}
}
