// Package feed folds the engine's streams into few messages for the user
// interface. Each stream is drained by a goroutine of its own; what it says is
// kept as the latest value, and the interface takes it at most every 33
// milliseconds however much happens (the deadline counts from the first
// unseen change). Nothing here polls: without events it sleeps.
package feed

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gantry/engine"
)

// Frame is the shortest time between two messages of one feed.
const Frame = 33 * time.Millisecond

// State is what the lists show.
type State struct {
	Containers []engine.ContainerSummary
	Images     []engine.ImageSummary
	Jobs       []engine.Job
	Err        error // why the lists could not be read; they keep their last content
}

// Lists follows the engine's objects.
type Lists struct {
	eng   engine.Engine
	next  chan State
	guard guard

	mu    sync.Mutex
	stale stale // what events have touched since it was listed
	wake  chan struct{}
}

// stale names lists that are out of date.
type stale struct{ containers, images, jobs bool }

// NewLists starts to follow; it ends with ctx.
func NewLists(ctx context.Context, eng engine.Engine) *Lists {
	l := &Lists{eng: eng, next: make(chan State), stale: stale{true, true, true}, wake: make(chan struct{}, 1)}
	go l.guard.run(func() { l.run(ctx) }, func() {})
	return l
}

// Next waits for the next state. It returns false when the feed has ended.
func (l *Lists) Next() (State, bool) {
	s, ok := <-l.next
	l.guard.check()
	return s, ok
}

// run lists, hands the state on, and sleeps until an event says that it is
// out of date. The watch begins after the sequence number of the first list,
// so nothing falls in between.
func (l *Lists) run(ctx context.Context) {
	defer close(l.next)
	var watch sync.WaitGroup
	defer watch.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watching := false
	var state State
	for ctx.Err() == nil {
		what := l.take()
		seq, err := l.list(ctx, &state, what)
		if state.Err = err; err != nil {
			l.mark(what)
		} else if !watching {
			watching = true
			watch.Go(func() { l.guard.run(func() { l.watch(ctx, seq) }, cancel) })
		}
		select {
		case l.next <- state:
		case <-ctx.Done():
			return
		}
		if err != nil { // try again by itself, slowly
			wait(ctx, 2*time.Second)
			continue
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		wait(ctx, Frame)
	}
}

// list reads what is stale; the rest of the state stays as it is.
func (l *Lists) list(ctx context.Context, s *State, what stale) (engine.Seq, error) {
	var seqs []engine.Seq
	var is engine.ImageList
	var imagesErr error
	var beside sync.WaitGroup // both read all records, and neither waits for the other
	defer beside.Wait()
	if what.images {
		beside.Go(func() {
			l.guard.run(func() { is, imagesErr = l.eng.Images().List(ctx, engine.ImageListOptions{}) }, func() {})
		})
	}
	if what.containers {
		cs, err := l.eng.Containers().List(ctx, engine.ListOptions{All: true})
		if err != nil {
			return 0, err
		}
		s.Containers, seqs = cs.Items, append(seqs, cs.Seq)
	}
	if what.images {
		if beside.Wait(); imagesErr != nil {
			return 0, imagesErr
		}
		s.Images, seqs = is.Items, append(seqs, is.Seq)
	}
	if what.jobs {
		js, err := l.eng.Jobs().List(ctx)
		if err != nil {
			return 0, err
		}
		s.Jobs = js
	}
	if len(seqs) == 0 {
		return 0, nil
	}
	return slices.Min(seqs), nil
}

func (l *Lists) take() stale {
	l.mu.Lock()
	defer l.mu.Unlock()
	what := l.stale
	l.stale = stale{}
	return what
}

// mark says that lists are out of date.
func (l *Lists) mark(s stale) {
	l.mu.Lock()
	l.stale = stale{l.stale.containers || s.containers, l.stale.images || s.images, l.stale.jobs || s.jobs}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// touched is what an event puts out of date. Images tell which containers use
// them, so they change with the coming and going of those.
func touched(ev engine.Event) stale {
	switch ev.Kind {
	case engine.KindImage:
		return stale{images: true, containers: true} // containers show their image's name
	case engine.KindJob:
		return stale{jobs: true}
	case engine.KindContainer:
		return stale{containers: true, images: ev.Action == engine.ActionCreate || ev.Action == engine.ActionDestroy}
	}
	return stale{true, true, true}
}

// watch says when something happened. A gap in the journal counts as a change
// of everything, and the watch goes on from what is newest.
func (l *Lists) watch(ctx context.Context, after engine.Seq) {
	for ctx.Err() == nil {
		for ev, err := range l.eng.Watch(ctx, engine.WatchOptions{After: after}) {
			if err != nil {
				if errors.Is(err, engine.ErrLagged) {
					after = 0
				}
				l.mark(stale{true, true, true})
				continue
			}
			after = ev.Seq
			l.mark(touched(ev))
		}
		wait(ctx, time.Second) // the watch broke: not in a hot loop
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
