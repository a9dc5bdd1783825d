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
	q := query{WatchOptions: opts, match: match}
	if q.over(time.Now()) {
		return j.replay(ctx, q, yield)
	}
	wait, cancel := context.WithCancel(ctx)
	if !q.Until.IsZero() {
		wait, cancel = context.WithDeadline(ctx, q.Until)
	}
	defer cancel()
	// Watch, then look: a change between the two would be missed otherwise.
	changes, err := dirwatch.New(wait, j.dir, dirwatch.Changes)
	if err != nil {
		return fmt.Errorf("watch events: %w", err)
	}
	defer changes.Close()
	r, err := j.start(q)
	if err != nil {
		return err
	}
	defer r.close()
	return r.follow(ctx, q, changes, yield)
}

// query is what a watch is asked for.
type query struct {
	engine.WatchOptions
	match filter
}

func (q query) over(t time.Time) bool { return !q.Until.IsZero() && t.After(q.Until) }

func (q query) chooses(ev engine.Event) bool {
	return !ev.Time.Before(q.Since) && q.match.includes(ev)
}

// replay yields what is there. It does without inotify, whose end costs some
// milliseconds: the kernel waits until no processor can still see the watch.
func (j *Journal) replay(ctx context.Context, q query, yield func(engine.Event) bool) error {
	r, err := j.start(q)
	if err != nil {
		return err
	}
	defer r.close()
	return r.look(ctx, q, yield)
}

// look yields what has come since the last look.
func (r *reader) look(ctx context.Context, q query, yield func(engine.Event) bool) error {
	return r.drain(func(ev engine.Event) bool {
		return !q.over(ev.Time) && ctx.Err() == nil && (!q.chooses(ev) || yield(ev))
	})
}

// follow looks after every change until it is time to end.
func (r *reader) follow(ctx context.Context, q query, changes *dirwatch.Watcher, yield func(engine.Event) bool) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		last := q.over(time.Now()) // before the look: what comes after it is after Until
		if err := r.look(ctx, q, yield); err != nil || last {
			return err
		}
		switch err := changes.Wait(); {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("watch events: the journal: %w", engine.ErrNotFound)
		default:
			return fmt.Errorf("watch events: %w", err)
		}
	}
}

// start opens a reader where q says.
func (j *Journal) start(q query) (*reader, error) {
	segs, err := j.segments()
	if err != nil {
		return nil, err
	}
	e, err := j.findEnd(segs)
	if err != nil {
		return nil, err
	}
	switch {
	case q.After > 0:
		return j.startAfter(segs, q.After, e)
	case !q.Since.IsZero():
		return j.startSince(segs, q.Since)
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
