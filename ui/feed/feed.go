// Package feed folds the engine's streams into few messages for the user
// interface. Each stream is drained by a goroutine of its own; what it says is
// kept as the latest value, and the interface takes it at most every 33
// milliseconds however much happens (the deadline counts from the first
// unseen change). Nothing here polls: without events it sleeps.
package feed

import (
	"context"
	"errors"
	"sync"
	"time"

	"gantry/engine"
)

// Frame is the shortest time between two messages of one feed.
const Frame = 33 * time.Millisecond

// State is what the lists show. A list that cannot be read keeps its last
// content and does not keep the others from theirs.
type State struct {
	Containers []engine.ContainerSummary
	Images     []engine.ImageSummary
	Volumes    []engine.VolumeSummary
	Networks   []engine.Network
	Jobs       []engine.Job
	Have       Kinds // what has been read, at least once
	Err        error // why a list could not be read
}

// Kinds is a set of kinds of objects.
type Kinds uint8

const (
	Containers Kinds = 1 << iota
	Images
	Volumes
	Networks
	Jobs
	everything = 1<<iota - 1
)

// Has tells whether all of some are in the set.
func (k Kinds) Has(some Kinds) bool { return k&some == some }

// first is what a start waits for; the rest follows behind it.
const first = Containers | Images | Jobs

// Lists follows the engine's objects.
type Lists struct {
	eng   engine.Engine
	next  chan State
	guard guard

	mu    sync.Mutex
	stale Kinds // what events have touched since it was listed
	wake  chan struct{}
}

// NewLists starts to follow; it ends with ctx.
func NewLists(ctx context.Context, eng engine.Engine) *Lists {
	l := &Lists{eng: eng, next: make(chan State), wake: make(chan struct{}, 1)}
	l.mark(everything)
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
	var lost Kinds // what could not be read, and is tried again at a time
	var again time.Time
	what := l.take(first)
	for ctx.Err() == nil {
		got := l.list(ctx, what)
		got.into(&state)
		if lost = lost&^got.kinds | got.lost; got.lost != 0 {
			again = time.Now().Add(retry)
		}
		if lost == 0 || got.err != nil {
			state.Err = got.err
		}
		if !watching && got.kinds.Has(Containers) {
			watching = true
			watch.Go(func() { l.guard.run(func() { l.watch(ctx, got.seq()) }, cancel) })
		}
		select {
		case l.next <- state:
		case <-ctx.Done():
			return
		}
		if !l.sleep(ctx, lost != 0, again) {
			return
		}
		if what = l.take(everything); lost != 0 && !time.Now().Before(again) {
			what |= lost
		}
	}
}

// retry is the time after which a list that could not be read is tried again.
// The others do not wait for it.
const retry = 2 * time.Second

// sleep waits until something is out of date, or until a time; false when ctx
// has ended.
func (l *Lists) sleep(ctx context.Context, timed bool, until time.Time) bool {
	var due <-chan time.Time
	if timed {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-l.wake:
		wait(ctx, Frame)
	case <-due:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// take is what of some kinds has to be listed now.
func (l *Lists) take(of Kinds) Kinds {
	l.mu.Lock()
	defer l.mu.Unlock()
	what := l.stale & of
	l.stale &^= what
	return what
}

// Renew reads lists again of whose change no event tells.
func (l *Lists) Renew(k Kinds) { l.mark(k) }

// mark says that lists are out of date.
func (l *Lists) mark(k Kinds) {
	l.mu.Lock()
	l.stale |= k
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// touched is what an event puts out of date. Images tell which containers use
// them, so they change with the coming and going of those. Who mounts a volume
// is known from the containers.
func touched(ev engine.Event) Kinds {
	switch ev.Kind {
	case engine.KindImage:
		return Images | Containers // containers show their image's name
	case engine.KindJob:
		return Jobs
	case engine.KindContainer:
		if ev.Action == engine.ActionCreate || ev.Action == engine.ActionDestroy {
			return Containers | Images
		}
		return Containers
	case engine.KindNetwork:
		if ev.Action == engine.ActionConnect || ev.Action == engine.ActionDisconnect {
			return Networks | Containers // which name theirs
		}
		return Networks
	case engine.KindVolume:
		if ev.Action == engine.ActionMount || ev.Action == engine.ActionUnmount {
			return 0
		}
		return Volumes
	}
	return everything
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
				l.mark(everything)
				continue
			}
			after = ev.Seq
			if what := touched(ev); what != 0 {
				l.mark(what)
			}
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
