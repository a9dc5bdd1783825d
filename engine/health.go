package engine

import "time"

// HealthStatus is what the checks of a container say of it.
type HealthStatus string

const (
	HealthNone      HealthStatus = "none" // it has no check; only filters say so
	HealthStarting  HealthStatus = "starting"
	HealthHealthy   HealthStatus = "healthy"
	HealthUnhealthy HealthStatus = "unhealthy"
)

// Health is how the checks of a container went. One that does not run, or is
// paused, is not looked after and counts as unhealthy, as in docker.
type Health struct {
	Status        HealthStatus   `json:"Status"`
	FailingStreak int            `json:"FailingStreak"`
	Log           []HealthResult `json:"Log"` // the last ones, oldest first; in lists the last one
}

// HealthResult is one check.
type HealthResult struct {
	Start    time.Time `json:"Start"`
	End      time.Time `json:"End"`
	ExitCode int       `json:"ExitCode"` // 0: healthy; -1: it did not end by itself, or could not begin
	Output   string    `json:"Output"`   // of both streams, at most 4096 bytes
}
