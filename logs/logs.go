package logs

import "time"

// Stream is one of a program's output streams.
type Stream uint8

const (
	Stdout Stream = 1
	Stderr Stream = 2
)

func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// Pos is the place of an entry in the log of its source. Places grow with the
// log and are good for one thing, to go on reading from there; what the numbers
// mean is the engine's. Zero: it is not known.
type Pos struct {
	Segment int
	Offset  int64
}

// Before tells whether p comes before q.
func (p Pos) Before(q Pos) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

// Known tells whether p is a place at all.
func (p Pos) Known() bool { return p.Segment > 0 }

// Entry is one line of output, or a mark.
type Entry struct {
	Pos    Pos
	Time   time.Time // UTC; never before the entry ahead of it in the same source
	Stream Stream
	// Line has no newline at its end. It is valid until the next entry is
	// asked for: whoever keeps it copies it.
	Line []byte
	// Partial says that the line goes on in the next entry of its stream (the
	// P tag of the CRI log format).
	Partial bool
	// Source is the container that wrote it, where several are merged.
	Source string
	// Mark is set for a lifecycle event instead of a line ("started",
	// "exited 137 (OOM killed)", "stream ended").
	Mark string
}

// Query chooses entries of one source.
type Query struct {
	Follow bool      // wait for more at the end, until the container has ended
	Tail   int       // only the last Tail lines; negative: all
	Since  time.Time // zero: from the start
	Until  time.Time // zero: to the end
	// After and Before leave only what lies behind the one entry and ahead of
	// the other. Marks may have no place, and stay.
	After  Pos
	Before Pos
	Stdout bool
	Stderr bool
	Marks  bool // include lifecycle marks
}
