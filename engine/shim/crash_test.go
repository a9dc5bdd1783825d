package shim_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// exitInfo tells whether the kernel keeps the exit code of strangers
// (PIDFD_INFO_EXIT, 6.15).
func exitInfo() bool {
	var u unix.Utsname
	unix.Uname(&u)
	var major, minor int
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	return major > 6 || major == 6 && minor >= 15
}

// TestAdopt: a container goes on without its monitor, and with the next one
// nothing of its output is missing.
func TestAdopt(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("i=0; while read line; do i=$((i+1)); echo $i $line; test $line = end && exit 9; done; exit 1"), interactive(false))
	c := b.start()
	p := b.attach(c, everything)
	p.send("one\n")
	p.expect("1 one\n")
	b.killMonitor()
	if err := <-p.done; !errors.Is(err, shim.ErrGone) {
		t.Errorf("the session ended with %v, want ErrGone", err)
	}
	if _, err := c.Status(b.ctx()); !errors.Is(err, shim.ErrGone) {
		t.Errorf("Status: %v, want ErrGone", err)
	}
	// While nobody is there: input by its FIFO, output into one.
	in, err := os.OpenFile(b.runFile("stdin"), os.O_WRONLY, 0)
	must(t, err)
	_, err = in.WriteString("two\n")
	must(t, err)
	in.Close()

	c = b.adopt()
	st, err := c.Status(b.ctx())
	if err != nil || st.State != engine.Running || st.Pid != b.started().Pid || st.Attempt != 1 {
		t.Errorf("status %+v, %v", st, err)
	}
	eventually(t, "the line from between", func() bool { return strings.Contains(strings.Join(b.log(), "|"), "2 two") })
	x := b.exec(c, engine.ExecOptions{Cmd: []string{"echo", "exec works"}})
	if st := x.end(); st.Code != 0 || x.out.String() != "exec works\n" {
		t.Errorf("exec: %+v, %q", st, x.out.String())
	}
	p = b.attach(c, everything)
	p.send("end\n")
	// Older kernels tell the code as well, where the zombie is met in time.
	if st := p.end(); st.Code != 9 && (exitInfo() || st.Code != shim.UnknownExit) || p.out.String() != "3 end\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
	if diff := cmp.Diff([]string{"stdout 1 one", "stdout 2 two", "stdout 3 end"}, b.log()); diff != "" {
		t.Error(diff)
	}
	b.monitorDied()
}

// TestAdoptedFlood: a container that is blocked on a full FIFO goes on.
func TestAdoptedFlood(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("read x; seq 1 100000; echo end"), interactive(false))
	b.start()
	b.killMonitor()
	in, err := os.OpenFile(b.runFile("stdin"), os.O_WRONLY, 0)
	must(t, err)
	_, err = in.WriteString("go\n")
	must(t, err)
	in.Close()
	c := b.adopt()
	b.wait(c)
	if lines := b.log(); len(lines) != 100001 || lines[100000] != "stdout end" {
		t.Errorf("the log has %d lines", len(lines))
	}
}

// TestAdoptPaused: the freezer outlives the monitor.
func TestAdoptPaused(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("while :; do sleep 0.01; done"))
	c := b.start()
	must(t, c.Pause(b.ctx()))
	b.killMonitor()
	c = b.adopt()
	if st, err := c.Status(b.ctx()); err != nil || st.State != engine.Paused {
		t.Errorf("status %+v, %v", st, err)
	}
	must(t, c.Unpause(b.ctx()))
	must(t, c.Signal(b.ctx(), 9))
	if st := b.wait(c); st.Code != 137 && exitInfo() {
		t.Errorf("status %+v", st)
	}
}

func TestAdoptWithTerminal(t *testing.T) {
	t.Parallel()
	// It ignores the hang-up that its terminal's loss brings.
	b := newBox(t, sh("trap '' HUP; while :; do sleep 0.05; done"), terminal)
	b.start()
	b.killMonitor()
	c := b.adopt()
	p := b.attach(c, everything)
	must(t, p.Signal(b.ctx(), "KILL"))
	if st := p.end(); st.Code != 137 && exitInfo() {
		t.Errorf("status %+v", st)
	}
}

// TestAdoptTooLate: the container ended while nobody was there.
func TestAdoptTooLate(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("sleep 1000"))
	b.start()
	b.killMonitor()
	s := b.started()
	fd, err := record.PidFD(s.Pid, s.PidStart)
	must(t, err)
	defer fd.Close()
	must(t, record.SignalFD(fd, unix.SIGKILL))
	must(t, record.AwaitExit(fd))
	c := b.adopt()
	c.Close()
	b.monitorDied()
	x, err := b.exit()
	if err != nil || x.Code != shim.UnknownExit || x.Error == "" || x.Attempt != 1 {
		t.Errorf("exit.json %+v, %v", x, err)
	}
	if diff := cmp.Diff([]string{"start", "die 255"}, b.actions()); diff != "" {
		t.Error(diff)
	}
	if _, err := shim.Adopt(b.ctx(), b.path); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("adopting what has ended: %v", err)
	}
}

func TestAdoptAnotherBoot(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("true"))
	must(t, record.Write(b.file("start.json"), shim.StartRecord{Attempt: 4, Pid: os.Getpid(), BootID: "another"}, record.Volatile))
	b.adopt().Close()
	b.monitorDied()
	if x, err := b.exit(); err != nil || x.Attempt != 4 || !strings.Contains(x.Error, "restarted") {
		t.Errorf("exit.json %+v, %v", x, err)
	}
}

// TestKilledAtEachStep: wherever a monitor is killed, the next one brings the
// container to a known end, and the records never contradict each other.
func TestKilledAtEachStep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		step    string
		started bool // start.json was written
		ended   bool // exit.json was written
		adopted int  // exit code after Adopt
	}{
		{step: "locked"}, {step: "listening"}, {step: "created"},
		{step: "recorded", started: true, adopted: shim.UnknownExit},
		{step: "started", started: true, adopted: 6},
		{step: "reaped", started: true, adopted: shim.UnknownExit},
		{step: "drained", started: true, adopted: shim.UnknownExit},
		{step: "exited", started: true, ended: true},
		{step: "answered", started: true, ended: true},
	}
	for _, tt := range tests {
		t.Run(tt.step, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, sh("echo $$; sleep 0.2; exit 6"), func(c *shim.Config, _ *specs.Spec) { c.AutoRemove = tt.step == "answered" })
			must(t, os.WriteFile(b.file("die-at"), []byte(tt.step), 0o600))
			c, err := shim.Spawn(b.ctx(), b.path)
			if err == nil {
				if err = c.Start(b.ctx()); err == nil {
					_, err = c.Wait(b.ctx())
				}
				c.Close()
			}
			if tt.step != "answered" && !errors.Is(err, shim.ErrGone) {
				t.Errorf("got %v, want ErrGone", err)
			}
			b.monitorDied()
			must(t, os.Remove(b.file("die-at")))
			var s shim.StartRecord
			if err := record.Read(b.file("start.json"), &s); (err == nil) != tt.started {
				t.Errorf("start.json: %v", err)
			}
			x, err := b.exit()
			if (err == nil) != tt.ended {
				t.Errorf("exit.json: %v", err)
			}
			if !tt.started {
				b.runs() // as if nothing had been
				return
			}
			if !tt.ended {
				x = b.takenOver(tt.adopted)
			}
			if x.Attempt != 1 {
				t.Errorf("exit.json %+v", x)
			}
			if n := strings.Count(strings.Join(b.actions(), "|"), "die"); n != 1 {
				t.Errorf("%d die events: %q", n, b.actions())
			}
		})
	}
}

// runs starts the container anew.
func (b *box) runs() {
	b.t.Helper()
	b.regroup()
	if st := b.wait(b.start()); st.Code != 6 {
		b.t.Errorf("the next start: %+v", st)
	}
}

// takenOver lets a second monitor see to the end.
func (b *box) takenOver(code int) shim.ExitRecord {
	b.t.Helper()
	b.adopt()
	b.monitorDied()
	x, err := b.exit()
	must(b.t, err)
	if x.Code != code && (exitInfo() || x.Code != shim.UnknownExit) {
		b.t.Errorf("exit.json %+v, want code %d", x, code)
	}
	return x
}

// TestClientGoes: a monitor that nobody needs leaves, and the container is as
// it was.
func TestClientGoes(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("true"))
	c := b.spawn()
	p := b.attach(c, everything)
	c.Close()
	p.Session.Close()
	b.monitorDied()
	if _, err := os.Stat(b.file("start.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Lstat(b.runFile("shim.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the socket is left: ", err)
	}
	if st := b.wait(b.start()); st.Code != 0 {
		t.Errorf("the next start: %+v", st)
	}
}

// TestClientHoldsTheMonitor as long as it is open, and so does an attacher.
func TestClientHoldsTheMonitor(t *testing.T) {
	t.Parallel()
	b := newBox(t, []string{"/bin/echo", "hello"})
	c, err := shim.Spawn(b.ctx(), b.path)
	must(t, err)
	other, err := shim.Dial(b.ctx(), b.cfg.Run, b.cfg.ID)
	must(t, err)
	p := b.attach(other, everything)
	must(t, c.Close())
	<-waited(shim.GraceTime + time.Second)
	must(t, other.Start(b.ctx()))
	if st := p.end(); st.Code != 0 || p.out.String() != "hello\n" {
		t.Errorf("status %+v, output %q", st, p.out.String())
	}
}

func TestDismiss(t *testing.T) {
	t.Parallel()
	b := newBox(t, sh("true"))
	c := b.spawn()
	must(t, c.Dismiss(b.ctx()))
	b.monitorDied()
	if err := c.Start(b.ctx()); !errors.Is(err, shim.ErrGone) {
		t.Errorf("Start: %v, want ErrGone", err)
	}
}
