package shim_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/shim"
)

func interactive(once bool) change {
	return func(c *shim.Config, _ *specs.Spec) { c.OpenStdin, c.StdinOnce = true, once }
}

func terminal(c *shim.Config, _ *specs.Spec) { c.Tty, c.OpenStdin, c.StdinOnce = true, true, true }

func TestInput(t *testing.T) {
	t.Parallel()
	b := newBox(t, []string{"/bin/cat"}, interactive(true))
	c := b.spawn()
	p := b.attach(c, everything)
	p.send("before the start\n")
	must(t, c.Start(b.ctx()))
	big := strings.Repeat("0123456789abcde\n", 100_000)
	go func() {
		io.WriteString(p.Session, big)
		p.CloseWrite()
	}()
	if st := p.end(); st.Code != 0 || p.out.String() != "before the start\n"+big {
		t.Errorf("status %+v, %d bytes of %d", st, len(p.out.String()), len(big))
	}
}

// TestInputEndedBeforeStart: what was sent is there, and then the end.
func TestInputEndedBeforeStart(t *testing.T) {
	t.Parallel()
	b := newBox(t, []string{"/bin/cat"}, interactive(true))
	c := b.spawn()
	p := b.attach(c, everything)
	p.send("all of it")
	must(t, p.CloseWrite())
	// Answered after what came before on the other connection was taken.
	eventually(t, "the attacher", func() bool { st, err := c.Status(b.ctx()); return err == nil && st.Attached == 1 })
	must(t, c.Start(b.ctx()))
	if st := p.end(); st.Code != 0 || p.out.String() != "all of it" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

// TestInputStaysOpen: without StdinOnce attachers come and go.
func TestInputStaysOpen(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("while read line; do echo \"got $line\"; test \"$line\" = end && exit 4; done; echo EOF"), interactive(false))
	c := b.start()
	first, second := b.attach(c, everything), b.attach(c, everything)
	first.send("one\n")
	second.expect("got one")
	must(t, first.CloseWrite())
	must(t, first.Close())
	second.send("two\n")
	second.expect("got two")
	second.send("end\n")
	if st := second.end(); st.Code != 4 || strings.Contains(second.out.String(), "EOF") {
		t.Errorf("status %+v, output %q", st, second.out.String())
	}
}

// TestInputOfDeafProgram: a program that does not read neither hangs its
// attacher's end nor the monitor.
func TestInputOfDeafProgram(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"exec <&-; sleep 0.3", "sleep 0.3"} {
		b := newBox(t, sh(script), interactive(true))
		c := b.start()
		p := b.attach(c, everything)
		go func() {
			junk := bytes.Repeat([]byte("x"), 64<<10)
			for {
				if _, err := p.Write(junk); err != nil {
					return
				}
			}
		}()
		p.end()
		p.Close()
		b.monitorDied()
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("stty size; tty; read x; stty size; echo \"$x\"; exit 6"), terminal)
	c := b.spawn()
	p := b.attach(c, everything)
	must(t, p.Resize(b.ctx(), engine.TermSize{Width: 100, Height: 30}))
	must(t, c.Start(b.ctx()))
	p.expect("30 100\r\n/dev/pts/0\r\n")
	must(t, p.Resize(b.ctx(), engine.TermSize{Width: 120, Height: 40}))
	p.send("typed\n")
	if st := p.end(); st.Code != 6 {
		t.Errorf("status %+v", st)
	}
	// "typed" comes twice: the terminal echoes.
	if want := "30 100\r\n/dev/pts/0\r\ntyped\r\n40 120\r\ntyped\r\n"; p.out.String() != want {
		t.Errorf("output %q, want %q", p.out.String(), want)
	}
}

// TestTerminalKeepsItsEnd: the last bytes are on their way in the kernel when
// the program is dead already.
func TestTerminalKeepsItsEnd(t *testing.T) {
	t.Parallel()
	for range 5 {
		b := newBox(t, sh("seq 1 5000; echo last"), terminal)
		c := b.spawn()
		p := b.attach(c, everything)
		must(t, c.Start(b.ctx()))
		p.end()
		if out := p.out.String(); !strings.HasSuffix(out, "5000\r\nlast\r\n") {
			t.Errorf("output ends in %q", out[max(len(out)-30, 0):])
		}
	}
}

// slow is an attacher that does not read until it is told to.
func (b *box) slow(c *shim.Client, opts engine.AttachOptions) (engine.Session, func() *peer) {
	b.t.Helper()
	s, err := c.Attach(b.ctx(), opts)
	must(b.t, err)
	return s, func() *peer { return b.copy(s) }
}

// TestSlowAttacher: the container does not wait for it, others do not either,
// and it gets everything in the end.
func TestSlowAttacher(t *testing.T) {
	t.Parallel()
	const lines = 300_000
	script := fmt.Sprintf("seq 1 %d; printf 'the rest'; echo err >&2; exit 2", lines)
	b := newBox(t, sh(script), func(c *shim.Config, _ *specs.Spec) { c.Log = shim.LogConfig{MaxSize: 4 << 20, MaxFile: 1} })
	c := b.spawn()
	_, read := b.slow(c, everything)
	quick := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	if st := quick.end(); st.Code != 2 {
		t.Errorf("status %+v", st)
	}
	slow := read()
	if st := slow.end(); st.Code != 2 {
		t.Errorf("status %+v", st)
	}
	var want bytes.Buffer
	for i := 1; i <= lines; i++ {
		fmt.Fprintln(&want, i)
	}
	want.WriteString("the rest")
	for name, p := range map[string]*peer{"quick": quick, "slow": slow} {
		if got := p.out.String(); got != want.String() {
			t.Errorf("%s has %d bytes of %d", name, len(got), want.Len())
		}
		if got := p.err.String(); got != "err\n" {
			t.Errorf("%s has stderr %q", name, got)
		}
	}
	b.monitorDied()
}

// TestHopelessAttacher: one that lags behind more segments than it may keep
// misses output and is told.
func TestHopelessAttacher(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("seq 1 200000; echo end"), func(c *shim.Config, _ *specs.Spec) { c.Log = shim.LogConfig{MaxSize: 64 << 10, MaxFile: 2} })
	c := b.spawn()
	_, read := b.slow(c, everything)
	must(t, c.Start(b.ctx()))
	b.wait(c)
	p := read()
	p.end()
	if !strings.Contains(p.err.String(), "some output is missing here") {
		t.Errorf("stderr %q", p.err.String())
	}
	if !strings.HasPrefix(p.out.String(), "1\n2\n") || !strings.HasSuffix(p.out.String(), "200000\nend\n") {
		t.Errorf("output is not what it should be: %.20q…", p.out.String())
	}
}

// TestCatchUp: an attacher that lags and recovers is live again, in the middle
// of a line too.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("seq 1 200000; printf half; read x; echo \" $x\"; read x; echo done"), interactive(true))
	c := b.spawn()
	s, read := b.slow(c, everything)
	must(t, c.Start(b.ctx()))
	eventually(t, "the log", func() bool {
		fi, err := os.Stat(b.file("log/00000001.log"))
		return err == nil && fi.Size() > 9_000_000
	})
	p := read()
	p.expect("200000\nhalf")
	_, err := io.WriteString(s, "whole\n")
	must(t, err)
	p.expect("half whole\n")
	p.send("\n")
	p.end()
	if !strings.HasSuffix(p.out.String(), "199999\n200000\nhalf whole\ndone\n") {
		t.Errorf("output ends in %q", p.out.String()[len(p.out.String())-40:])
	}
}

func TestAttachWithLogs(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("echo one; echo two >&2; printf three; read x; echo; echo four"), interactive(true))
	c := b.spawn()
	live := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	live.expect("three")
	late := b.attach(c, engine.AttachOptions{Stdout: true, Stderr: true, Logs: true})
	late.expect("one\nthree")
	live.send("go\n")
	live.end()
	late.end()
	if late.out.String() != "one\nthree\nfour\n" || late.err.String() != "two\n" {
		t.Errorf("stdout %q, stderr %q", late.out.String(), late.err.String())
	}
	b.monitorDied()
	b.regroup()
	again := b.spawn()
	p := b.attach(again, engine.AttachOptions{Stdout: true, Logs: true, Stdin: true})
	must(t, again.Start(b.ctx()))
	p.send("go\n")
	p.end()
	if got := p.out.String(); got != "one\nthree\nfour\none\nthree\nfour\n" || p.err.String() != "" {
		t.Errorf("stdout %q, stderr %q", got, p.err.String())
	}
}

// TestFullDisk: a log that cannot be written stops neither the container nor
// those who watch it.
func TestFullDisk(t *testing.T) {
	b := newBox(t, sh("seq 1 200000; echo end"))
	dir := b.file("log")
	must(t, os.Mkdir(dir, 0o700))
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	c := b.spawn()
	p := b.attach(c, everything)
	must(t, c.Start(b.ctx()))
	if st := p.end(); st.Code != 0 {
		t.Errorf("status %+v", st)
	}
	// Should it have lagged for a moment, it is told what it missed.
	out := p.out.String()
	whole := strings.HasSuffix(out, "200000\nend\n") && strings.Count(out, "\n") == 200001
	if !whole && !strings.Contains(p.err.String(), "some output is missing here") {
		t.Errorf("%d bytes, stderr %q", len(out), p.err.String())
	}
	b.monitorDied()
	lines := b.log()
	if len(lines) == 0 || lines[0] != "stdout 1" {
		t.Errorf("the log has %d lines", len(lines))
	}
}

// TestDetach: to close a session ends nothing.
func TestDetach(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("read x; echo \"$x\"; exit 1"), interactive(false))
	c := b.start()
	b.attach(c, everything).Close()
	eventually(t, "the detach", func() bool { return strings.Contains(strings.Join(b.actions(), " "), "detach") })
	p := b.attach(c, everything)
	p.send("still here\n")
	if st := p.end(); st.Code != 1 || p.out.String() != "still here\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}
