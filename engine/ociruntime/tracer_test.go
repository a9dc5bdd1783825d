package ociruntime_test

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine/ociruntime"
	"gantry/engine/seccomp"
)

// tracerPath is where the test binary lies in a container as a hostile program
// that takes over whatever comes into its pid namespace.
const tracerPath = "/tracer"

// asTracer makes the container's program the tracer, with the right to trace.
func asTracer(t testing.TB) func(*ociruntime.CreateOptions) {
	exe, err := os.Executable()
	check(t, err)
	return func(o *ociruntime.CreateOptions) {
		o.Spec.Process.Args = []string{tracerPath}
		o.Spec.Process.Capabilities = tracing()
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: tracerPath, Type: "bind", Source: exe, Options: []string{"bind", "ro"}})
		bindLibraries(o, exe)
		o.Seccomp = defaultFilter(t, o.Spec)
	}
}

// tracing are docker's capabilities and SYS_PTRACE.
func tracing() *specs.LinuxCapabilities {
	caps := append(slices.Clone(testCaps), "CAP_SYS_PTRACE")
	return &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}
}

// bindLibraries gives a program that is linked dynamically (by the race
// detector, or cgo) the host's libraries.
func bindLibraries(o *ociruntime.CreateOptions, program string) {
	exe, err := elf.Open(program)
	if err != nil {
		return
	}
	defer exe.Close()
	for _, p := range exe.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		for _, dir := range []string{"/lib", "/lib64", "/usr/lib"} {
			o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: dir, Type: "bind", Source: dir, Options: []string{"rbind", "ro"}})
		}
	}
}

// tracerMain seizes every process that appears beside it, stops it where it is
// and says what it could do: one line each, until it is killed.
func tracerMain() {
	runtime.LockOSThread() // ptrace(2) is of a thread
	fmt.Println("ready")
	for last := 1; ; {
		// Numbers are given in turn, so the next ones are known beforehand.
		for pid := last + 1; pid < last+32; pid++ {
			if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0); errno == 0 {
				fmt.Println(caught(pid))
			} else if !exists(pid) {
				continue
			}
			last = pid
		}
	}
}

func exists(pid int) bool { return unix.Kill(pid, 0) == nil }

// caught describes a seized process and lets it go.
func caught(pid int) string {
	unix.PtraceInterrupt(pid)
	var ws unix.WaitStatus
	if _, err := unix.Wait4(pid, &ws, unix.WALL, nil); err != nil || !ws.Stopped() {
		return fmt.Sprintf("pid %d has gone: %v", pid, err)
	}
	defer unix.PtraceDetach(pid)
	dir := "/proc/" + strconv.Itoa(pid)
	b, err := os.ReadFile(dir + "/status")
	if err != nil {
		return err.Error()
	}
	exe, _ := os.Readlink(dir + "/exe")
	out := fmt.Sprintf("pid %d exe %s", pid, exe)
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 && slices.Contains([]string{"CapPrm:", "CapEff:", "CapBnd:", "CapInh:", "Seccomp:", "Uid:"}, f[0]) {
			out += " " + f[0] + f[1]
		}
	}
	fds, _ := os.ReadDir(dir + "/fd")
	for _, fd := range fds {
		target, _ := os.Readlink(dir + "/fd/" + fd.Name())
		target, _, _ = strings.Cut(target, ":")
		out += " fd" + fd.Name() + "=" + target
	}
	return out
}

// An exec'd program is in the container's pid namespace only as what it will
// be: a container that may trace finds nothing there to take over.
func TestExecIsNotWorthTracing(t *testing.T) {
	for _, nnp := range []bool{false, true} {
		t.Run(fmt.Sprintf("no_new_privs %v", nnp), func(t *testing.T) { execUnderTrace(t, nnp) })
	}
}

func execUnderTrace(t *testing.T, nnp bool) {
	pr, pw, err := os.Pipe()
	check(t, err)
	defer pr.Close()
	c := sleeper(t, image(t, nil), asTracer(t), func(o *ociruntime.CreateOptions) {
		o.Spec.Process.NoNewPrivileges = nnp
		o.Stdout = pw
	})
	pw.Close()
	lines := bufio.NewScanner(pr)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the tracer says %q", lines.Text())
	}
	spec := testSpec("/bin/true")
	spec.Process.Capabilities, spec.Process.NoNewPrivileges = tracing(), nnp
	const times = 300
	for range times {
		r, err := execIn(t, c, ociruntime.ExecOptions{Process: spec.Process, Seccomp: defaultFilter(t, spec)})
		if err != nil || r.code != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	check(t, unix.PidfdSendSignal(int(c.PidFD.Fd()), unix.SIGKILL, nil, 0))
	seen, early := 0, 0
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, "has gone") {
			continue
		}
		seen++
		if !strings.Contains(line, "busybox") {
			early++
		}
		judge(t, line)
	}
	t.Logf("of %d programs %d were caught, %d before their execve", times, seen, early)
	if early == 0 {
		t.Error("no program was caught before its execve: this test shows nothing")
	}
}

// tracingMask is tracing as the kernel writes it.
const tracingMask = "00000000a80c25fb"

// judge holds a caught process against what the container may do itself.
func judge(t *testing.T, line string) {
	t.Helper()
	for _, want := range []string{" CapPrm:" + tracingMask, " CapEff:" + tracingMask, " CapBnd:" + tracingMask, " CapInh:0000000000000000", " Seccomp:2"} {
		if !strings.Contains(line, want) {
			t.Errorf("want%s of: %s", want, line)
			return
		}
	}
	for _, f := range strings.Fields(line) {
		fd, ok := strings.CutPrefix(f, "fd")
		if number, target, isFD := strings.Cut(fd, "="); ok && isFD &&
			(number > "3" || len(number) > 1 || number == "3" && target != "socket" && !strings.HasPrefix(target, "/bin") && !strings.HasPrefix(target, "/lib")) {
			t.Errorf("descriptor %s of: %s", number, line)
		}
	}
}

// With a terminal the program leads its own session, which has that terminal.
func TestExecUnderTraceHasATerminal(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, nil))
	spec := testSpec("/bin/sh", "-c", "test $(ps -o pid,sid | grep -c \"^ *$$ *$$\") = 1 && tty && echo own > /dev/tty")
	spec.Process.Capabilities = tracing()
	p, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: spec.Process, Seccomp: defaultFilter(t, spec), Console: true})
	check(t, err)
	check(t, p.Start())
	defer p.PidFD.Close()
	defer p.Console.Close()
	var out bytes.Buffer
	out.ReadFrom(p.Console)
	if r := wait(t, p); r.code != 0 || !strings.Contains(out.String(), "own") || !strings.Contains(out.String(), "/dev/pts/") {
		t.Errorf("%+v, %q", r, out.String())
	}
}

// Nothing is left of programs whose container ends while they are on their way
// into it: its first process could not be reaped before them.
func TestContainerEndsUnderTracedExecs(t *testing.T) {
	dir := image(t, nil)
	for range 20 {
		t.Run("", func(t *testing.T) { endUnderExecs(t, dir) })
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("there are children left: %v", err)
	}
}

func endUnderExecs(t *testing.T, dir string) {
	g := group(t, nil)
	c := sleeper(t, dir, in(g, nil))
	spec := testSpec("/bin/sleep", "1000")
	spec.Process.Capabilities = tracing()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			p, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: spec.Process, Group: g})
			if err != nil || p.Start() != nil {
				return // it came too late
			}
			wait(t, p)
			p.PidFD.Close()
		})
	}
	check(t, g.Kill())
	waitFor(t, "the programs to end", func() bool {
		check(t, g.Kill()) // those that came in meanwhile
		pids, err := g.Pids()
		check(t, err)
		return len(pids) == 0
	})
	wg.Wait()
}

// A program that waits apart is ended as one that waits inside is.
func TestAbortOfTracedExec(t *testing.T) {
	t.Parallel()
	c := sleeper(t, image(t, nil))
	spec := testSpec("true")
	spec.Process.Capabilities = tracing()
	p, err := ociruntime.Exec(ociruntime.ExecOptions{PidFD: c.PidFD, Process: spec.Process})
	check(t, err)
	p.Abort()
	if _, err := unix.Wait4(p.Pid, nil, 0, nil); err != unix.ECHILD {
		t.Errorf("not reaped: %v", err)
	}
}

// What stands in the way of the last step is told as such.
func TestTracedExecErrors(t *testing.T) {
	res := limits(2, 0)
	g := group(t, res)
	c := sleeper(t, image(t, nil), in(g, res))
	spec := testSpec("/bin/true")
	for name, test := range map[string]struct {
		caps   *specs.LinuxCapabilities
		args   string
		change func(*ociruntime.ExecOptions)
		want   string
	}{
		"room for one":       {tracing(), "/bin/true", func(o *ociruntime.ExecOptions) { o.Group = g }, "limit of processes"},
		"filter":             {tracing(), "/bin/true", func(o *ociruntime.ExecOptions) { o.Seccomp = without(t, "clone") }, "seccomp profile must allow clone"},
		"not found":          {tracing(), "/bin/none", func(*ociruntime.ExecOptions) {}, "none"},
		"container may, too": {spec.Process.Capabilities, "/bin/true", func(o *ociruntime.ExecOptions) { o.Capabilities, o.Seccomp = tracing(), without(t, "clone") }, "seccomp profile must allow clone"},
		"nobody may":         {spec.Process.Capabilities, "/bin/true", func(o *ociruntime.ExecOptions) { o.Group, o.Seccomp = g, without(t, "clone") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			spec.Process.Args, spec.Process.Capabilities = []string{test.args}, test.caps
			o := ociruntime.ExecOptions{Process: spec.Process}
			test.change(&o)
			_, err := execIn(t, c, o)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// without is a filter that forbids one call.
func without(t testing.TB, name string) []unix.SockFilter {
	t.Helper()
	prog, err := seccomp.Compile(&specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: []string{name}, Action: specs.ActErrno}},
	})
	check(t, err)
	return prog
}
