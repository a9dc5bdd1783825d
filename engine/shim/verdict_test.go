package shim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gantry/engine"
	"gantry/engine/shim"
)

// TestVerdict plays sequences of exit codes, one a second, against docker's
// rules.
func TestVerdict(t *testing.T) {
	t.Parallel()
	const s, h, u = engine.HealthStarting, engine.HealthHealthy, engine.HealthUnhealthy
	tests := []struct {
		name    string
		check   shim.HealthCheck
		codes   []int
		want    []engine.HealthStatus
		streaks []int
		changes int
	}{
		{"healthy at once", shim.HealthCheck{Retries: 3}, []int{0, 0}, []engine.HealthStatus{h, h}, []int{0, 0}, 1},
		{"starting until it has failed often enough", shim.HealthCheck{Retries: 3}, []int{1, 1, 1, 1}, []engine.HealthStatus{s, s, u, u}, []int{1, 2, 3, 4}, 1},
		{"one success mends all", shim.HealthCheck{Retries: 2}, []int{1, 1, 0, 1, 0, 1, 1}, []engine.HealthStatus{s, u, h, h, h, h, u}, []int{1, 2, 0, 1, 0, 1, 2}, 3},
		{"any exit code is a failure", shim.HealthCheck{Retries: 1}, []int{-1, 0, 137, 0, 2}, []engine.HealthStatus{u, h, u, h, u}, []int{1, 0, 1, 0, 1}, 5},
		{"failures in the start period do not count", shim.HealthCheck{Retries: 1, StartPeriod: 3 * time.Second}, []int{1, 1, 1, 1}, []engine.HealthStatus{s, s, s, u}, []int{0, 0, 0, 1}, 1},
		{"the start period ends with the first success", shim.HealthCheck{Retries: 1, StartPeriod: time.Hour}, []int{1, 0, 1}, []engine.HealthStatus{s, h, u}, []int{0, 0, 1}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			started := time.Unix(1000, 0)
			state := engine.Health{Status: s}
			var got []engine.HealthStatus
			var streaks []int
			changes := 0
			for i, code := range tt.codes {
				at := started.Add(time.Duration(i) * time.Second)
				if tt.check.Judge(&state, engine.HealthResult{Start: at, End: at, ExitCode: code}, started) {
					changes++
				}
				got, streaks = append(got, state.Status), append(streaks, state.FailingStreak)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.streaks, streaks); diff != "" {
				t.Error(diff)
			}
			if changes != tt.changes {
				t.Errorf("%d changes, want %d", changes, tt.changes)
			}
		})
	}
}

func TestLastFiveResults(t *testing.T) {
	t.Parallel()
	check := shim.HealthCheck{Retries: 3}
	state := engine.Health{Status: engine.HealthStarting}
	var first engine.Health
	for code := range 8 {
		check.Judge(&state, engine.HealthResult{ExitCode: code}, time.Time{})
		if code == 4 {
			first = state
		}
	}
	codes := func(h engine.Health) (out []int) {
		for _, r := range h.Log {
			out = append(out, r.ExitCode)
		}
		return out
	}
	if got := codes(state); !slices.Equal(got, []int{3, 4, 5, 6, 7}) {
		t.Errorf("kept %v", got)
	}
	if got := codes(first); !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("what was read before has changed: %v", got)
	}
}

func TestPauseBetweenChecks(t *testing.T) {
	t.Parallel()
	check := shim.HealthCheck{Interval: 30 * time.Second, StartInterval: time.Second, StartPeriod: 10 * time.Second}
	for _, tt := range []struct {
		status engine.HealthStatus
		up     time.Duration
		want   time.Duration
	}{
		{engine.HealthStarting, 0, time.Second},
		{engine.HealthStarting, 9 * time.Second, time.Second},
		{engine.HealthStarting, 10 * time.Second, 30 * time.Second},
		{engine.HealthHealthy, time.Second, 30 * time.Second},
		{engine.HealthUnhealthy, time.Second, 30 * time.Second},
	} {
		if got := check.Pause(tt.status, tt.up); got != tt.want {
			t.Errorf("%s after %v: %v, want %v", tt.status, tt.up, got, tt.want)
		}
	}
}

func TestClippedOutput(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("x", 4096)
	for _, tt := range []struct {
		name  string
		parts []string
		want  string
	}{
		{"nothing", nil, ""},
		{"in parts", []string{"a", "b\n"}, "ab\n"},
		{"just as much", []string{whole}, whole},
		{"a byte more", []string{whole, "y"}, whole + "..."},
		{"across the limit", []string{whole[:4000], whole}, whole + "..."},
	} {
		if got := shim.Clip(tt.parts...); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", tt.name, len(got), len(tt.want))
		}
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	stat := func(name, state string, parent, session string) string {
		return "1 (" + name + ") " + state + " " + parent + " 0 " + session + strings.Repeat(" 0", 40)
	}
	got := shim.Family(10, map[int]string{
		10: stat("sh", "S", "1", "10"),
		11: stat("child", "S", "10", "10"),
		12: stat("own session", "S", "11", "12"),
		13: stat("orphan of the session", "S", "1", "10"),
		14: stat("dead", "Z", "10", "10"),
		15: stat("child of the dead", "S", "14", "15"),
		20: stat("server", "S", "1", "20"),
		21: stat("its name ends) S 10 0 10 ", "S", "20", "20"),
	})
	slices.Sort(got)
	if want := []int{10, 11, 12, 13, 15}; !slices.Equal(got, want) {
		t.Errorf("family %v, want %v", got, want)
	}
}
