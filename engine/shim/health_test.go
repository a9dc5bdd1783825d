package shim_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
)

// checked is a container with a quick check.
func checked(t *testing.T, script string, changes ...func(*shim.HealthCheck)) *box {
	check := &shim.HealthCheck{Argv: sh(script), Interval: 20 * time.Millisecond, StartInterval: time.Second, Timeout: 10 * time.Second, Retries: 2}
	for _, c := range changes {
		c(check)
	}
	return resting(t, func(c *shim.Config, _ *specs.Spec) { c.Health = check })
}

// health is what the monitor keeps; nothing before the first result.
func (b *box) health() (h engine.Health) {
	b.t.Helper()
	var known shim.HealthRecord
	err := record.Read(shim.HealthFile(b.cfg.Run, b.cfg.ID), &known)
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Health{Status: engine.HealthStarting}
	}
	must(b.t, err)
	return known.Health
}

func (b *box) awaitHealth(want engine.HealthStatus) engine.Health {
	b.t.Helper()
	var h engine.Health
	eventually(b.t, "health "+string(want), func() bool { h = b.health(); return h.Status == want })
	return h
}

func (b *box) verdicts() (got []string) {
	for _, a := range b.actions() {
		if rest, ok := strings.CutPrefix(a, engine.ActionHealth+": "); ok {
			got = append(got, rest)
		}
	}
	return got
}

// TestHealth: a check runs as an exec does, only a change of the verdict is
// told, and the last results go with the container's end.
func TestHealth(t *testing.T) {
	t.Parallel()
	b := checked(t, `echo "$A in $(pwd)"; echo err >&2; cat /tmp/ok`)
	c := b.start()
	h := b.awaitHealth(engine.HealthUnhealthy)
	if r := h.Log[0]; r.ExitCode != 1 || !strings.Contains(r.Output, "1 in /\n") || !strings.Contains(r.Output, "err\n") || r.End.Before(r.Start) {
		t.Errorf("first result: %+v", r)
	}
	b.exec(c, engine.ExecOptions{Cmd: sh("echo fine > /tmp/ok")}).end()
	b.awaitHealth(engine.HealthHealthy)
	eventually(t, "five results", func() bool {
		h = b.health()
		return len(h.Log) == 5 && !slices.ContainsFunc(h.Log, func(r engine.HealthResult) bool { return r.ExitCode != 0 })
	})
	if got := b.verdicts(); !slices.Equal(got, []string{"unhealthy", "healthy"}) {
		t.Errorf("told of %q", got) // long ago: results have come since
	}
	if n := len(b.happened()); n > 6 { // start, unhealthy, two of the exec, healthy
		t.Errorf("%d events: %q", n, b.actions())
	}
	must(t, c.Signal(b.ctx(), 9))
	b.wait(c)
	x, err := b.exit()
	must(t, err)
	if x.Health == nil || x.Health.Status != engine.HealthUnhealthy || len(x.Health.Log) != 5 {
		t.Errorf("exit record: %+v", x.Health)
	}
	eventually(t, "the monitor to clean up", func() bool {
		_, err := os.Lstat(shim.HealthFile(b.cfg.Run, b.cfg.ID))
		return errors.Is(err, os.ErrNotExist)
	})
}

// TestHealthTimeout: a check that takes too long goes with all that it started,
// and the program beside it goes on.
func TestHealthTimeout(t *testing.T) {
	t.Parallel()
	b := checked(t, "echo begun; sleep 1001 & sh -c 'sleep 1002; true' & sleep 1003", func(c *shim.HealthCheck) { c.Timeout = 100 * time.Millisecond })
	b.start()
	h := b.awaitHealth(engine.HealthUnhealthy)
	if r := h.Log[0]; r.ExitCode != -1 || r.Output != "Health check exceeded timeout (100ms): begun\n" {
		t.Errorf("result %+v", r)
	}
	// Two are over: of the third there may be one set.
	if left := b.sleepers("100"); len(left) > 3 {
		t.Errorf("processes of checks are left: %v", left)
	}
	if got := b.started(); !record.Alive(got.Pid, got.PidStart) {
		t.Error("the program is gone")
	}
}

// sleepers are the container's processes that sleep, as long as told.
func (b *box) sleepers(seconds string) (found []int) {
	b.t.Helper()
	pids, err := b.cfg.Group.Pids()
	must(b.t, err)
	for _, pid := range pids {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.HasPrefix(string(line), "sleep\x00"+seconds) {
			found = append(found, pid)
		}
	}
	return found
}

// TestHealthOfAMissingProgram: a check that cannot begin fails, and says why.
func TestHealthOfAMissingProgram(t *testing.T) {
	t.Parallel()
	b := checked(t, "", func(c *shim.HealthCheck) { c.Argv = []string{"/no/such/check"} })
	b.start()
	h := b.awaitHealth(engine.HealthUnhealthy)
	if r := h.Log[0]; r.ExitCode != -1 || !strings.Contains(r.Output, "/no/such/check") {
		t.Errorf("result %+v", r)
	}
}

// TestHealthWhilePaused: a frozen container is not checked, and a check that was
// frozen with it does not count.
func TestHealthWhilePaused(t *testing.T) {
	t.Parallel()
	b := checked(t, "echo x >> /tmp/checks; true")
	c := b.start()
	b.awaitHealth(engine.HealthHealthy)
	must(t, c.Pause(b.ctx()))
	h := b.health()
	if h.Status != engine.HealthUnhealthy {
		t.Errorf("paused: %s", h.Status)
	}
	<-time.After(100 * time.Millisecond) // five intervals
	if later := b.health(); len(later.Log) != len(h.Log) || len(h.Log) > 0 && !later.Log[len(h.Log)-1].End.Equal(h.Log[len(h.Log)-1].End) {
		t.Error("it was checked while it was paused")
	}
	must(t, c.Unpause(b.ctx()))
	b.awaitHealth(engine.HealthHealthy)
	eventually(t, "two verdicts", func() bool { return slices.Equal(b.verdicts(), []string{"healthy", "healthy"}) })
}

// TestHealthAfterAdoption: the next monitor knows what the killed one knew, ends
// the check that it left running, and goes on.
func TestHealthAfterAdoption(t *testing.T) {
	t.Parallel()
	b := checked(t, "if [ -s /tmp/hang ]; then sleep 1001; fi; true", func(c *shim.HealthCheck) { c.Timeout = time.Hour })
	c := b.start()
	b.awaitHealth(engine.HealthHealthy)
	b.exec(c, engine.ExecOptions{Cmd: sh("echo yes > /tmp/hang")}).end()
	eventually(t, "a check that hangs", func() bool { return len(b.sleepers("1001")) > 0 })
	before := b.health()
	orphan := b.sleepers("1001")
	b.exec(c, engine.ExecOptions{Cmd: sh("echo -n > /tmp/hang")}).end()
	b.killMonitor()
	if !slices.Equal(b.sleepers("1001"), orphan) {
		t.Fatal("the check died with its monitor: there is nothing to be tested")
	}
	b.adopt()
	eventually(t, "the end of the orphan", func() bool { return len(b.sleepers("1001")) == 0 })
	eventually(t, "a further check", func() bool {
		log := b.health().Log
		return len(log) > 0 && log[len(log)-1].End.After(before.Log[len(before.Log)-1].End)
	})
	after := b.health()
	if after.Status != engine.HealthHealthy || len(after.Log) < len(before.Log) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := b.verdicts(); !slices.Equal(got, []string{"healthy"}) {
		t.Errorf("told of %q", got)
	}
}

// TestHealthAtTheEnd: the end of a container is not held up by its check, which
// does not count.
func TestHealthAtTheEnd(t *testing.T) {
	t.Parallel()
	b := checked(t, "sleep 1001")
	c := b.start()
	eventually(t, "a check", func() bool { return len(b.sleepers("1001")) > 0 })
	must(t, c.Signal(b.ctx(), 9))
	if st := b.wait(c); st.Code != 137 {
		t.Errorf("status %+v", st)
	}
	x, err := b.exit()
	must(t, err)
	if x.Health == nil || len(x.Health.Log) != 0 {
		t.Errorf("exit record: %+v", x.Health)
	}
}
