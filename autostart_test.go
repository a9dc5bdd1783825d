package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// boot is a boot of the machine, as this world's processes see it.
type boot struct {
	w    *world
	file string
}

// reboot ends everything of the world as a loss of power would, empties the
// runtime directory, and shows another boot ID from then on.
func (w *world) reboot(number int, ids ...string) boot {
	w.t.Helper()
	for _, p := range w.processes() {
		if strings.HasPrefix(p.cmdline, "gantry-") {
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may just have ended by itself
		}
	}
	w.eventually("the end of all", func() bool {
		return !slices.ContainsFunc(w.processes(), func(p process) bool { return strings.HasPrefix(p.cmdline, "gantry-") })
	})
	for _, id := range ids {
		for _, g := range groups(id) {
			b, _ := os.ReadFile(filepath.Join(g, "cgroup.procs"))
			for _, pid := range strings.Fields(string(b)) {
				var n int
				fmt.Sscan(pid, &n)
				_ = syscall.Kill(n, syscall.SIGKILL) // another of its groups may have named it already
			}
		}
	}
	for _, id := range ids {
		w.eventually("the end of its groups", func() bool {
			for _, g := range groups(id) {
				os.Remove(g)
			}
			return len(groups(id)) == 0
		})
	}
	entries, _ := os.ReadDir(w.run)
	for _, e := range entries {
		os.RemoveAll(filepath.Join(w.run, e.Name()))
	}
	file := filepath.Join(w.t.TempDir(), "boot_id")
	if err := os.WriteFile(file, fmt.Appendf(nil, "00000000-0000-4000-8000-%012d\n", number), 0o444); err != nil {
		w.t.Fatal(err)
	}
	return boot{w, file}
}

// command is of a process that sees the boot.
func (b boot) command(args ...string) *exec.Cmd {
	script := `mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"`
	return b.w.command("unshare", append([]string{"-m", "sh", "-c", script, b.file, binary}, args...)...)
}

func (b boot) gantry(args ...string) string {
	b.w.t.Helper()
	r := b.w.finish(b.command(args...))
	if r.code != 0 {
		b.w.t.Fatalf("gantry %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// supervise runs autostart until the test stops it.
func (w *world) supervise(cmd *exec.Cmd) (stop func()) {
	w.t.Helper()
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("a supervisor", func() bool { return w.try("autostart", "status").code == 0 })
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("autostart run, asked to end: %v", err)
		}
		w.t.Logf("autostart said:\n%s", out.String())
	}
	w.t.Cleanup(stop)
	return stop
}

// TestAutostart: after a boot comes back what its policy brings back, and
// nothing else; once per boot.
func TestAutostart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const serve, flop = "exec sleep 1000", "exit 3"
	tests := []struct {
		name, policy, script string
		stop                 bool
		back                 bool
	}{
		{"always", "always", serve, false, true},
		{"always-stopped", "always", serve, true, true},
		{"unless", "unless-stopped", serve, false, true},
		{"unless-stopped", "unless-stopped", serve, true, false},
		{"failing", "on-failure", serve, false, true},
		{"failing-stopped", "on-failure", serve, true, false},
		{"plain", "no", serve, false, false},
		{"looping", "always", "test -e /srv/up && exec sleep 1000; " + flop, false, true},
		{"looping-stopped", "unless-stopped", flop, true, false},
		{"done", "on-failure", "exit 0", false, false},
	}
	dir := t.TempDir()
	var ids []string
	for _, tt := range tests {
		ids = append(ids, w.gantry("run", "-d", "--name", tt.name, "--restart", tt.policy, "-v", dir+":/srv", "box", "sh", "-c", tt.script))
	}
	w.gantry("create", "--name", "never", "--restart", "always", "box", "sleep", "1000")
	for _, tt := range tests {
		if tt.stop {
			w.gantry("stop", "-t", "0", tt.name)
		}
	}
	w.has("done", "exited")
	w.has("looping", "restarting")
	if err := os.WriteFile(filepath.Join(dir, "up"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := w.reboot(2, ids...)
	// Who looks first starts nothing: that is for autostart.
	if got := second.gantry("ps", "-q"); got != "" {
		t.Errorf("after the boot these run: %s", got)
	}
	cmd := second.command("autostart", "run")
	stop := w.supervise(cmd)
	for _, tt := range tests {
		want := "exited"
		if tt.back {
			want = "running"
		}
		w.eventually(tt.name+" is "+want, func() bool { return second.gantry("inspect", "-f", "{{.State.Status}}", tt.name) == want })
	}
	if got := second.gantry("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "never"); got != "created 0" {
		t.Errorf("what never ran is %s", got)
	}
	second.gantry("stop", "-t", "0", "always")
	stop()
	// The supervisor comes and goes within a boot: nothing stops, nothing comes back.
	stop = w.supervise(second.command("autostart", "run"))
	for name, want := range map[string]string{"always": "exited", "unless": "running"} {
		if got := second.gantry("inspect", "-f", "{{.State.Status}}", name); got != want {
			t.Errorf("%s is %s under another supervisor, want %s", name, got, want)
		}
	}
	if r := w.finish(second.command("autostart", "run")); r.code == 0 || !strings.Contains(r.err, "already") {
		t.Errorf("a second supervisor: exit code %d, %s", r.code, r.err)
	}
	stop()
	second.gantry(append([]string{"rm", "-f", "never"}, ids...)...)
}

// TestSupervisor: a monitor that is killed is replaced at once, with no other
// gantry process about, whether its container runs or waits for a start.
func TestSupervisor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	early := w.gantry("run", "-d", "--name", "early", "box", "sleep", "1000")
	w.supervise(w.command(binary, "autostart", "run"))
	late := w.gantry("run", "-d", "--name", "late", "--rm", "box", "sleep", "1000")
	looping := w.gantry("run", "-d", "--name", "looping", "--restart", "always", "box", "false")
	for range 3 {
		for _, id := range []string{early, late} {
			old := w.monitor(id)
			w.kill(old)
			w.eventually("another monitor", func() bool { return w.monitorNow(id) > 0 && w.monitorNow(id) != old })
		}
		old := 0
		w.eventually("somebody who waits", func() bool { old = w.waiter(looping); return old > 0 })
		before := w.starts("looping")
		_ = syscall.Kill(old, syscall.SIGKILL) // it may just have left by itself
		w.eventually("another start", func() bool { return w.starts("looping") > before })
	}
	// A container that ends with its monitor: --rm is kept.
	var pid int
	fmt.Sscan(w.gantry("inspect", "-f", "{{.State.Pid}}", "late"), &pid)
	w.kill(w.monitor(late))
	_ = syscall.Kill(pid, syscall.SIGKILL)
	w.eventually("the removal of late", func() bool {
		_, err := os.Stat(filepath.Join(w.root, "containers", late))
		return os.IsNotExist(err)
	})
	if got := w.state("early"); got != "running 0" {
		t.Errorf("early is %s", got)
	}
}

// monitorNow is a container's monitor, 0 when it has none.
func (w *world) monitorNow(id string) (pid int) {
	b, _ := os.ReadFile(filepath.Join(w.run, "c", id[:12], "shim.pid"))
	fmt.Sscan(string(b), &pid)
	for _, p := range w.processes() {
		if p.pid == pid {
			return pid
		}
	}
	return 0
}
