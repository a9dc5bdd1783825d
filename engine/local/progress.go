package local

import (
	"context"
	"iter"
	"sync"
	"time"

	"gantry/images"
)

// progressEvery is how often progress is handed on. Workers overwrite the
// latest value per key in between, so that a slow reader never slows them.
const progressEvery = 33 * time.Millisecond

// mailbox keeps the latest progress per key, in the order of first mention.
type mailbox struct {
	mu    sync.Mutex
	order []string
	dirty map[string]images.Progress
}

func (m *mailbox) put(p images.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dirty == nil {
		m.dirty = make(map[string]images.Progress)
	}
	if _, ok := m.dirty[p.ID]; !ok {
		m.order = append(m.order, p.ID)
	}
	m.dirty[p.ID] = p
}

func (m *mailbox) take() []images.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]images.Progress, 0, len(m.order))
	for _, id := range m.order {
		out = append(out, m.dirty[id])
	}
	m.order, m.dirty = nil, nil
	return out
}

// progressSeq runs work in a goroutine while the sequence is ranged over and
// yields its progress. Breaking out of the loop cancels the work and waits for
// it. The text that work returns is the closing line.
func progressSeq(ctx context.Context, work func(ctx context.Context, report func(images.Progress)) (string, error)) iter.Seq2[images.Progress, error] {
	return func(yield func(images.Progress, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var (
			box  mailbox
			text string
			err  error
			done = make(chan struct{})
		)
		go func() {
			defer close(done)
			text, err = work(ctx, box.put)
		}()
		defer func() { cancel(); <-done }()
		drain := func() bool {
			for _, p := range box.take() {
				if !yield(p, nil) {
					return false
				}
			}
			return true
		}
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if !drain() {
					return
				}
			case <-done:
				if !drain() {
					return
				}
				if err != nil {
					yield(images.Progress{}, err)
					return
				}
				yield(images.Progress{State: images.Done, Text: text}, nil)
				return
			}
		}
	}
}
