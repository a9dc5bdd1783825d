package journal

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"gantry/logs"
)

// Reader reads a journal that may be written to meanwhile. It is safe for
// concurrent use.
type Reader struct {
	dir     string
	skipped atomic.Int64
}

// Open reads the journal in dir, which need not exist yet.
func Open(dir string) (*Reader, error) {
	if _, err := segments(dir); err != nil {
		return nil, err
	}
	return &Reader{dir: dir}, nil
}

// Skipped is the number of bytes that were no records, as far as was read.
func (r *Reader) Skipped() int64 { return r.skipped.Load() }

// Entries yields what q chooses, oldest first. Each Line is valid until the
// next entry is asked for. Since and Until are both inclusive, After and Before
// are not; Tail counts the chosen streams' lines before Until and Before.
//
// With q.Follow it waits for more at the end, until ended has told that no
// more comes (nil: never) and all is read, or Until has passed, or the journal
// is removed. Damaged or rotated-away parts are told by a mark if q.Marks is
// set. An error, ctx's included, is the last thing yielded.
func (r *Reader) Entries(ctx context.Context, q logs.Query, ended func() bool) iter.Seq2[logs.Entry, error] {
	return func(yield func(logs.Entry, error) bool) {
		rd := &reading{r: r, q: q, ended: ended, yield: yield, until: nanos(q.Until, 1<<63-1), since: nanos(q.Since, 0)}
		if err := rd.run(ctx); err != nil && !rd.stopped {
			yield(logs.Entry{}, err)
		}
	}
}

func nanos(t time.Time, zero int64) int64 {
	if t.IsZero() {
		return zero
	}
	return t.UnixNano()
}

// reading is one run of Entries.
type reading struct {
	r       *Reader
	q       logs.Query
	ended   func() bool
	yield   func(logs.Entry, error) bool
	since   int64
	until   int64
	cur     *Cursor
	skipped int64
	lost    int
	last    int64 // time of the last record
	stopped bool  // yield does not want more
	beyond  bool  // a record after until was met
}

func (rd *reading) run(ctx context.Context) error {
	var w *watcher
	if rd.q.Follow {
		// Before the first look at the files: what comes in between is told.
		w = newWatcher(rd.r.dir)
		defer w.close()
	}
	start, err := rd.start()
	if err != nil {
		return err
	}
	rd.cur = NewCursor(rd.r.dir, start)
	defer rd.cur.Close()
	for {
		// Asked before the read: all that was written before the end is there.
		over := rd.over() || w != nil && w.gone
		if err := rd.drain(ctx); err != nil || rd.stopped || rd.beyond || over {
			return err
		}
		if err := w.wait(ctx, rd.q.Until); err != nil {
			return err
		}
	}
}

func (rd *reading) over() bool {
	if !rd.q.Follow || rd.q.Before.Known() || rd.ended != nil && rd.ended() {
		return true
	}
	return !rd.q.Until.IsZero() && !time.Now().Before(rd.q.Until)
}

// drain yields what is there.
func (rd *reading) drain(ctx context.Context) error {
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		rec, ok, err := rd.cur.Next(rd.q.Before)
		if err != nil {
			return fmt.Errorf("read journal %s: %w", rd.r.dir, err)
		}
		rd.notes()
		if !ok || rd.stopped {
			return nil
		}
		if rec.Nano > rd.until {
			rd.beyond = true
			return nil
		}
		rd.last = rec.Nano
		pos := rd.cur.Pos()
		if rec.Nano < rd.since || !rd.wants(rec.Stream) || !rd.q.After.Before(pos) {
			continue
		}
		e := logs.Entry{Pos: pos, Time: time.Unix(0, rec.Nano).UTC(), Stream: rec.Stream, Line: rec.Text, Partial: rec.Partial}
		if !rd.yield(e, nil) {
			rd.stopped = true
			return nil
		}
	}
}

func (rd *reading) wants(s logs.Stream) bool {
	if s == logs.Stderr {
		return rd.q.Stderr
	}
	return rd.q.Stdout
}

// notes tells of what could not be read since it was called last.
func (rd *reading) notes() {
	if n := rd.cur.Skipped() - rd.skipped; n > 0 {
		rd.skipped += n
		rd.r.skipped.Add(n)
		rd.mark(fmt.Sprintf("%d damaged bytes of the log skipped", n))
	}
	if n := rd.cur.Lost() - rd.lost; n > 0 {
		rd.lost += n
		rd.mark("part of the log was rotated away before it was read")
	}
}

func (rd *reading) mark(text string) {
	if !rd.q.Marks || rd.stopped {
		return
	}
	e := logs.Entry{Time: time.Unix(0, max(rd.last, rd.since)).UTC(), Mark: text}
	rd.stopped = !rd.yield(e, nil)
}
