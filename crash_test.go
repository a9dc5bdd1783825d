package main_test

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// TestKilledFrontEnds: kill -9 at random moments, one after the other. The
// next process sees a consistent state and can go on.
func TestKilledFrontEnds(t *testing.T) {
	w := newWorld(t)
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	commands := [][]string{
		{"run", "-d", "--name", "victim", "box", "sleep", "1000"},
		{"create", "--name", "victim", "box", "sleep", "1000"},
		{"start", "victim"},
		{"stop", "-t", "0", "victim"},
		{"restart", "-t", "0", "victim"},
		{"rm", "-f", "victim"},
		{"rename", "victim", "other"},
		{"run", "--rm", "box", "true"},
		{"tag", "box", "box:2"},
		{"rmi", "box:2"},
		{"container", "prune", "-f"},
	}
	for range rounds {
		args := commands[rand.IntN(len(commands))]
		cmd := w.command(binary, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(rand.N(60*time.Millisecond), func() { cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		w.assertConsistent(strings.Join(args, " "))
	}
}

// assertConsistent checks after a kill that all is readable and works.
func (w *world) assertConsistent(after string) {
	w.t.Helper()
	for _, args := range [][]string{{"ps", "-a"}, {"images"}} {
		if r := w.try(args...); r.code != 0 || r.err != "" || strings.Contains(strings.ToLower(r.out), "dead") {
			w.t.Errorf("after a kill in %q, %s: exit code %d\n%s%s", after, args[0], r.code, r.out, r.err)
		}
	}
}

// steps are the system calls that change what others see; a kill before each
// of them is a kill at each step.
var steps = strings.Fields("fsync renameat renameat2 linkat unlinkat mkdirat flock mount move_mount fsmount clone execve pidfd_send_signal sendto write")

// TestKilledAtEachStep kills pull, run (that is create, start, exit and the
// removal after it) and rm before every system call that matters, front end
// and monitor alike.
func TestKilledAtEachStep(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("needs strace")
	}
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	w := newWorld(t)
	remote := strings.TrimPrefix(srv.URL, "http://") + "/team/box:1"
	w.gantry("tag", "box", remote)
	w.gantry("push", remote)
	w.gantry("rmi", remote, "box")
	w.gantry("image", "prune", "-af")
	tests := []struct {
		name    string
		prepare func()
		args    []string
	}{
		{"pull", func() { w.try("rmi", "-f", remote) }, []string{"pull", "-q", remote}},
		{"run", func() {}, []string{"run", "--rm", remote, "true"}},
		{"create", func() { w.try("rm", "-f", "victim") }, []string{"create", "--name", "victim", remote, "true"}},
		{"start", func() { w.try("create", "--name", "victim", remote, "true") }, []string{"start", "-a", "victim"}},
		{"rm", func() { w.try("create", "--name", "victim", remote, "true") }, []string{"rm", "-f", "victim"}},
	}
	var cut []string
	most := 12
	if testing.Short() {
		most = 2
	}
	for _, tt := range tests {
		killed := 0
		for _, step := range steps {
			for n := 1; n <= most; n++ {
				tt.prepare()
				hit, out := w.killedAt(step, n, tt.args)
				if !hit {
					break
				}
				killed++
				cut = append(cut, w.folders()...)
				w.assertConsistent(fmt.Sprintf("%s at %s %d", tt.name, step, n))
				// What was cut short works when it is tried again, whatever had
				// come of it.
				w.recovers(tt.name, step, n, remote, out)
				if t.Failed() {
					return
				}
			}
		}
		t.Logf("%s: killed %d times", tt.name, killed)
		if killed == 0 {
			t.Errorf("%s was never killed", tt.name)
		}
	}
	w.gantry("container", "prune", "-f") // what never became a container, too
	w.eventually("the end of their control groups", func() bool { return len(groups(cut...)) == 0 })
}

// folders are the IDs of containers, of those as well that a kill left half made.
func (w *world) folders() (ids []string) {
	entries, _ := os.ReadDir(filepath.Join(w.root, "containers"))
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids
}

// killedAt runs the program and kills whichever of its processes makes a system
// call for the nth time. hit is false when none came so far.
func (w *world) killedAt(step string, n int, args []string) (hit bool, out string) {
	w.t.Helper()
	trace := filepath.Join(w.t.TempDir(), "trace")
	// Not with --seccomp-bpf, which lets strace lose count.
	strace := append([]string{
		"-f", "-q", "-o", trace, "-e", "trace=" + step, "-e", "signal=KILL",
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", step, n), binary,
	}, args...)
	r := w.finish(w.command("strace", strace...))
	b, _ := os.ReadFile(trace)
	return strings.Contains(string(b), "+++ killed by SIGKILL"), r.err
}

func (w *world) recovers(name, step string, n int, image, before string) {
	w.t.Helper()
	at := fmt.Sprintf("after a kill in %s at %s %d (%s)", name, step, n, before)
	if r := w.try("run", "--rm", image, "echo", "works"); r.code != 0 || r.out != "works" {
		w.t.Errorf("%s, run: exit code %d, %q\n%s", at, r.code, r.out, r.err)
	}
	// Its monitor deletes what those that were killed had no time for.
	w.eventually("an empty trash "+at, func() bool {
		left, err := os.ReadDir(filepath.Join(w.root, "trash"))
		return err != nil || len(left) == 0
	})
	w.try("rm", "-f", "victim")
	if r := w.try("create", "--name", "victim", image, "true"); r.code != 0 {
		w.t.Errorf("%s, create: %s", at, r.err)
	}
	if r := w.try("ps", "-a", "--format", "{{.Names}} {{.State}}"); strings.Contains(r.out, "running") {
		w.t.Errorf("%s a container runs: %s", at, r.out)
	}
	w.removeAll()
}

// monitor returns the process of a container's monitor.
func (w *world) monitor(id string) int {
	w.t.Helper()
	for _, p := range w.processes() {
		if strings.HasPrefix(p.cmdline, "gantry-shim ") && strings.Contains(p.cmdline, id) {
			return p.pid
		}
	}
	w.t.Fatalf("%s has no monitor", id)
	return 0
}

// TestKilledMonitor: the container goes on without its monitor, and the next
// command brings a new one.
func TestKilledMonitor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.gantry("run", "-d", "--name", "orphan", "box", "sh", "-c",
		"trap 'echo bye; exit 5' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done")
	w.eventually("a line", func() bool { return strings.Contains(w.gantry("logs", "orphan"), "line 1") })
	w.kill(w.monitor(id))
	if got := w.state("orphan"); got != "running 0" {
		t.Errorf("without a monitor the container is %s", got)
	}
	if got := w.gantry("exec", "orphan", "echo", "still here"); got != "still here" {
		t.Errorf("exec prints %q", got)
	}
	lines := strings.Count(w.gantry("logs", "orphan"), "\n")
	w.eventually("another line", func() bool { return strings.Count(w.gantry("logs", "orphan"), "\n") > lines+2 })
	w.gantry("stop", "-t", "60", "orphan")
	if got := w.gantry("logs", "--tail", "1", "orphan"); got != "bye" {
		t.Errorf("the last line is %q", got)
	}
	// Older kernels tell the exit code of a stranger only until it is reaped.
	if got := w.state("orphan"); got != "exited 5" && (keepsExitCodes() || got != "exited 255") {
		t.Errorf("it is %s, want exited 5", got)
	}
	w.gantry("start", "orphan")
	if got := w.state("orphan"); got != "running 0" {
		t.Errorf("started again it is %s", got)
	}
}

// kill kills one process and waits until it is gone.
func (w *world) kill(pid int) {
	w.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("the end of a killed process", func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(b), ") Z ")
	})
}

// keepsExitCodes tells whether the kernel keeps the exit code of processes that
// are not one's children (PIDFD_INFO_EXIT, 6.15).
func keepsExitCodes() bool {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	var major, minor int
	fmt.Sscanf(string(b), "%d.%d", &major, &minor)
	return major > 6 || major == 6 && minor >= 15
}

// TestReboot: with another boot ID and nothing of the runtime directory left,
// what ran is shown as ended and can be started again.
func TestReboot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.gantry("run", "-d", "--name", "server", "box", "sh", "-c", "echo up; exec sleep 1000")
	w.gantry("create", "--name", "new", "box", "true")
	w.gantry("run", "--name", "done", "box", "sh", "-c", "exit 0")
	w.eventually("up", func() bool { return w.gantry("logs", "server") == "up" })
	pid := w.gantry("inspect", "-f", "{{.State.Pid}}", "server")
	w.kill(w.monitor(id))
	var n int
	fmt.Sscan(pid, &n)
	w.kill(n)
	for _, g := range groups(id) {
		os.Remove(g)
	}
	entries, _ := os.ReadDir(w.run)
	for _, e := range entries {
		os.RemoveAll(filepath.Join(w.run, e.Name()))
	}

	// Only this world's processes see the other boot.
	boot := filepath.Join(t.TempDir(), "boot_id")
	if err := os.WriteFile(boot, []byte("00000000-0000-4000-8000-000000000002\n"), 0o444); err != nil {
		t.Fatal(err)
	}
	rebooted := func(args ...string) string {
		t.Helper()
		script := `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`
		r := w.finish(w.command("unshare", append([]string{"-m", "sh", "-c", script, boot, binary}, args...)...))
		if r.code != 0 {
			t.Fatalf("gantry %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.err)
		}
		return r.out
	}
	states := rebooted("ps", "-a", "--format", "{{.Names}} {{.State}}")
	for _, want := range []string{"server exited", "new created", "done exited"} {
		if !strings.Contains(states, want) {
			t.Errorf("after the reboot %q is not in\n%s", want, states)
		}
	}
	if got := rebooted("inspect", "-f", "{{.State.ExitCode}} {{.State.Error}}", "server"); !strings.HasPrefix(got, "255 ") || !strings.Contains(got, "restarted") {
		t.Errorf("the end of the server is told as %q", got)
	}
	if got := rebooted("logs", "server"); got != "up" {
		t.Errorf("its log is %q", got)
	}
	rebooted("start", "server")
	if got := rebooted("inspect", "-f", "{{.State.Status}}", "server"); got != "running" {
		t.Errorf("started after the reboot it is %s", got)
	}
	rebooted("rm", "-f", "server", "new", "done")
}

// TestUpgrade: containers of a program that has been replaced go on and obey
// the new one.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := filepath.Join(t.TempDir(), "gantry")
	b, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, b, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.05; done"
	if r := w.finish(w.command(old, "run", "-d", "--name", "old", "box", "sh", "-c", script)); r.code != 0 {
		t.Fatal(r.err)
	}
	if r := w.finish(w.command(old, "run", "-d", "--rm", "--name", "passing", "box", "sh", "-c", script)); r.code != 0 {
		t.Fatal(r.err)
	}
	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	w.eventually("up", func() bool { return w.gantry("logs", "old") == "up" })
	if got := w.gantry("exec", "old", "echo", "hello"); got != "hello" {
		t.Errorf("exec prints %q", got)
	}
	w.gantry("pause", "old")
	w.gantry("unpause", "old")
	w.gantry("stop", "-t", "60", "old", "passing")
	if got := w.state("old"); got != "exited 4" {
		t.Errorf("the container is %s", got)
	}
	w.gantry("start", "old")
	// The old monitor removes its container although its program is gone.
	w.eventually("the removal", func() bool { return w.try("inspect", "passing").code != 0 })
}
