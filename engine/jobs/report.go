package jobs

import (
	"errors"
	"sync"
	"time"

	"gantry/images"
)

// pace is the shortest time between two writes of progress.
const pace = 100 * time.Millisecond

// reporter folds progress: whoever works puts values down and goes on, and one
// goroutine writes the latest of each part at its own pace. Progress never slows
// the work, and an idle job wakes nobody.
type reporter struct {
	mu    sync.Mutex
	dirty board // guarded by mu

	news chan struct{} // has room for one: something is dirty
	quit chan struct{}
	done sync.WaitGroup
	err  error // of the goroutine; read after done
}

// newReporter writes through write until close.
func newReporter(write func([]images.Progress) error) *reporter {
	r := &reporter{news: make(chan struct{}, 1), quit: make(chan struct{})}
	r.done.Go(func() { r.loop(write) })
	return r
}

func (r *reporter) report(p images.Progress) {
	r.mu.Lock()
	r.dirty.put(p)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// loop writes the first news at once and later ones at the pace. A write that
// fails does not end it: the disk may have room again for the next.
func (r *reporter) loop(write func([]images.Progress) error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.news:
		case <-r.quit:
			r.flush(write)
			return
		}
		r.flush(write)
		timer.Reset(pace)
		select {
		case <-timer.C:
		case <-r.quit:
			r.flush(write)
			return
		}
	}
}

func (r *reporter) flush(write func([]images.Progress) error) {
	r.mu.Lock()
	news := r.dirty.all()
	r.dirty = board{}
	r.mu.Unlock()
	if len(news) == 0 {
		return
	}
	if err := write(news); err != nil && r.err == nil {
		r.err = err
	}
}

// close writes what is left and returns the first error of writing.
func (r *reporter) close() error {
	close(r.quit)
	r.done.Wait()
	if r.err != nil {
		return errors.Join(errors.New("some progress was not recorded"), r.err)
	}
	return nil
}
