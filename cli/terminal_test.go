package cli_test

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"gantry/cli"
	"gantry/engine"
)

const patience = 20 * time.Second

// console is a terminal with a command line running on it.
type console struct {
	t        *testing.T
	w        *world
	ptm, tty *os.File
	before   *unix.Termios
	code     chan int
	signals  *signals

	mu      sync.Mutex // guards the rest
	screen  bytes.Buffer
	changed chan struct{}
}

// signals stands in for the kernel's.
type signals struct {
	mu   sync.Mutex // guards subs
	subs map[chan<- os.Signal][]os.Signal
}

func (s *signals) notify(c chan<- os.Signal, sigs ...os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs[c] = append(s.subs[c], sigs...)
}

func (s *signals) stop(c chan<- os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subs, c)
}

// send delivers a signal as the runtime does, and tells whether anybody wanted
// it.
func (s *signals) send(sig os.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := false
	for c, sigs := range s.subs {
		for _, want := range sigs {
			if want == sig {
				wanted = true
				select {
				case c <- sig:
				default:
				}
			}
		}
	}
	return wanted
}

// open runs a command line on a terminal of 80x24.
func openConsole(t *testing.T, w *world, args ...string) *console {
	t.Helper()
	ptm, tty, err := pty.Open()
	if err != nil {
		t.Skipf("needs a pseudo-terminal: %v", err)
	}
	c := &console{t: t, w: w, ptm: ptm, tty: tty, code: make(chan int, 1), changed: make(chan struct{}),
		signals: &signals{subs: map[chan<- os.Signal][]os.Signal{}}}
	t.Cleanup(func() { ptm.Close(); tty.Close() })
	c.resize(80, 24)
	c.before = c.termios()
	go c.read()
	std := cli.IO{In: tty, Out: tty, Err: tty, Notify: c.signals.notify, StopNotify: c.signals.stop,
		LookupEnv: func(k string) (string, bool) {
			if v, ok := w.env[k]; ok || k != "TERM" {
				return v, ok
			}
			return "xterm", true
		}}
	go func() { c.code <- cli.Main(t.Context(), args, std, w.program()) }()
	return c
}

func (c *console) read() {
	b := make([]byte, 4096)
	for {
		n, err := c.ptm.Read(b)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.screen.Write(b[:n])
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
	}
}

func (c *console) resize(cols, rows uint16) {
	c.t.Helper()
	if err := pty.Setsize(c.ptm, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) termios() *unix.Termios {
	c.t.Helper()
	t, err := unix.IoctlGetTermios(int(c.tty.Fd()), unix.TCGETS)
	if err != nil {
		c.t.Fatal(err)
	}
	return t
}

// raw waits until the terminal is in raw mode.
func (c *console) raw() {
	c.t.Helper()
	c.until("the terminal is raw", func() bool { return c.termios().Lflag&unix.ICANON == 0 })
}

// until waits for a condition that nothing announces.
func (c *console) until(what string, ok func() bool) {
	c.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain until %s; screen %q", what, c.text())
		}
	}
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

func (c *console) see(text string) {
	c.t.Helper()
	c.until("the screen shows "+text, func() bool { return strings.Contains(c.text(), text) })
}

func (c *console) keys(s string) {
	c.t.Helper()
	if _, err := c.ptm.WriteString(s); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the exit code and checks that the terminal is as it was.
func (c *console) end(want int) {
	c.t.Helper()
	select {
	case code := <-c.code:
		if code != want {
			c.t.Errorf("exit code %d, want %d; screen %q", code, want, c.text())
		}
	case <-time.After(patience):
		c.t.Fatalf("the command did not end; screen %q", c.text())
	}
	if after := c.termios(); *after != *c.before {
		c.t.Errorf("the terminal was not restored: %+v, was %+v", after, c.before)
	}
}

func (w *world) state(name string) string {
	w.t.Helper()
	return strings.TrimSpace(w.ok("inspect", "-f", "{{.State.Status}}", name))
}

// sizes are what a container's terminal was resized to.
func (w *world) sizes(name string) string {
	var sizes []string
	for ev, err := range w.e.Watch(w.t.Context(), engine.WatchOptions{Since: time.Unix(1, 0), Until: time.Now(), Filters: engine.Filters{"container": {name}, "event": {"resize"}}}) {
		if err != nil {
			w.t.Fatal(err)
		}
		sizes = append(sizes, ev.Attributes["width"]+"x"+ev.Attributes["height"])
	}
	return strings.Join(sizes, " ")
}

func TestTerminalRun(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	c := openConsole(t, w, "run", "-it", "--name", "shell", "busybox")
	c.raw()
	c.keys("echo hello\r")
	c.see("hello")
	c.until("it has the size", func() bool { return w.sizes("shell") == "80x24" })
	c.resize(100, 30)
	c.until("SIGWINCH is awaited", func() bool { return c.signals.send(syscall.SIGWINCH) })
	c.until("it has the new size", func() bool { return strings.HasSuffix(w.sizes("shell"), "100x30") })
	c.keys("exit 4\r")
	c.end(4)
}

func TestTerminalDetach(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	c := openConsole(t, w, "run", "-it", "--name", "shell", "busybox")
	c.raw()
	c.keys("\x10\x11")
	c.end(0)
	if s := w.state("shell"); s != "running" {
		t.Errorf("after a detach it is %s", s)
	}
	c = openConsole(t, w, "attach", "--detach-keys", "ctrl-x,d", "shell")
	c.raw()
	c.keys("echo again\r\x10\x11")
	c.see("again")
	c.keys("\x18d")
	c.end(0)
	c = openConsole(t, w, "exec", "-it", "shell", "sh")
	c.raw()
	c.keys("exit 6\r")
	c.end(6)
	if s := w.state("shell"); s != "running" {
		t.Errorf("after an exec it is %s", s)
	}
}

func TestTerminalFailedStart(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	c := openConsole(t, w, "run", "-it", "--rm", "busybox", "nosuchprogram")
	c.end(127)
	if out := w.ok("ps", "-aq"); out != "" {
		t.Errorf("a --rm container that did not start is still there: %q", out)
	}
}

func TestSignalProxy(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	c := openConsole(t, w, "run", "--name", "polite", "busybox", "sh", "-c", "trap 'exit 7' TERM; echo ready; sleep 1000 & wait")
	c.see("ready")
	c.signals.send(syscall.SIGTERM)
	c.end(7)

	// A program that does not listen: the third request is for gantry.
	c = openConsole(t, w, "run", "--name", "deaf", "busybox", "sh", "-c", "echo ready; sleep 1000")
	c.see("ready")
	for range 3 {
		c.signals.send(syscall.SIGINT)
	}
	c.end(130)
	if s := w.state("deaf"); s != "running" {
		t.Errorf("after gantry left it is %s", s)
	}

	// Without the proxy a signal is gantry's own.
	c = openConsole(t, w, "run", "--sig-proxy=false", "--name", "deaf2", "busybox", "sh", "-c", "echo ready; sleep 1000")
	c.see("ready")
	c.signals.send(syscall.SIGTERM)
	c.end(143)
	if s := w.state("deaf2"); s != "running" {
		t.Errorf("after gantry left it is %s", s)
	}

	// A terminal in raw mode is restored then, too.
	c = openConsole(t, w, "run", "-it", "--sig-proxy=false", "--name", "deaf3", "busybox")
	c.raw()
	c.signals.send(syscall.SIGTERM)
	c.end(143)
}

func TestInterruptedVerb(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	w.ok("run", "-d", "--name", "live", "busybox", "sleep", "1000")
	c := openConsole(t, w, "wait", "live")
	c.until("the signal is caught", func() bool { return c.signals.send(syscall.SIGINT) })
	c.end(130)
	if text := c.text(); text != "" {
		t.Errorf("an interrupted verb says %q", text)
	}
}

// TestInterruptedQuestion: a question need not be answered to get out of it.
func TestInterruptedQuestion(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	for _, tt := range []struct {
		sees string
		args []string
	}{
		{"Username: ", []string{"login", "registry.example"}},
		{"Password: ", []string{"login", "-u", "bob", "registry.example"}},
		{"[y/N] ", []string{"container", "prune"}},
		{"[y/N] ", []string{"network", "prune"}},
	} {
		c := openConsole(t, w, tt.args...)
		c.see(tt.sees)
		if tt.sees == "Password: " {
			c.until("nothing is echoed", func() bool { return c.termios().Lflag&unix.ECHO == 0 })
		}
		c.signals.send(syscall.SIGINT)
		c.end(130)
	}
}

func TestStatsInPlace(t *testing.T) {
	t.Parallel()
	w := shellWorld(t)
	w.ok("run", "-d", "--name", "live", "busybox", "sleep", "1000")
	c := openConsole(t, w, "stats")
	c.see("\x1b[2J\x1b[H")
	c.see("live")
	c.see("\x1b[J\x1b[H") // a second screen over the first
	c.signals.send(syscall.SIGINT)
	c.end(130)
}

func TestPullBars(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addSlowRemote(w)
	c := openConsole(t, w, "pull", "alpine")
	c.end(0)
	c.see("Status: Downloaded newer image for alpine:latest")
	for _, want := range []string{"\x1b[2A", "[====", "MB/", "Pull complete"} {
		if !strings.Contains(c.text(), want) {
			t.Errorf("the screen lacks %q: %q", want, c.text())
		}
	}
}
