package feed

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gantry/engine"
)

// KeptEvents is how many events an Events keeps.
const KeptEvents = 2000

// Events follows what happens to one object, from as far back as the engine's
// journal reaches.
type Events struct {
	eng    engine.Engine
	about  func(ctx context.Context) (engine.Filters, error)
	opts   engine.WatchOptions
	guard  guard
	notify chan struct{}

	mu     sync.Mutex // guards the rest
	events []engine.Event
	err    error // why it does not follow at the moment
	told   bool  // whatever was there at the beginning has been told
}

// NewEvents starts to follow what the filters that about makes choose; it ends
// with ctx.
func NewEvents(ctx context.Context, eng engine.Engine, about func(ctx context.Context) (engine.Filters, error)) *Events {
	e := &Events{eng: eng, about: about, opts: engine.WatchOptions{Since: time.Unix(0, 1)}, notify: make(chan struct{}, 1)}
	go e.guard.run(func() { e.run(ctx) }, e.wake)
	return e
}

// run reads what there is, and then what comes. A watch that broke is begun
// again behind the last event, slowly.
func (e *Events) run(ctx context.Context) {
	began := time.Now()
	for ctx.Err() == nil {
		err := e.follow(ctx, began)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, engine.ErrLagged) { // there is a gap; go on behind it
			e.opts.After = 0
		} else {
			e.set(func() { e.err, e.told = err, true })
		}
		wait(ctx, time.Second)
	}
}

func (e *Events) follow(ctx context.Context, began time.Time) (err error) {
	if e.opts.Filters, err = e.about(ctx); err != nil {
		return err
	}
	past := e.opts
	past.Until = began
	if err := e.watch(ctx, past); err != nil {
		return err
	}
	e.set(func() { e.told, e.err = true, nil })
	return e.watch(ctx, e.opts)
}

func (e *Events) watch(ctx context.Context, opts engine.WatchOptions) error {
	for ev, err := range e.eng.Watch(ctx, opts) {
		if err != nil {
			return err
		}
		if ev.Seq <= e.opts.After {
			continue
		}
		e.opts.After = ev.Seq
		e.set(func() {
			if len(e.events) >= KeptEvents {
				e.events = slices.Delete(e.events, 0, KeptEvents/4)
			}
			e.events, e.err = append(e.events, ev), nil
		})
	}
	return nil
}

func (e *Events) set(change func()) {
	e.mu.Lock()
	change()
	e.mu.Unlock()
	e.wake()
}

func (e *Events) wake() {
	select {
	case e.notify <- struct{}{}:
	default:
	}
}

// Next waits for something new, and then for the end of its frame; false when
// ctx has ended.
func (e *Events) Next(ctx context.Context) bool {
	select {
	case <-e.notify:
	case <-ctx.Done():
		return false
	}
	e.guard.check()
	wait(ctx, Frame)
	return ctx.Err() == nil
}

// State is the events, oldest first, whether those from before are all there,
// and why it does not follow.
func (e *Events) State() (events []engine.Event, told bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events), e.told, e.err
}
