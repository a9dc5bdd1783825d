package feed

import (
	"context"
	"slices"
	"time"

	"gantry/engine"
	"gantry/logs"
)

// Line is one record of a log as it is kept: what was printed, byte for byte.
// The journal cuts a very long line into several.
type Line struct {
	Pos    logs.Pos // unknown for most marks
	Time   time.Time
	Stderr bool
	Mark   bool // Raw is no output but what happened to the container
	Cont   bool // goes on from the record before it in its stream
	Raw    string
}

// size is what a line costs in memory, roughly.
func (l Line) size() int { return 96 + len(l.Raw) }

// Source is the log of one container, as much of it as is chosen.
type Source struct {
	Engine engine.Engine
	ID     engine.ID
	// Without hides one of the streams; 0 none.
	Without logs.Stream
	// Since leaves out what is older; zero: nothing.
	Since time.Time
	// Keep, if set, makes what chooses lines, asked in the order in which they
	// were printed: one that goes on from another goes with it. Marks stay.
	Keep func() func(Line) bool
}

func (s Source) query() logs.Query {
	return logs.Query{Tail: -1, Since: s.Since, Stdout: s.Without != logs.Stdout, Stderr: s.Without != logs.Stderr, Marks: true}
}

// Page is a part of a log without gaps.
type Page struct {
	Lines []Line
	Head  bool // there is nothing older
	End   bool // there was nothing newer
	Err   error
}

// How much a page holds at most. The second counts where lines are long.
const (
	PageLines = 2000
	pageBytes = 4 << 20
)

// Last reads the newest n lines, at most bytes of them.
func (s Source) Last(ctx context.Context, n, bytes int) Page {
	q := s.query()
	q.Tail = n
	return s.sifted(ctx, s.backward(ctx, q, bytes, func(Line) bool { return true }))
}

// Older reads what is before a line that is the first of a page.
func (s Source) Older(ctx context.Context, first Line, pos logs.Pos) Page {
	return s.sifted(ctx, s.older(ctx, first, pos))
}

func (s Source) older(ctx context.Context, first Line, pos logs.Pos) Page {
	q := s.query()
	q.Tail, q.Until, q.Before = PageLines, first.Time, pos
	// A mark has no place: only its time tells whether it is there already.
	return s.backward(ctx, q, pageBytes, func(l Line) bool { return l.Pos.Known() || l.Time.Before(first.Time) })
}

// backward reads a page that ends where q ends, and keeps its newest part.
func (s Source) backward(ctx context.Context, q logs.Query, bytes int, wants func(Line) bool) Page {
	var r ring
	lines := 0
	for e, err := range s.Engine.Containers().Logs(ctx, string(s.ID), q) {
		if err != nil {
			return Page{Err: err}
		}
		if l := r.read(e); wants(l) {
			r.add(l, 2*q.Tail, bytes)
		}
		if e.Mark == "" && !e.Partial {
			lines++
		}
	}
	// One less may be all that was asked for: an unfinished line counts.
	p := Page{Lines: r.copy(r.first, r.end()), Head: r.first == 0 && lines < q.Tail-1, End: true}
	if !p.Head {
		p.Lines = withoutLead(p.Lines)
	}
	return p
}

// withoutLead leaves out the marks before the first line: they are all that the
// engine knows of from before the page, and belong between older lines.
func withoutLead(lines []Line) []Line {
	for i, l := range lines {
		if !l.Mark {
			return lines[i:]
		}
	}
	return nil
}

// How many of the lines of a page may be chosen at least, and how many pages are
// read for that. One line is looked for in all that there are: without it there
// is nowhere to go on from.
const (
	fewLines  = 200
	siftPages = 50
)

// sifted chooses among the lines of a page, and reads older ones where that
// leaves too few.
func (s Source) sifted(ctx context.Context, p Page) Page {
	if s.Keep == nil {
		return p
	}
	var kept []Line
	for pages := 1; p.Err == nil; pages++ {
		kept = slices.Concat(s.chosen(p.Lines), kept)
		placed := slices.IndexFunc(p.Lines, func(l Line) bool { return l.Pos.Known() })
		enough := len(kept) >= fewLines || pages >= siftPages && slices.ContainsFunc(kept, func(l Line) bool { return l.Pos.Known() })
		if p.Head || placed < 0 || enough || ctx.Err() != nil {
			break
		}
		p = s.older(ctx, p.Lines[0], p.Lines[placed].Pos)
	}
	p.Lines = kept
	return p
}

func (s Source) chosen(lines []Line) []Line {
	keep, out := s.keeps(), make([]Line, 0, len(lines))
	for _, l := range lines {
		if keep(l) {
			out = append(out, l)
		}
	}
	return out
}

// keeps is what chooses lines of one reading.
func (s Source) keeps() func(Line) bool {
	if s.Keep == nil {
		return func(Line) bool { return true }
	}
	return s.Keep()
}

// At reads what was printed from a time on.
func (s Source) At(ctx context.Context, at time.Time) Page {
	q := s.query()
	if at.After(q.Since) {
		q.Since = at
	}
	p := s.forward(ctx, q, func(l Line) bool { return !l.Mark || !l.Time.Before(at) })
	p.Head = q.Since.Equal(s.Since)
	return p
}

// Around reads what is before and after a line, which need not be among those
// that are chosen.
func (s Source) Around(ctx context.Context, l Line) Page {
	p := s.At(ctx, l.Time)
	first := slices.IndexFunc(p.Lines, func(l Line) bool { return l.Pos.Known() })
	if p.Err != nil || p.Head || first < 0 {
		return p
	}
	older := s.Older(ctx, p.Lines[0], p.Lines[first].Pos)
	return Page{Lines: slices.Concat(older.Lines, p.Lines), Head: older.Head, End: p.End, Err: older.Err}
}

// Oldest reads the beginning of the log.
func (s Source) Oldest(ctx context.Context) Page {
	p := s.forward(ctx, s.query(), func(Line) bool { return true })
	p.Head = true
	return p
}

// Newer reads what is behind a line that is the last of a page.
func (s Source) Newer(ctx context.Context, last Line, pos logs.Pos) Page {
	q := s.query()
	q.Since, q.After = last.Time, pos
	return s.forward(ctx, q, func(l Line) bool { return l.Pos.Known() || l.Time.After(last.Time) })
}

func (s Source) forward(ctx context.Context, q logs.Query, wants func(Line) bool) Page {
	var r ring
	bytes, keep := 0, s.keeps()
	for e, err := range s.Engine.Containers().Logs(ctx, string(s.ID), q) {
		if err != nil {
			return Page{Err: err}
		}
		l := r.read(e)
		if !wants(l) || !keep(l) {
			continue
		}
		r.add(l, PageLines, 2*pageBytes)
		if bytes += l.size(); r.end() >= PageLines || bytes >= pageBytes {
			return Page{Lines: r.lines}
		}
	}
	return Page{Lines: r.lines, End: true}
}
