package shim

import (
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

// The back-off of a restart, as docker has it.
const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = time.Minute
	// steadyTime is how long a container runs whose next end begins the back-off
	// anew.
	steadyTime = 10 * time.Second
)

// Again is where a container stands in being started again by its policy.
type Again struct {
	Count int           `json:"count,omitempty"` // starts by the policy since somebody started it
	Delay time.Duration `json:"delay,omitempty"` // that was waited before the last of them
}

// Next decides what follows the end of an attempt that ran for a time: ok tells
// whether the container is to be started again, when the Delay of the result
// has passed.
func (a Again) Next(p engine.RestartPolicy, code int, ran time.Duration) (_ Again, ok bool) {
	switch p.Name {
	case engine.RestartAlways, engine.RestartUnlessStopped:
	case engine.RestartOnFailure:
		if code == 0 || p.MaximumRetryCount > 0 && a.Count >= p.MaximumRetryCount {
			return a, false
		}
	default:
		return a, false
	}
	if ran >= steadyTime {
		a.Delay = 0
	}
	a.Count++
	a.Delay = min(max(2*a.Delay, firstDelay), maxDelay)
	return a, true
}

// Plan writes into the end of an attempt whether and when its container is to
// be started again. at is now, from which the back-off counts.
func (x *ExitRecord) Plan(a Again, p engine.RestartPolicy, ran time.Duration, at time.Time) {
	x.Again, x.Due, x.BootID = a, time.Time{}, ""
	if x.Stopped {
		return
	}
	if next, ok := a.Next(p, x.Code, ran); ok {
		x.Again, x.Due, x.BootID = next, at.Add(next.Delay).UTC(), record.BootID()
	}
}

// Planned tells whether a start is to come. One that was planned before a boot
// is not: what comes back after that is for autostart to say.
func (x *ExitRecord) Planned() bool {
	return x != nil && !x.Due.IsZero() && x.BootID == record.BootID()
}

// Ready tells whether the time of a planned start has come. One that is further
// away than its back-off was planned before the clock was set back.
func (x *ExitRecord) Ready() bool {
	left := time.Until(x.Due)
	return left <= 0 || left > max(x.Again.Delay, firstDelay)
}

// left is how long is to be waited still. That a clock which was set back makes
// it longer than the back-off is ruled out.
func (x *ExitRecord) left() time.Duration {
	return min(max(time.Until(x.Due), 0), max(x.Again.Delay, firstDelay))
}
