package shim

import (
	"time"

	"gantry/engine"
	"gantry/logs"
)

// Judge is HealthCheck.judge.
func (c *HealthCheck) Judge(h *engine.Health, r engine.HealthResult, started time.Time) bool {
	return c.judge(h, r, started)
}

// Pause is HealthCheck.pause.
func (c *HealthCheck) Pause(status engine.HealthStatus, up time.Duration) time.Duration {
	return c.pause(status, up)
}

// Clip is what is kept of a check's output.
func Clip(parts ...string) string {
	var c clipped
	for _, p := range parts {
		c.frame(logs.Stdout, append(make([]byte, frameHead), p...))
	}
	return c.String()
}

// Family parses lines of proc_pid_stat(5) and returns who of them belongs to
// leader.
func Family(leader int, stats map[int]string) (pids []int) {
	all := map[int]kin{}
	for pid, s := range stats {
		if k, ok := parseKin(s); ok {
			all[pid] = k
		}
	}
	for pid := range family(leader, all) {
		pids = append(pids, pid)
	}
	return pids
}
