package ociruntime_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
)

// drain reads a terminal to its end, which a master tells by EIO.
func drain(t testing.TB, master *os.File) string {
	t.Helper()
	var buf bytes.Buffer
	_, err := io.Copy(&buf, master)
	if err != nil && !errors.Is(err, unix.EIO) {
		t.Error(err)
	}
	return strings.ReplaceAll(buf.String(), "\r\n", "\n")
}

const terminalScript = `tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo terminal
	stat -c '%t:%T %u %a' $(tty); echo control > /dev/tty; ls -1 /dev/pts | cat; cat /proc/self/stat | (read a b c d e f g rest; test $g != 0 && echo controlled)`

func TestTerminal(t *testing.T) {
	t.Parallel()
	for name, reaper := range map[string]bool{"plain": false, "init": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := ociruntime.CreateOptions{
				Spec: testSpec("/bin/sh", "-c", terminalScript+"; test -c /dev/console && echo hi > /dev/console"), Root: detach(t, image(t, nil)),
				Console: true, Size: engine.TermSize{Width: 123, Height: 45}, User: "alice",
			}
			if reaper {
				withInit(&o)
			}
			p, err := ociruntime.Create(o)
			check(t, err)
			defer p.Console.Close()
			defer p.PidFD.Close()
			check(t, p.Start())
			out := drain(t, p.Console)
			if r := wait(t, p); r.code != 0 {
				t.Errorf("exit code %d", r.code)
			}
			want := "/dev/pts/0\n45 123\nterminal\n88:0 1000 620\ncontrol\n0\nptmx\ncontrolled\nhi\n"
			if out != want {
				t.Errorf("got:\n%s\nwant:\n%s", out, want)
			}
		})
	}
}

func TestTerminalResizeAndKeys(t *testing.T) {
	t.Parallel()
	for name, reaper := range map[string]bool{"plain": false, "init": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := ociruntime.CreateOptions{
				Spec: testSpec("/bin/sh", "-c", "trap 'stty size; exit 9' WINCH; trap 'echo interrupted' INT; echo ready; while :; do sleep 0.02; done"),
				Root: detach(t, image(t, nil)), Console: true,
			}
			if reaper {
				withInit(&o)
			}
			p, err := ociruntime.Create(o)
			check(t, err)
			defer p.Console.Close()
			defer p.PidFD.Close()
			check(t, p.Start())
			expect(t, p.Console, "ready")
			p.Console.Write([]byte{3}) // ctrl+c
			expect(t, p.Console, "interrupted")
			check(t, p.Resize(engine.TermSize{Width: 77, Height: 33}))
			expect(t, p.Console, "33 77")
			if r := wait(t, p); r.code != 9 {
				t.Errorf("exit code %d", r.code)
			}
		})
	}
}

// expect reads until the text has come.
func expect(t testing.TB, r io.Reader, text string) {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 256)
	for !strings.Contains(got.String(), text) {
		n, err := r.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("got %q and %v, want %q", got.String(), err, text)
		}
	}
}

func TestExecTerminal(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, nil))
	p, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: testSpec("/bin/sh", "-c", terminalScript).Process,
		User: "alice", Console: true, Size: engine.TermSize{Width: 20, Height: 10}})
	check(t, err)
	defer p.Console.Close()
	defer p.PidFD.Close()
	check(t, p.Start())
	out := drain(t, p.Console)
	if r := wait(t, p); r.code != 0 {
		t.Errorf("exit code %d", r.code)
	}
	if want := "/dev/pts/0\n10 20\nterminal\n88:0 1000 620\ncontrol\n0\nptmx\ncontrolled\n"; out != want {
		t.Errorf("got:\n%s\nwant:\n%s", out, want)
	}
}

// A container that has put something else at /dev/pts gets no terminal.
func TestExecTerminalIsADevpts(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, map[string]string{"fake/ptmx": "file"}), func(o *ociruntime.CreateOptions) {
		// As a privileged container could do to itself.
		o.Spec.Mounts = append(o.Spec.Mounts[:2], o.Spec.Mounts[3:]...)
		o.Spec.Process.Args = []string{"/bin/sh", "-c", "ln -s /fake /dev/pts; ln -s /dev/null /fake/x; exec sleep 1000"}
	})
	var err error
	for range 2 { // before and after the link is made: either way there is none
		if _, err = ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: testSpec("true").Process, Console: true}); err == nil {
			t.Fatal("got a terminal")
		}
	}
}
