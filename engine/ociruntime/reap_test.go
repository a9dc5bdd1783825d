package ociruntime_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine/ociruntime"
)

// waitFor polls a condition that something else brings about.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(time.Millisecond)}, nil)
	}
}

func TestInit(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	for script, want := range map[string]int{"exit 0": 0, "exit 42": 42, "kill -9 $$": 137, "kill -15 $$": 143} {
		o := ociruntime.CreateOptions{Spec: testSpec("/bin/sh", "-c", script), Root: detach(t, dir)}
		withInit(&o)
		if got := run(t, o); got.code != want {
			t.Errorf("%s: %+v, want %d", script, got, want)
		}
	}
}

func TestInitIsHarmless(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	exe, err := os.Executable()
	check(t, err)
	before, err := os.Stat(exe)
	check(t, err)
	c := sleeper(t, dir, withInit)
	// The most powerful user inside, with the capabilities of the reaper and
	// those to look into it.
	// Truncation asks for the mount first, plain writing for the running file.
	spec := testSpec("/bin/sh", "-c", `cat /proc/1/comm; (echo x > /proc/1/exe) 2>&1 | grep -o "Read-only file system"
		(dd if=/dev/zero of=/proc/1/exe bs=1 count=1 conv=notrunc) 2>&1 | grep -o "Text file busy"; cat /proc/1/status`)
	caps := append(spec.Process.Capabilities.Bounding, "CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH")
	spec.Process.Capabilities.Bounding, spec.Process.Capabilities.Effective, spec.Process.Capabilities.Permitted = caps, caps, caps
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: spec.Process})
	check(t, err)
	if !strings.HasPrefix(r.out, "gantry-init\nRead-only file system\nText file busy\n") {
		t.Error(r.out)
	}
	if got := status(t, r.out, "CapEff"); got != testCapMask {
		t.Errorf("the reaper has capabilities %s", got)
	}
	after, err := os.Stat(exe)
	check(t, err)
	if !after.ModTime().Equal(before.ModTime()) || after.Size() != before.Size() {
		t.Error("the executable has changed")
	}
}

func TestInitReapsOrphans(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	c := sleeper(t, dir, withInit)
	r, err := execIn(t, c, ociruntime.ExecOptions{Process: testSpec("/bin/sh", "-c", "(sleep 0.01 & sleep 0.02 &); exit 0").Process})
	check(t, err)
	if r.code != 0 {
		t.Errorf("%+v", r)
	}
	waitFor(t, "orphans to be reaped", func() bool {
		r, err := execIn(t, c, ociruntime.ExecOptions{Process: testSpec("/bin/ps", "-o", "stat,args").Process})
		check(t, err)
		return !strings.Contains(r.out, "Z") && !strings.Contains(r.out, "sleep 0")
	})
}

// Without a reaper pid 1 ignores what it does not handle; with one the program
// is not pid 1 and dies of it.
func TestInitForwardsSignals(t *testing.T) {
	t.Parallel()
	dir := image(t, nil)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGUSR1, unix.SIGHUP, unix.SIGQUIT, unix.SIGINT} {
		o := ociruntime.CreateOptions{Spec: testSpec("/bin/sleep", "100"), Root: detach(t, dir), User: "alice"}
		withInit(&o)
		p, err := ociruntime.Create(o)
		check(t, err)
		// Start returns once the reaper has executed the program.
		check(t, p.Start())
		check(t, unix.PidfdSendSignal(int(p.PidFD.Fd()), sig, nil, 0))
		if r := wait(t, p); r.code != 128+int(sig) {
			t.Errorf("%v: %+v", sig, r)
		}
		p.PidFD.Close()
	}
}
