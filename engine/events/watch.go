package events

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"gantry/engine"
	"gantry/internal/dirwatch"
)

// Watch yields the events that opts choose, oldest first. It costs nothing while
// nothing happens: one inotify descriptor in the runtime's poller, no thread, no
// timer but the one for Until. Many events that are appended while the consumer
// is busy are one wakeup.
//
// It ends after Until; any other end is told by a last error: ErrLagged when the
// journal does not reach back to After, or the consumer was so slow that what
// comes next is gone; the cause of ctx when that ended.
func (j *Journal) Watch(ctx context.Context, opts engine.WatchOptions) iter.Seq2[engine.Event, error] {
	return func(yield func(engine.Event, error) bool) {
		more := true
		err := j.watch(ctx, opts, func(ev engine.Event) bool {
			more = yield(ev, nil)
			return more
		})
		if errors.Is(err, errStopped) {
			err = context.Cause(ctx)
		}
		if more && err != nil {
			yield(engine.Event{}, err)
		}
	}
}

func (j *Journal) watch(ctx context.Context, opts engine.WatchOptions, yield func(engine.Event) bool) error {
	match, err := newFilter(opts.Filters)
	if err != nil {
		return err
	}
	wait, cancel := context.WithCancel(ctx)
	if !opts.Until.IsZero() {
		wait, cancel = context.WithDeadline(ctx, opts.Until)
	}
	defer cancel()
	// Watch, then look: a change between the two would be missed otherwise.
	changes, err := dirwatch.New(wait, j.dir, dirwatch.Changes)
	if err != nil {
		return fmt.Errorf("watch events: %w", err)
	}
	defer changes.Close()
	r, err := j.start(opts)
	if err != nil {
		return err
	}
	defer r.close()
	return r.follow(ctx, opts, changes, func(ev engine.Event) bool {
		return ev.Time.Before(opts.Since) || !match.includes(ev) || yield(ev)
	})
}

// follow drains the journal at every change until it is time to end.
func (r *reader) follow(ctx context.Context, opts engine.WatchOptions, changes *dirwatch.Watcher, yield func(engine.Event) bool) error {
	over := func(t time.Time) bool { return !opts.Until.IsZero() && t.After(opts.Until) }
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		last := over(time.Now()) // before the look: nothing up to Until comes after it
		err := r.drain(func(ev engine.Event) bool {
			return !over(ev.Time) && ctx.Err() == nil && yield(ev)
		})
		if last && err == nil {
			return nil
		}
		if err != nil {
			return err
		}
		switch err := changes.Wait(); {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("watch events: the journal %w: %w", engine.ErrNotFound, err)
		default:
			return fmt.Errorf("watch events: %w", err)
		}
	}
}

// start opens a reader where opts say.
func (j *Journal) start(opts engine.WatchOptions) (*reader, error) {
	segs, err := j.segments()
	if err != nil {
		return nil, err
	}
	e, err := j.findEnd(segs)
	if err != nil {
		return nil, err
	}
	switch {
	case opts.After > 0:
		return j.startAfter(segs, opts.After, e)
	case !opts.Since.IsZero():
		return j.startSince(segs, opts.Since)
	}
	r := &reader{j: j, last: e.settled()}
	if e.seg == 0 {
		return r, nil
	}
	return r, r.open(e.seg, e.resume)
}

// startAfter finds the segment that holds the number behind after.
func (j *Journal) startAfter(segs []segment, after engine.Seq, e *end) (*reader, error) {
	if after > e.seq {
		// The number is of a journal that is no more.
		return nil, fmt.Errorf("read events after %d: %w: the journal ends at %d", after, engine.ErrLagged, e.seq)
	}
	r := &reader{j: j, last: after}
	for i := len(segs) - 1; i >= 0; i-- {
		if engine.Seq(segs[i]) <= after+1 {
			return r, r.open(segs[i], 0)
		}
	}
	if len(segs) > 0 {
		return nil, lagged(after, engine.Seq(segs[0]))
	}
	return r, nil
}

// startSince finds the last segment that begins before since, or else the
// oldest: what is no longer there cannot be replayed, and nobody was promised it.
func (j *Journal) startSince(segs []segment, since time.Time) (*reader, error) {
	r := &reader{j: j, last: birth}
	for i := len(segs) - 1; i >= 0; i-- {
		first, ok := j.firstTime(segs[i])
		if i > 0 && !(ok && first.Before(since)) {
			continue
		}
		r.last = engine.Seq(segs[i]) - 1
		return r, r.open(segs[i], 0)
	}
	return r, nil
}

// firstTime reads the time of a segment's first good line.
func (j *Journal) firstTime(s segment) (time.Time, bool) {
	r := &reader{j: j}
	if err := r.open(s, 0); err != nil {
		return time.Time{}, false
	}
	defer r.close()
	var first time.Time
	err := r.segment(func(ev engine.Event) bool {
		first = ev.Time
		return false
	})
	return first, errors.Is(err, errStopped)
}
