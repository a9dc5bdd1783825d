package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/nftables"

	"gantry/engine/record"
)

// hostNet is a network namespace that stands for the host's, so that a test may
// look for everything in it, and lose all of it in a reboot.
type hostNet struct {
	w    *world
	path string
	hold *exec.Cmd
}

func (w *world) newHostNet() *hostNet {
	w.t.Helper()
	hold := exec.Command("unshare", "-n", "sh", "-c", "echo ready; exec sleep 1000")
	out, err := hold.StdoutPipe()
	if err == nil {
		err = hold.Start()
	}
	if err == nil {
		_, err = out.Read(make([]byte, 16))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	h := &hostNet{w: w, path: fmt.Sprintf("/proc/%d/ns/net", hold.Process.Pid), hold: hold}
	w.t.Cleanup(h.end)
	return h
}

func (h *hostNet) end() {
	_ = h.hold.Process.Kill() // it may have been ended already
	_ = h.hold.Wait()
}

// in has a command run there.
func (h *hostNet) in(cmd *exec.Cmd) *exec.Cmd {
	return h.w.command("nsenter", append([]string{"--net=" + h.path, cmd.Path}, cmd.Args[1:]...)...)
}

func (h *hostNet) do(cmd *exec.Cmd) string {
	h.w.t.Helper()
	r := h.w.finish(h.in(cmd))
	if r.code != 0 {
		h.w.t.Fatalf("%q: exit code %d\n%s%s", cmd.Args, r.code, r.out, r.err)
	}
	return r.out
}

func (h *hostNet) gantry(args ...string) string {
	h.w.t.Helper()
	return h.do(h.w.command(binary, args...))
}

func (h *hostNet) status(name string) string {
	h.w.t.Helper()
	return h.gantry("ps", "-a", "--filter", "name="+name, "--format", "{{.State}}")
}

// left are gantry's interfaces and tables there.
func (h *hostNet) left() (left []string) {
	h.w.t.Helper()
	for _, line := range strings.Split(h.do(h.w.command("cat", "/proc/net/dev")), "\n") {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if strings.HasPrefix(name, "gt-") || strings.HasPrefix(name, "gv") {
			left = append(left, "interface "+name)
		}
	}
	ns, err := os.Open(h.path)
	if err != nil {
		h.w.t.Fatal(err)
	}
	defer ns.Close()
	conn, err := nftables.New(nftables.WithNetNSFd(int(ns.Fd())))
	if err != nil {
		h.w.t.Fatal(err)
	}
	tables, err := conn.ListTables()
	if err != nil {
		h.w.t.Fatal(err)
	}
	for _, t := range tables {
		left = append(left, "table "+t.Name)
	}
	return left
}

// assertNothing checks that neither network nor control groups are left.
func (h *hostNet) assertNothing(ids ...string) {
	h.w.t.Helper()
	var left []string
	h.w.eventually("the end of networks and control groups", func() bool {
		left = append(h.left(), groups(ids...)...)
		return len(left) == 0
	})
	claims, _ := filepath.Glob(filepath.Join(h.w.run, "networks", "*", "*"))
	for _, c := range claims {
		if !strings.HasPrefix(filepath.Base(c), "last-") {
			h.w.t.Error("left behind:", c)
		}
	}
}

// killFinish ends a container's program and kills who does what that leaves to be
// done: the lock lets it come no further than to wait.
func (h *hostNet) killFinish(id string) {
	h.w.t.Helper()
	locks, err := record.OpenLocks(filepath.Join(h.w.run, "locks"))
	if err != nil {
		h.w.t.Fatal(err)
	}
	pid := 0
	fmt.Sscan(h.gantry("inspect", "-f", "{{.State.Pid}}", id), &pid)
	lock, err := locks.Lock(context.Background(), record.LockContainer, id)
	if err != nil {
		h.w.t.Fatal(err)
	}
	defer lock.Unlock()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		h.w.t.Fatal(err)
	}
	finish := 0
	h.w.eventually("somebody who finishes", func() bool {
		for _, p := range h.w.processes() {
			if strings.HasPrefix(p.cmdline, "gantry-finish ") && strings.Contains(p.cmdline, id) {
				finish = p.pid
			}
		}
		return finish > 0
	})
	h.w.kill(finish)
}

// TestKilledFinish: who takes networks and --rm containers away is killed, and
// who starts a container again. The next command makes up for it.
func TestKilledFinish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.newHostNet()
	h.gantry("network", "create", "net")
	run := func(name string, args ...string) string {
		args = append([]string{"run", "-d", "--name", name, "--network", "net", "-v", "/anon", "-v", "data:/srv"}, args...)
		return h.gantry(append(args, "box", "sleep", "1000")...)
	}
	passing, plain := run("passing", "--rm", "-p", "8081:80"), run("plain", "-p", "8082:80")
	again := run("again", "--restart", "always", "-p", "8083:80")
	for _, id := range []string{passing, plain, again} {
		h.killFinish(id)
	}
	for name, want := range map[string]string{"passing": "", "plain": "exited", "again": "running"} {
		w.eventually(name+" is "+want, func() bool { return h.status(name) == want })
	}
	// Its address and port are free for others.
	run("other", "-p", "8081:80", "-p", "8082:80")
	h.gantry("rm", "-fv", "plain", "again", "other")
	h.gantry("network", "rm", "net")
	if got := h.gantry("volume", "ls", "-q"); got != "data" {
		t.Errorf("volumes left: %s", got)
	}
	h.assertNothing(passing, plain, again)
}

// TestRebootOfNetworks: a supervisor and a monitor are killed, then the machine
// goes down with bridges, published ports and volumes in use. Everything can
// be used again, and leaves nothing.
func TestRebootOfNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.newHostNet()
	h.gantry("network", "create", "net")
	var ids []string
	for name, more := range map[string][]string{
		"plain": {"-p", "8081:80"}, "passing": {"--rm", "-p", "8082:80"}, "kept": {"--restart", "always", "-p", "8083:80"},
	} {
		args := append([]string{"run", "-d", "--name", name, "--network", "net", "-v", "/anon", "-v", "data:/srv"}, more...)
		ids = append(ids, h.gantry(append(args, "box", "sleep", "1000")...))
	}
	h.killSupervisor("kept")

	if got := h.left(); len(got) < 5 { // a bridge, three pairs and the table
		t.Errorf("before the reboot there are %v, so this test sees nothing", got)
	}
	second := w.reboot(2, ids...)
	h.end()
	h = w.newHostNet()
	if got := h.do(second.command("ps", "-aq")); strings.Count(got, "\n") != 1 {
		t.Errorf("after the boot there are %q, want two containers", got)
	}
	if got := h.do(second.command("ps", "-q")); got != "" {
		t.Errorf("after the boot these run: %s", got)
	}
	h.assertNothing(ids...)
	h.do(second.command("start", "plain", "kept"))
	if got := h.do(second.command("ps", "--filter", "name=plain", "--format", "{{.Ports}}")); !strings.Contains(got, "8081->80") {
		t.Errorf("started after the boot it publishes %q", got)
	}
	h.do(second.command("rm", "-fv", "plain", "kept"))
	h.do(second.command("network", "rm", "net"))
	if got := h.do(second.command("volume", "ls", "-q")); got != "data" {
		t.Errorf("volumes left: %s", got)
	}
	h.assertNothing(ids...)
}

// killSupervisor kills a supervisor and then a monitor: the next supervisor
// sees to that.
func (h *hostNet) killSupervisor(name string) {
	h.w.t.Helper()
	id := h.gantry("inspect", "-f", "{{.Id}}", name)
	first := h.in(h.w.command(binary, "autostart", "run"))
	if err := first.Start(); err != nil {
		h.w.t.Fatal(err)
	}
	h.w.eventually("a supervisor", func() bool { return h.w.try("autostart", "status").code == 0 })
	if err := first.Process.Kill(); err != nil {
		h.w.t.Fatal(err)
	}
	_ = first.Wait() // it was killed
	old := h.w.monitor(id)
	h.w.kill(old)
	stop := h.w.supervise(h.in(h.w.command(binary, "autostart", "run")))
	h.w.eventually("another monitor", func() bool { now := h.w.monitorNow(id); return now > 0 && now != old })
	if got := h.gantry("port", name); !strings.Contains(got, "8083") {
		h.w.t.Errorf("under another monitor it publishes %q", got)
	}
	stop()
}
