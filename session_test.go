package main_test

import (
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
	run := func(unit string, options ...string) {
		t.Helper()
		args := append(options, "--unit", unit, "--collect", "-q")
		for _, e := range w.env {
			args = append(args, "--setenv="+e)
		}
		args = append(args, binary, "run", "-d", "--name", unit, "box", "sh", "-c", "echo up; while :; do sleep 0.1; done")
		if out, err := exec.Command("systemd-run", args...).CombinedOutput(); err != nil {
			t.Fatalf("systemd-run: %v\n%s", err, out)
		}
	}
	run("gantry-session", "--scope")
	run("gantry-service", "--wait")
	// Whatever systemd still knows of them ends now.
	for _, unit := range []string{"gantry-session.scope", "gantry-service.service"} {
		_ = exec.Command("systemctl", "stop", unit).Run()
		_ = exec.Command("systemctl", "kill", "-s", "KILL", unit).Run()
	}
	for _, name := range []string{"gantry-session", "gantry-service"} {
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
