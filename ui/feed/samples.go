package feed

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"gantry/engine"
)

// Pace is the time between two samples of a container, hostPace that between
// two of the host.
const (
	Pace     = time.Second
	hostPace = 5 * time.Second
	// soon is how long new rows wait for their first sample: not while a list
	// scrolls past.
	soon = 150 * time.Millisecond
)

// Tick is what was measured at one moment.
type Tick struct {
	Samples []engine.Sample
	Host    *engine.HostSample // nil: not this time
}

// Samples measures the containers that are wanted, all with one clock: thirty
// tickers would wake the program up thirty times a second. While nothing is
// wanted it sleeps.
type Samples struct {
	eng   engine.Engine
	out   chan Tick
	wake  chan struct{}
	guard guard

	mu   sync.Mutex
	on   bool
	want []engine.ID

	// Of the goroutine that runs.
	streams map[engine.ID]stream
	hostAt  time.Time
}

// stream is the samples of one container, each read when it is asked for.
type stream struct {
	next func() (engine.Sample, error, bool)
	stop func()
}

// NewSamples measures nothing until Want says what; it ends with ctx.
func NewSamples(ctx context.Context, eng engine.Engine) *Samples {
	s := &Samples{eng: eng, out: make(chan Tick), wake: make(chan struct{}, 1), streams: make(map[engine.ID]stream)}
	go s.guard.run(func() {
		defer close(s.out)
		s.run(ctx)
	}, func() {})
	return s
}

// Want says which containers to measure from now on; on tells whether to
// measure at all, the host too.
func (s *Samples) Want(on bool, ids []engine.ID) {
	s.mu.Lock()
	same := on == s.on && slices.Equal(ids, s.want)
	s.on, s.want = on, ids
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next measurement; false when there will be none.
func (s *Samples) Next() (Tick, bool) {
	t, ok := <-s.out
	s.guard.check()
	return t, ok
}

func (s *Samples) wanted() (bool, []engine.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on, s.want
}

// run measures once per Pace. What is wanted anew is measured soon, and then
// together with the rest.
func (s *Samples) run(ctx context.Context) {
	defer func() { s.keep(nil) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			if on, ids := s.wanted(); on {
				if len(ids) > 0 {
					due = earlier(due, time.Now().Add(Pace))
				}
				timer.Reset(min(soon, max(0, time.Until(due))))
			}
			continue
		case <-timer.C:
		}
		on, ids := s.wanted()
		if !on {
			s.keep(nil)
			continue
		}
		regular := !time.Now().Before(due)
		if regular {
			due = time.Now().Add(s.pause(ids))
		}
		tick := s.measure(ctx, ids, regular)
		if !s.send(ctx, tick) {
			return
		}
		timer.Reset(time.Until(due))
	}
}

// pause is the time until the next measurement. While no row is wanted only the
// host is measured, which has time.
func (s *Samples) pause(ids []engine.ID) time.Duration {
	if len(ids) > 0 {
		return Pace
	}
	return max(Pace, time.Until(s.hostAt.Add(hostPace)))
}

func (s *Samples) send(ctx context.Context, t Tick) bool {
	if len(t.Samples) == 0 && t.Host == nil {
		return true
	}
	select {
	case s.out <- t:
		return true
	case <-ctx.Done():
		return false
	}
}

// measure reads the wanted containers, or only those that are new.
func (s *Samples) measure(ctx context.Context, ids []engine.ID, all bool) Tick {
	s.keep(ids)
	var t Tick
	for _, id := range ids {
		st, ok := s.streams[id]
		if ok && !all {
			continue
		}
		if !ok {
			st.next, st.stop = iter.Pull2(s.eng.Containers().Stats(ctx, string(id), engine.StatsOptions{Pulled: true, Brief: true}))
			s.streams[id] = st
		}
		sample, err, ok := st.next()
		if err != nil || !ok { // it has ended; should it run again, a new stream tells
			st.stop()
			delete(s.streams, id)
			continue
		}
		t.Samples = append(t.Samples, sample)
	}
	if host, ok := s.eng.(engine.HostReader); ok && time.Since(s.hostAt) >= hostPace {
		if sample, err := host.Host(ctx); err == nil {
			t.Host = &sample
		}
		if s.hostAt.IsZero() { // a rate needs two
			s.hostAt = time.Now().Add(Pace - hostPace)
		} else {
			s.hostAt = time.Now()
		}
	}
	return t
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// keep ends the streams that are not among ids.
func (s *Samples) keep(ids []engine.ID) {
	for id := range maps.Keys(s.streams) {
		if !slices.Contains(ids, id) {
			s.streams[id].stop()
			delete(s.streams, id)
		}
	}
}
