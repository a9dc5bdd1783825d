package local

import (
	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/runspec"
	"gantry/engine/shim"
)

// healthCheck is what the monitor is told to check, nil for nothing.
func healthCheck(c engine.ContainerConfig) *shim.HealthCheck {
	h, argv := runspec.Health(c.Healthcheck, c.Shell)
	if h == nil {
		return nil
	}
	return &shim.HealthCheck{
		Argv: argv, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
	}
}

// readHealth looks how the checks of a container go, or went. As in docker one
// that was never started has no health, and one that has ended keeps its last
// results.
func (e *Engine) readHealth(v *view) *engine.Health {
	if h, _ := runspec.Health(v.rec.Config.Healthcheck, nil); h == nil || v.start == nil || v.state == engine.Created {
		return nil
	}
	if v.exit != nil && v.exit.Attempt >= v.start.Attempt {
		return v.exit.Health
	}
	var known shim.HealthRecord
	err := record.Read(shim.HealthFile(e.run, v.rec.ID), &known)
	if err != nil || known.Attempt != v.start.Attempt {
		return &engine.Health{Status: engine.HealthStarting, Log: []engine.HealthResult{}}
	}
	if known.Health.Log == nil {
		known.Health.Log = []engine.HealthResult{}
	}
	return &known.Health
}

// matchesHealth tests a row for --filter health=.
func matchesHealth(s engine.ContainerSummary, want string) bool {
	if s.Status.Health == nil {
		return want == string(engine.HealthNone)
	}
	return string(s.Status.Health.Status) == want
}

func knownHealth(s string) bool {
	switch engine.HealthStatus(s) {
	case engine.HealthNone, engine.HealthStarting, engine.HealthHealthy, engine.HealthUnhealthy:
		return true
	}
	return false
}
