package events

import (
	"context"

	"gantry/engine"
	"gantry/internal/dirwatch"
)

// SetLimits makes segments small enough for tests.
func SetLimits(j *Journal, size int64, keep int) { j.size, j.keep = size, keep }

// Includes runs a filter alone.
func Includes(f engine.Filters, ev engine.Event) (bool, error) {
	m, err := newFilter(f)
	return err == nil && m.includes(ev), err
}

// FollowCounting watches as Watch does and returns how often it was woken.
func FollowCounting(ctx context.Context, j *Journal, opts engine.WatchOptions, yield func(engine.Event) bool) (int, error) {
	changes, err := dirwatch.New(ctx, j.dir, dirwatch.Changes)
	if err != nil {
		return 0, err
	}
	defer changes.Close()
	q := query{WatchOptions: opts}
	r, err := j.start(q)
	if err != nil {
		return 0, err
	}
	defer r.close()
	err = r.follow(ctx, q, changes, yield)
	return changes.Wakeups(), err
}
