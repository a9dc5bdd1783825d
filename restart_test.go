package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// has waits until a container is in a state.
func (w *world) has(name, state string) {
	w.t.Helper()
	w.eventually(name+" is "+state, func() bool { return w.gantry("inspect", "-f", "{{.State.Status}}", name) == state })
}

// actions are a container's events, each with its time in seconds.
func (w *world) actions(name string, want ...string) (times []float64) {
	w.t.Helper()
	out := w.gantry("events", "--since", "1h", "--until", "0s", "--filter", "container="+name, "--format", "{{.Action}} {{.TimeNano}}")
	var got []string
	for line := range strings.Lines(out) {
		action, nanos, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(nanos, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		got, times = append(got, action), append(times, float64(n)/1e9)
	}
	if want != nil && strings.Join(got, " ") != strings.Join(want, " ") {
		w.t.Errorf("events of %s: %s, want %s", name, got, want)
	}
	return times
}

// starts counts a container's starts.
func (w *world) starts(name string) int {
	w.t.Helper()
	return strings.Count(w.gantry("events", "--since", "1h", "--until", "0s", "--filter", "container="+name, "--filter", "event=start", "--format", "{{.Action}}"), "start")
}

// TestRestartOnFailure: as often as the policy says, later each time, all of it
// with no front end open.
func TestRestartOnFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gantry("run", "-d", "--name", "few", "--restart", "on-failure:3", "box", "sh", "-c", "echo up; exit 3")
	w.has("few", "exited")
	if got := w.gantry("inspect", "-f", "{{.RestartCount}} {{.State.ExitCode}} {{.State.Error}}", "few"); got != "3 3" {
		t.Errorf("count, code and error: %q", got)
	}
	if got := w.gantry("logs", "few"); got != "up\nup\nup\nup" {
		t.Errorf("log: %q", got)
	}
	at := w.actions("few", "create", "start", "die", "start", "die", "start", "die", "start", "die")
	for i, least := range []float64{0.1, 0.2, 0.4} {
		if died, started := at[2+2*i], at[3+2*i]; len(at) == 9 && started-died < least {
			t.Errorf("restart %d came after %.3f s, want at least %.1f", i+1, started-died, least)
		}
	}
	w.gantry("start", "few")
	w.eventually("the count of a new start", func() bool { return w.gantry("inspect", "-f", "{{.RestartCount}}", "few") == "1" })
}

// TestRestarting is what people can do to a container that waits for its next
// start, and what comes of it.
func TestRestarting(t *testing.T) {
	t.Parallel()
	// The flag lets it fail for a while, so that the back-off is long, and then run.
	const script = "test -e /srv/up && exec sleep 1000; exit 3"
	for _, tt := range []struct {
		name  string
		do    []string
		code  int
		says  string // in its errors
		state string // soon after, and then for good
		event string // the last one
	}{
		{"stop", []string{"stop", "cc"}, 0, "", "exited", "stop"},
		{"kill", []string{"kill", "cc"}, 0, "", "exited", "kill"},
		{"term", []string{"kill", "-s", "TERM", "cc"}, 0, "", "exited", "kill"},
		{"hangup", []string{"kill", "-s", "HUP", "cc"}, 1, "is restarting", "restarting", "die"},
		{"start", []string{"start", "cc"}, 0, "", "running", "start"},
		{"restart", []string{"restart", "cc"}, 0, "", "running", "restart"},
		{"rm", []string{"rm", "cc"}, 1, "restarting", "restarting", "die"},
		{"rename", []string{"rename", "cc", "dd"}, 0, "", "restarting", "rename"},
		{"exec", []string{"exec", "cc", "true"}, 1, "is restarting", "restarting", "die"},
		{"attach", []string{"attach", "cc"}, 1, "restarting", "restarting", "die"},
		{"pause", []string{"pause", "cc"}, 1, "", "restarting", "die"},
		{"no", []string{"update", "--restart", "no", "cc"}, 0, "", "exited", "update"},
		{"other", []string{"update", "--restart", "unless-stopped", "cc"}, 0, "", "restarting", "update"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir := t.TempDir()
			id := w.gantry("run", "-d", "--name", "cc", "--restart", "always", "-v", dir+":/srv", "box", "sh", "-c", script)
			w.eventually("a long back-off", func() bool {
				n, _ := strconv.Atoi(w.gantry("inspect", "-f", "{{if .State.Restarting}}{{.RestartCount}}{{end}}", "cc"))
				return n >= 6 // 3.2 s
			})
			if got := w.gantry("ps", "--filter", "status=restarting", "--format", "{{.Status}} {{.State}}"); !strings.HasPrefix(got, "Restarting (3) ") || !strings.HasSuffix(got, " ago restarting") {
				t.Errorf("listed as %q", got)
			}
			if got := w.gantry("inspect", "-f", "{{.State.Running}} {{.State.Restarting}} {{.State.Pid}} {{.State.ExitCode}}", "cc"); got != "true true 0 3" {
				t.Errorf("inspected as %q", got)
			}
			if err := os.WriteFile(filepath.Join(dir, "up"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			r := w.try(tt.do...)
			if r.code != tt.code || !strings.Contains(r.err, tt.says) {
				t.Errorf("%v: exit code %d, want %d\n%s", tt.do, r.code, tt.code, r.err)
			}
			if got := w.gantry("inspect", "-f", "{{.State.Status}}", id); got != tt.state {
				t.Errorf("after %v it is %s, want %s", tt.do, got, tt.state)
			}
			if last := w.gantry("events", "--since", "1h", "--until", "0s", "--filter", "container="+id, "--format", "{{.Action}}"); !strings.HasSuffix(last, tt.event) {
				t.Errorf("events\n%s\nwant %s last", last, tt.event)
			}
			if tt.state == "restarting" {
				w.has(id, "running")
				w.gantry("stop", "-t", "0", id)
			}
			if tt.state == "exited" {
				w.eventually("the end of who waited", func() bool { return len(w.processes()) == 0 })
			}
		})
	}
}

// TestStoppedStays stops a container that crashes at once, at any moment of its
// crashes and restarts: when stop has answered it does not come back.
func TestStoppedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	id := w.gantry("create", "--name", "crashing", "--restart", "always", "box", "false")
	ways := [][]string{{"stop", "-t", "0", "crashing"}, {"kill", "crashing"}, {"update", "--restart", "no", "crashing"}}
	for i := range rounds {
		w.gantry("update", "--restart", "always", "crashing")
		w.gantry("start", "crashing")
		<-time.After(rand.N(500 * time.Millisecond))
		way := ways[rand.IntN(len(ways))]
		w.gantry(way...)
		w.eventually("the end of everybody who would start it", func() bool { return len(w.processes()) == 0 })
		if got := w.gantry("inspect", "-f", "{{.State.Status}}", id); got != "exited" {
			t.Fatalf("round %d, after %v: it is %s", i, way, got)
		}
	}
	// Removed by force, nothing of it comes back either.
	for range rounds / 4 {
		w.gantry("run", "-d", "--name", "gone", "--restart", "always", "box", "false")
		<-time.After(rand.N(300 * time.Millisecond))
		w.gantry("rm", "-f", "gone")
		w.eventually("the end of everybody who would start it", func() bool { return len(w.processes()) == 0 })
	}
}

// TestRestartWithoutMonitor: a monitor is killed while its container runs, or
// while it waits for the next start. The next command puts another one in its
// place.
func TestRestartWithoutMonitor(t *testing.T) {
	t.Parallel()
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.gantry("run", "-d", "--name", "cc", "--restart", "always", "box", "sh", "-c", "exit 3")
		for range 5 {
			w.has("cc", "restarting")
			if pid := w.waiter(id); pid > 0 {
				w.kill(pid)
			}
			before := w.starts("cc")
			// Its locks go a moment after it, with the last of its threads.
			w.eventually("another start", func() bool {
				w.gantry("ps")
				return w.starts("cc") > before
			})
		}
	})
	t.Run("running", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.gantry("run", "-d", "--name", "cc", "--restart", "always", "box", "sh", "-c", "while test ! -e /tmp/end; do sleep 0.05; done; rm /tmp/end; exit 3")
		w.kill(w.monitor(id))
		w.eventually("another monitor", func() bool {
			w.gantry("ps")
			return w.monitorNow(id) > 0
		})
		w.gantry("exec", "cc", "touch", "/tmp/end")
		w.eventually("the restart", func() bool {
			return w.gantry("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "cc") == "running 1"
		})
		// Both die: the end that nobody saw is a failure, and what comes next is
		// as after any other.
		var pid int
		fmt.Sscan(w.gantry("inspect", "-f", "{{.State.Pid}}", "cc"), &pid)
		w.kill(w.monitor(id))
		w.kill(pid)
		w.eventually("the restart", func() bool {
			return w.gantry("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "cc") == "running 2"
		})
	})
}

// waiter is the process that waits out a container's back-off, 0 when nobody does.
func (w *world) waiter(id string) (pid int) {
	b, _ := os.ReadFile(filepath.Join(w.run, "c", id[:12], "wait.pid"))
	fmt.Sscan(string(b), &pid)
	for _, p := range w.processes() {
		if p.pid == pid {
			return pid
		}
	}
	return 0
}
