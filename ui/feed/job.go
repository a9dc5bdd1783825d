package feed

import (
	"context"
	"iter"
	"sync"
	"time"

	"gantry/engine"
	"gantry/images"
)

// Job follows one piece of long work: the latest progress of each part, and how
// fast it goes.
type Job struct {
	mu    sync.Mutex // guards what follows
	order []string
	parts map[string]images.Progress
	begun time.Time
	ended time.Time
	marks []mark // of the last seconds, oldest first
	moved int64  // bytes that were carried while this followed
	text  string
	err   error

	notify chan struct{}
	guard  guard
}

// mark is how many bytes were there at a time.
type mark struct {
	at    time.Time
	bytes int64
}

// span is over what the speed is averaged.
const span = 3 * time.Second

// NewJob starts to follow a job of the engine; it ends with the job or with ctx.
func NewJob(ctx context.Context, eng engine.Engine, id engine.ID) *Job {
	return NewWork(func(yield func(images.Progress, error) bool) {
		for p, err := range eng.Jobs().Follow(ctx, string(id)) {
			if !yield(p, err) {
				return
			}
		}
	})
}

// NewWork does work that tells its progress, and follows it.
func NewWork(work iter.Seq2[images.Progress, error]) *Job {
	j := &Job{parts: make(map[string]images.Progress), begun: time.Now(), notify: make(chan struct{}, 1)}
	over := func() { j.set(func() { j.ended = time.Now() }) }
	go j.guard.run(func() {
		for p, err := range work {
			if err != nil {
				j.set(func() { j.err = err })
				break
			}
			j.set(func() { j.put(p) })
		}
		over()
	}, over)
	return j
}

// put keeps the latest of each part. What was carried before this followed, or
// was there already, does not count for the speed.
func (j *Job) put(p images.Progress) {
	old, ok := j.parts[p.ID]
	if !ok {
		j.order = append(j.order, p.ID)
	} else if carried(p) > carried(old) && p.State != images.Exists {
		j.moved += carried(p) - carried(old)
		j.mark()
	}
	j.parts[p.ID] = p
	if p.ID == "" && p.State == images.Done {
		j.text = p.Text
	}
}

// carried is how many bytes of a part are there: unpacking follows carrying.
func carried(p images.Progress) int64 {
	if p.State.Finished() || p.State == images.Unpacking || p.State == images.Verifying {
		return p.Total
	}
	return min(p.Done, p.Total)
}

func (j *Job) mark() {
	now := time.Now()
	j.marks = append(j.marks, mark{now, j.moved})
	for len(j.marks) > 2 && now.Sub(j.marks[0].at) > span {
		j.marks = j.marks[1:]
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

// Progress is where long work stands.
type Progress struct {
	Parts       []images.Progress // in the order of their first mention
	Done, Total int64             // bytes of all parts
	Rate        float64           // bytes per second, over the last seconds
	Took        time.Duration
	Over        bool
	Text        string // its closing words
	Err         error  // why it failed
}

// State is where the work stands.
func (j *Job) State() Progress {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Progress{Over: !j.ended.IsZero(), Text: j.text, Err: j.err, Took: time.Since(j.begun)}
	if s.Over {
		s.Took = j.ended.Sub(j.begun)
	}
	for _, id := range j.order {
		p := j.parts[id]
		s.Parts = append(s.Parts, p)
		if id != "" {
			s.Done, s.Total = s.Done+carried(p), s.Total+p.Total
		}
	}
	if n := len(j.marks); n > 1 {
		if d := time.Since(j.marks[0].at).Seconds(); d > 0 {
			s.Rate = float64(j.marks[n-1].bytes-j.marks[0].bytes) / d
		}
	}
	return s
}
