package feed

import (
	"context"
	"errors"
	"sync"
)

// How much a LogFeed keeps in memory; the whole log stays on disk.
const (
	KeptLines = 5000
	keptBytes = 8 << 20
)

// LogFeed follows a log and keeps its last lines.
type LogFeed struct {
	src    Source
	guard  guard
	notify chan struct{}
	again  chan struct{}

	mu      sync.Mutex // guards the rest
	ring    ring
	printed int  // lines that were printed, without marks
	loaded  bool // what was there at the beginning has been read
	head    bool // the oldest line of the ring was the first of the log then
	seen    bool // something was told
	ended   bool
	err     error
	leave   context.CancelFunc // ends the present stream
}

// Status is where a feed stands.
type Status struct {
	First, End int64 // numbers of the oldest line that is kept, and behind the newest
	Printed    int   // lines so far, without marks; where Head is not set, since the feed began
	Loaded     bool
	Head       bool // nothing is older than First
	Ended      bool // no more lines come, unless the container starts again
	Err        error
}

// NewLog starts to follow; it ends with ctx.
func NewLog(ctx context.Context, src Source) *LogFeed {
	f := &LogFeed{src: src, notify: make(chan struct{}, 1), again: make(chan struct{}, 1)}
	go f.guard.run(func() { f.run(ctx) }, f.wake)
	return f
}

// run reads the end of the log, and then what comes. A stream that has ended
// is begun again when Again says that there may be more.
func (f *LogFeed) run(ctx context.Context) {
	f.load(f.src.Last(ctx, KeptLines, keptBytes))
	for ctx.Err() == nil {
		stream, leave := context.WithCancel(ctx)
		f.mu.Lock()
		f.leave = leave
		f.mu.Unlock()
		err := f.follow(stream)
		interrupted := stream.Err() != nil
		leave()
		if !interrupted {
			f.finish(err)
		}
		select {
		case <-f.again:
		case <-ctx.Done():
		}
	}
}

func (f *LogFeed) load(p Page) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range p.Lines {
		f.add(l)
	}
	f.head, f.loaded = p.Head && f.ring.first == 0, p.Err == nil
	f.wake()
}

// add needs mu.
func (f *LogFeed) add(l Line) {
	f.ring.add(l, KeptLines, keptBytes)
	if !l.Mark && !l.Cont {
		f.printed++
	}
}

// follow reads from behind the newest line on. Marks may come once more,
// because they have no place; their time tells.
func (f *LogFeed) follow(ctx context.Context) error {
	q := f.src.query()
	q.Follow = true
	f.mu.Lock()
	newest, place := f.ring.newest()
	f.mu.Unlock()
	if q.After = place; !newest.IsZero() {
		q.Since = newest
	}
	if !newest.IsZero() && !place.Known() {
		q.Since = newest.Add(1) // an engine that has no places
	}
	keep := f.src.keeps()
	for e, err := range f.src.Engine.Containers().Logs(ctx, string(f.src.ID), q) {
		if err != nil {
			return err
		}
		f.mu.Lock()
		if l := f.ring.read(e); (l.Pos.Known() || !l.Mark || l.Time.After(newest)) && keep(l) {
			f.add(l)
		}
		f.loaded, f.ended, f.err = true, false, nil
		f.mu.Unlock()
		f.wake()
	}
	return nil
}

func (f *LogFeed) finish(err error) {
	f.mu.Lock()
	f.ended, f.loaded = true, true
	f.err = nil
	if !errors.Is(err, context.Canceled) {
		f.err = err
	}
	f.mu.Unlock()
	f.wake()
}

func (f *LogFeed) wake() {
	select {
	case f.notify <- struct{}{}:
	default:
	}
}

// Again looks for more, where the stream has ended and for marks that came
// meanwhile.
func (f *LogFeed) Again() {
	select {
	case f.again <- struct{}{}:
	default:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leave != nil {
		f.leave()
	}
}

// Next waits for new lines, and then for the end of the frame that they began;
// false when ctx has ended.
func (f *LogFeed) Next(ctx context.Context) bool {
	select {
	case <-f.notify:
	case <-ctx.Done():
		return false
	}
	f.guard.check()
	f.mu.Lock()
	first := !f.seen
	f.seen = true
	f.mu.Unlock()
	if !first { // the first answer is waited for
		wait(ctx, Frame)
	}
	return ctx.Err() == nil
}

// Status tells how far the feed is.
func (f *LogFeed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Status{f.ring.first, f.ring.end(), f.printed, f.loaded, f.head && f.ring.first == 0, f.ended, f.err}
}

// Lines copies the lines from one number up to another, as far as they are
// kept.
func (f *LogFeed) Lines(from, to int64) []Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ring.copy(from, to)
}
