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

// Entry is one line of output, or a mark.
type Entry struct {
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
	Stdout bool
	Stderr bool
	Marks  bool // include lifecycle marks
}
