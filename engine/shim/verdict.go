package shim

import (
	"fmt"
	"sync"
	"time"

	"gantry/engine"
	"gantry/logs"
)

// HealthCheck is how the monitor finds out whether the program does its work.
// Whoever writes it has filled in the defaults.
type HealthCheck struct {
	Argv          []string      `json:"argv"`
	Interval      time.Duration `json:"interval"`
	Timeout       time.Duration `json:"timeout"`
	StartPeriod   time.Duration `json:"startPeriod,omitempty"`
	StartInterval time.Duration `json:"startInterval"`
	Retries       int           `json:"retries"`
}

const (
	keptResults = 5
	// keptOutput is how much of a check's output is kept.
	keptOutput = 4096
	// failedCheck is the exit code of a check that has none.
	failedCheck = -1
)

// judge adds a result to what is known of a container that was started at
// started. It tells whether the verdict is another one now.
func (c *HealthCheck) judge(h *engine.Health, r engine.HealthResult, started time.Time) (changed bool) {
	before := h.Status
	h.Log = append(h.Log[max(0, len(h.Log)-keptResults+1):len(h.Log):len(h.Log)], r)
	switch {
	case r.ExitCode == 0:
		h.Status, h.FailingStreak = engine.HealthHealthy, 0
	case before == engine.HealthStarting && r.Start.Sub(started) < c.StartPeriod:
		// It may still be on its way.
	default:
		if h.FailingStreak++; h.FailingStreak >= c.Retries {
			h.Status = engine.HealthUnhealthy
		}
	}
	return h.Status != before
}

// pause is the time from the end of one check to the next. While a container is
// on its way it may be another one.
func (c *HealthCheck) pause(status engine.HealthStatus, up time.Duration) time.Duration {
	if status == engine.HealthStarting && up < c.StartPeriod {
		return c.StartInterval
	}
	return c.Interval
}

// timeoutText is docker's.
func (c *HealthCheck) timeoutText(output string) string {
	text := fmt.Sprintf("Health check exceeded timeout (%v)", c.Timeout)
	if output != "" {
		text += ": " + output
	}
	return text
}

// clipped keeps the beginning of what a check prints.
type clipped struct {
	mu   sync.Mutex
	b    []byte
	more bool
}

// frame takes output as execution.run delivers it.
func (c *clipped) frame(_ logs.Stream, frame []byte) {
	text := frame[frameHead:]
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(text), keptOutput-len(c.b))
	c.b = append(c.b, text[:n]...)
	c.more = c.more || n < len(text)
}

func (c *clipped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more {
		return string(c.b) + "..."
	}
	return string(c.b)
}
