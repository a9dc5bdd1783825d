package feed

import (
	"context"
	"sync"

	"gantry/engine"
	"gantry/images"
)

// Job follows one job: the latest progress of each part.
type Job struct {
	mu    sync.Mutex
	order []string
	parts map[string]images.Progress
	over  bool
	text  string
	err   error

	notify chan struct{}
	guard  guard
}

// NewJob starts to follow; it ends with the job or with ctx.
func NewJob(ctx context.Context, eng engine.Engine, id engine.ID) *Job {
	j := &Job{parts: make(map[string]images.Progress), notify: make(chan struct{}, 1)}
	go j.guard.run(func() {
		for p, err := range eng.Jobs().Follow(ctx, string(id)) {
			if err != nil {
				j.set(func() { j.err = err })
				break
			}
			j.set(func() { j.put(p) })
		}
		j.set(func() { j.over = true })
	}, func() { j.set(func() { j.over = true }) })
	return j
}

func (j *Job) put(p images.Progress) {
	if _, ok := j.parts[p.ID]; !ok {
		j.order = append(j.order, p.ID)
	}
	j.parts[p.ID] = p
	if p.ID == "" && p.State == images.Done {
		j.text = p.Text
	}
}

func (j *Job) set(change func()) {
	j.mu.Lock()
	change()
	j.mu.Unlock()
	select {
	case j.notify <- struct{}{}:
	default:
	}
}

// Next waits for a change and the end of its frame; false when ctx has ended.
func (j *Job) Next(ctx context.Context) bool {
	select {
	case <-j.notify:
	case <-ctx.Done():
		return false
	}
	j.guard.check()
	wait(ctx, Frame)
	return ctx.Err() == nil
}

// State is where the job stands: its parts in the order of their first
// mention, whether it is over, its closing words, and why it failed.
func (j *Job) State() (parts []images.Progress, over bool, text string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range j.order {
		parts = append(parts, j.parts[id])
	}
	return parts, j.over, j.text, j.err
}
