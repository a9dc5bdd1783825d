package registry

import (
	"sync"
	"time"

	"gantry/images"
)

// reportEvery is the pace of progress: smooth for eyes, nothing for the work.
const reportEvery = 50 * time.Millisecond

// A reporter samples progress. Workers leave the latest state per ID with it at
// any rate; one goroutine passes what changed on to the caller. So progress
// never slows the work, and the caller's function is never run twice at once.
type reporter struct {
	report func(images.Progress)
	quit   chan struct{}
	done   sync.WaitGroup

	mu      sync.Mutex
	latest  map[string]images.Progress // guarded by mu
	changed []string                   // guarded by mu; IDs in the order in which they changed
}

// newReporter starts the sampling; the caller must close it. A nil report is
// fine.
func newReporter(report func(images.Progress)) *reporter {
	r := &reporter{report: report, quit: make(chan struct{}), latest: map[string]images.Progress{}}
	if report != nil {
		r.done.Go(r.run)
	}
	return r
}

// set leaves the latest state of p.ID.
func (r *reporter) set(p images.Progress) {
	if r.report == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old, pending := r.latest[p.ID]
	if pending && old == p {
		return
	}
	if !pending {
		r.changed = append(r.changed, p.ID)
	}
	r.latest[p.ID] = p
}

func (r *reporter) run() {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.flush()
		case <-r.quit:
			r.flush()
			return
		}
	}
}

func (r *reporter) flush() {
	r.mu.Lock()
	out := make([]images.Progress, 0, len(r.changed))
	for _, id := range r.changed {
		out = append(out, r.latest[id])
	}
	clear(r.latest)
	r.changed = r.changed[:0]
	r.mu.Unlock()
	for _, p := range out {
		r.report(p)
	}
}

// close passes on what is left and ends the sampling.
func (r *reporter) close() {
	close(r.quit)
	r.done.Wait()
}
