package feed

import (
	"slices"
	"time"

	"gantry/logs"
)

// ring keeps the newest lines of what is added. Lines have numbers that stay:
// the first one that was ever added is 0.
type ring struct {
	lines []Line // the oldest is at start; what is before it has gone
	start int
	first int64 // number of the oldest
	bytes int
	open  [2]bool // per stream: its last record goes on in the next
}

// read makes a line of an entry, which it copies.
func (r *ring) read(e logs.Entry) Line {
	if e.Mark != "" {
		return Line{Pos: e.Pos, Time: e.Time, Mark: true, Raw: e.Mark}
	}
	stderr, open := e.Stream == logs.Stderr, &r.open[0]
	if stderr {
		open = &r.open[1]
	}
	l := Line{Pos: e.Pos, Time: e.Time, Stderr: stderr, Cont: *open, Raw: string(e.Line)}
	*open = e.Partial
	return l
}

// add keeps at most most lines and most bytes; the newest stays however long
// it is.
func (r *ring) add(l Line, most, bytes int) {
	for r.kept() > 0 && (r.kept() >= most || r.bytes+l.size() > bytes) {
		r.drop()
	}
	r.lines = append(r.lines, l)
	r.bytes += l.size()
}

func (r *ring) drop() {
	r.bytes -= r.lines[r.start].size()
	r.lines[r.start] = Line{} // its text can go
	r.start++
	r.first++
	if r.start >= 1024 && r.start*2 >= len(r.lines) {
		r.lines = slices.Delete(r.lines, 0, r.start)
		r.start = 0
	}
}

func (r *ring) kept() int { return len(r.lines) - r.start }

// end is the number that the next line will have.
func (r *ring) end() int64 { return r.first + int64(r.kept()) }

// newest is the time of the newest line, and the place of the newest that has
// one.
func (r *ring) newest() (at time.Time, place logs.Pos) {
	for i := len(r.lines) - 1; i >= r.start; i-- {
		if at.IsZero() {
			at = r.lines[i].Time
		}
		if r.lines[i].Pos.Known() {
			return at, r.lines[i].Pos
		}
	}
	return at, place
}

// copy is the lines from one number up to another, as far as they are kept.
func (r *ring) copy(from, to int64) []Line {
	from, to = max(from, r.first), min(to, r.end())
	if from >= to {
		return nil
	}
	return slices.Clone(r.lines[r.start:][from-r.first : to-r.first])
}
