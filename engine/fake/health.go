package fake

import "gantry/engine"

// Check adds a result to the health of a container and tells of it when the
// verdict becomes another one.
func (e *Engine) Check(ref string, status engine.HealthStatus, r engine.HealthResult) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find("check", ref)
	if err != nil {
		return err
	}
	h := engine.Health{Status: engine.HealthStarting}
	if c.state.Health != nil {
		h = *c.state.Health
	}
	changed := h.Status != status
	h.Status = status
	h.Log = append(h.Log[:len(h.Log):len(h.Log)], r)
	if h.FailingStreak++; r.ExitCode == 0 {
		h.FailingStreak = 0
	}
	c.state.Health = &h
	if changed {
		e.event(c, engine.ActionHealth+": "+string(status))
	}
	return nil
}
