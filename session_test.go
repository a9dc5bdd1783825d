package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSystemdSessionEnds: the end of the session or service that started a
// container takes along neither it nor its monitor.
func TestSystemdSessionEnds(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		t.Skip("systemd is not PID 1; testdata/vm/run --systemd has it")
	}
	w := newWorld(t)
	// Units of their own, because systemd-run needs a bus that small machines
	// have not. Both kill all that is left in their group when they end, as the
	// scope of a login session does where the administrator wants that.
	start := "run -d --name %s box sh -c 'echo up; while :; do sleep 0.1; done'"
	w.unit("gantry-job", "Type=oneshot", "ExecStart="+binary+" "+fmt.Sprintf(start, "gantry-job"))
	w.unit("gantry-session", "Type=forking", "ExecStart=/bin/sh -c \""+binary+" "+fmt.Sprintf(start, "gantry-session")+"; sleep 1000 & exit 0\"")
	systemctl(t, "start", "gantry-job", "gantry-session")
	systemctl(t, "stop", "gantry-session")
	for _, name := range []string{"gantry-session", "gantry-job"} {
		if got := w.state(name); got != "running 0" {
			t.Errorf("%s is %s after its session", name, got)
		}
		id := w.gantry("inspect", "-f", "{{.Id}}", name)
		w.monitor(id)
		if got := w.gantry("exec", name, "echo", "here"); got != "here" {
			t.Errorf("exec in %s prints %q", name, got)
		}
		w.gantry("stop", "-t", "0", name)
		if got := w.gantry("logs", name); !strings.HasPrefix(got, "up") {
			t.Errorf("the log of %s is %q", name, got)
		}
	}
}

// unit writes a service for the time of the test.
func (w *world) unit(name string, lines ...string) {
	w.t.Helper()
	path := "/run/systemd/system/" + name + ".service"
	text := "[Service]\n" + strings.Join(lines, "\n") + "\n"
	for _, e := range w.env {
		text += "Environment=\"" + e + "\"\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	systemctl(w.t, "daemon-reload")
	w.t.Cleanup(func() { os.Remove(path) })
}

func systemctl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("systemctl", args...).CombinedOutput(); err != nil {
		t.Fatalf("systemctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestSystemdAutostart: the unit that autostart installs brings containers back
// after a boot and replaces dead monitors; to stop or to remove it stops no
// container.
func TestSystemdAutostart(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		t.Skip("systemd is not PID 1; testdata/vm/run --systemd has it")
	}
	w := newWorld(t)
	id := w.gantry("run", "-d", "--name", "service", "--restart", "unless-stopped", "box", "sleep", "1000")
	said := w.gantry("autostart", "enable")
	t.Cleanup(func() { w.try("autostart", "disable") })
	unit := strings.TrimSuffix(strings.Fields(said)[1], ":")
	if got := w.gantry("autostart", "status"); !strings.Contains(got, "enabled") || !strings.Contains(got, "yes") {
		t.Errorf("status: %s", got)
	}
	w.gantry("autostart", "enable") // again: nothing breaks
	if out, err := exec.Command("systemd-analyze", "verify", "/etc/systemd/system/"+unit).CombinedOutput(); err == nil && len(out) > 0 {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	old := w.monitor(id)
	w.kill(old)
	w.eventually("another monitor", func() bool { return w.monitorNow(id) > 0 && w.monitorNow(id) != old })
	runs := func(when string) {
		t.Helper()
		if got := w.state("service"); got != "running 0" {
			t.Errorf("%s it is %s", when, got)
		}
		if w.monitorNow(id) == 0 {
			t.Errorf("%s it has no monitor", when)
		}
	}
	systemctl(t, "stop", unit)
	runs("without the unit")

	after := w.reboot(2, id)
	const bootID = "/proc/sys/kernel/random/boot_id"
	if out, err := exec.Command("mount", "--bind", after.file, bootID).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", bootID).Run() })
	if got := w.state("service"); got != "exited 255" {
		t.Errorf("after the boot it is %s", got)
	}
	systemctl(t, "start", unit)
	runs("after autostart")
	for _, pid := range []string{fmt.Sprint(w.monitorNow(id)), w.gantry("inspect", "-f", "{{.State.Pid}}", "service")} {
		if b, err := os.ReadFile("/proc/" + pid + "/cgroup"); err != nil || strings.Contains(string(b), unit) {
			t.Errorf("process %s lives in the unit: %s %v", pid, b, err)
		}
	}
	systemctl(t, "restart", unit)
	systemctl(t, "stop", unit)
	runs("after autostart has gone")
	w.gantry("autostart", "disable")
	if _, err := os.Stat("/etc/systemd/system/" + unit); err == nil {
		t.Error("the unit is still there")
	}
	runs("without autostart")
	w.gantry("rm", "-f", "service") // of this boot: before the other one is back
}
