package shim

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

// health runs the checks of a container, one after the other, while it runs
// and is not paused.
//
// What is known is in the runtime directory (HealthFile) from the first result
// on, for whoever lists or inspects, and for the monitor that takes over; with
// the end of the container it goes into exit.json. Nothing of it is synced, and
// events tell of a verdict that changes only: a check every second is thousands
// of results an hour, and none of them is news.
type health struct {
	s     *shim
	check *HealthCheck

	mu    sync.Mutex
	state engine.Health
	last  time.Time     // the end of the last check
	stop  chan struct{} // ends the checks; nil: there are none now
}

// HealthRecord is the file HealthFile. It holds for one attempt only.
type HealthRecord struct {
	Attempt int           `json:"attempt"`
	Health  engine.Health `json:"health"`
}

const (
	healthFile = "health.json"
	// checkFile names the process of the check that runs: a monitor that takes
	// over has nobody else to ask.
	checkFile = "check"
)

// HealthFile is where a monitor keeps a HealthRecord while its container runs.
// Before the first result there is none.
func HealthFile(run string, id engine.ID) string { return runDir(run, id) + "/" + healthFile }

// watchHealth begins with the checks of a container that was started just now,
// or was taken over.
func (s *shim) watchHealth() {
	if s.cfg.Health == nil {
		return
	}
	h := &health{s: s, check: s.cfg.Health, state: engine.Health{Status: engine.HealthStarting}}
	var known HealthRecord
	if record.Read(s.cfg.runFile(healthFile), &known) == nil && known.Attempt == s.start.Attempt {
		h.state = known.Health
		if n := len(h.state.Log); n > 0 {
			h.last = h.state.Log[n-1].End
		}
	}
	s.mu.Lock()
	s.health = h
	paused := s.state == engine.Paused
	s.mu.Unlock()
	h.orphan()
	if !paused {
		h.resume()
	}
}

// orphan ends a check that a killed monitor began: nobody reads its output, and
// nobody would end it.
func (h *health) orphan() {
	b, err := os.ReadFile(h.s.cfg.runFile(checkFile))
	if err != nil {
		return
	}
	var pid int
	var start uint64
	if n, _ := fmt.Sscan(string(b), &pid, &start); n == 2 && record.Alive(pid, start) {
		killFamily(h.s.group(), pid)
	}
}

// resume begins with the checks, after the time that comes before each.
func (h *health) resume() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop != nil {
		return
	}
	h.stop = make(chan struct{})
	first := h.pause()
	if !h.last.IsZero() { // taken over
		first = min(first, max(0, time.Until(h.last.Add(first))))
		h.last = time.Time{}
	}
	go h.run(h.stop, first)
}

// suspend ends the checks; one that is on its way does not count. What is not
// looked after is unhealthy, without an event, as in docker.
func (h *health) suspend() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop == nil {
		return
	}
	close(h.stop)
	h.stop = nil
	h.state.Status = engine.HealthUnhealthy
	h.save()
}

// end is suspend for good. It returns what goes into the exit record.
func (h *health) end() *engine.Health {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop != nil {
		close(h.stop)
		h.stop = nil
	}
	h.state.Status = engine.HealthUnhealthy
	last := h.state
	last.Log = slices.Clone(last.Log)
	return &last
}

// pause is the time to the next check. Called with mu.
func (h *health) pause() time.Duration {
	return h.check.pause(h.state.Status, time.Since(h.s.start.StartedAt))
}

// restBetween is the time between two checks from which on the monitor makes
// itself small between them: what it needs for a check comes back in 0.2 ms.
const restBetween = 200 * time.Millisecond

func (h *health) run(stop chan struct{}, first time.Duration) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		r, counts := h.probe(stop)
		next, on := h.conclude(r, counts, stop)
		if !on {
			return
		}
		timer.Reset(next)
		if next >= restBetween {
			dropProgram()
		}
		h.s.rest()
	}
}

// probe runs one check. It is false when the result says nothing about the
// container.
func (h *health) probe(stop chan struct{}) (engine.HealthResult, bool) {
	r := engine.HealthResult{Start: time.Now().UTC(), ExitCode: failedCheck}
	x, err := h.s.prepare(&engine.ExecOptions{Cmd: h.check.Argv})
	if err != nil {
		r.End, r.Output = time.Now().UTC(), err.Error()
		return r, !errors.Is(err, engine.ErrConflict) // it ends, or is being paused
	}
	h.remember(x)
	var out clipped
	done := make(chan engine.ExitStatus, 1)
	go func() { done <- x.run(out.frame) }()
	timeout := time.NewTimer(h.check.Timeout)
	defer timeout.Stop()
	select {
	case st := <-done:
		r.ExitCode, r.Output = st.Code, out.String()
		if st.Code == killedCode && exiting(h.s.start.Pid) {
			return r, false // the kernel ends all that is in the container
		}
	case <-timeout.C:
		killFamily(h.s.group(), x.program.pid)
		<-done // so that dying checks do not pile up
		r.Output = h.check.timeoutText(out.String())
	case <-stop:
		killFamily(h.s.group(), x.program.pid)
		return r, false
	}
	r.End = time.Now().UTC()
	return r, true
}

// remember writes down which process a check is. Without it a check may only
// outlive a killed monitor.
func (h *health) remember(x *execution) {
	if start, err := record.PidStart(x.program.pid); err == nil {
		text := strconv.Itoa(x.program.pid) + " " + strconv.FormatUint(start, 10)
		_ = os.WriteFile(h.s.cfg.runFile(checkFile), []byte(text), 0o600)
	}
}

// conclude takes a result and returns the time to the next check. It is false
// when the checks were stopped meanwhile.
func (h *health) conclude(r engine.HealthResult, counts bool, stop chan struct{}) (next time.Duration, on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop != stop {
		return 0, false
	}
	if !counts {
		return h.pause(), true
	}
	changed := h.check.judge(&h.state, r, h.s.start.StartedAt)
	h.save()
	if changed {
		h.s.publish(engine.ActionHealth+": "+string(h.state.Status), nil)
	}
	return h.pause(), true
}

// LastHealth is what is known of a container whose end nobody saw, nil where
// nothing is.
func LastHealth(run string, id engine.ID, attempt int) *engine.Health {
	var known HealthRecord
	if record.Read(HealthFile(run, id), &known) != nil || known.Attempt != attempt {
		return nil
	}
	known.Health.Status = engine.HealthUnhealthy
	return &known.Health
}

// save puts what is known where others look. Called with mu.
func (h *health) save() {
	known := HealthRecord{Attempt: h.s.start.Attempt, Health: h.state}
	if err := record.Write(h.s.cfg.runFile(healthFile), known, record.Volatile); err != nil {
		fmt.Fprintf(os.Stderr, "record health: %v\n", err)
	}
}
