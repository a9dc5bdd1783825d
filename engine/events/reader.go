package events

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"gantry/engine"
)

// chunk is how much a reader asks for at once; it grows for a longer line.
const chunk = 64 << 10

// errStopped ends a drain whose consumer has had enough.
var errStopped = errors.New("stopped")

// reader reads the journal forwards. Between two drains it keeps only where it
// is and what it has seen.
type reader struct {
	j       *Journal
	f       *os.File // nil before the first segment
	seg     segment
	off     int64
	last    engine.Seq // last number seen; only later ones are yielded
	pending *line      // an intent whose verdict has not come
	tooLong bool       // inside a line over the bound
	buf     []byte
}

func (r *reader) close() {
	if r.f != nil {
		r.f.Close()
	}
}

// drain yields everything that is there, and returns at the end of the journal.
func (r *reader) drain(yield func(engine.Event) bool) error {
	for {
		// The list comes before the reading: after a segment has a successor,
		// nobody writes to it any more, and its end is final.
		segs, err := r.j.segments()
		if err != nil {
			return err
		}
		if r.f != nil {
			if err := r.segment(yield); err != nil {
				return err
			}
		}
		next, err := r.successor(segs)
		if next == 0 || err != nil {
			return err
		}
		if err := r.open(next, 0); err != nil {
			return err
		}
	}
}

// successor finds the segment to go on with, 0 when there is none. When
// segments between were pruned, that is ErrLagged.
func (r *reader) successor(segs []segment) (segment, error) {
	for i, s := range segs {
		if s <= r.seg {
			continue
		}
		adjacent := i > 0 && segs[i-1] == r.seg
		if !adjacent && engine.Seq(s) > r.last+1 {
			return 0, lagged(r.last, engine.Seq(s))
		}
		return s, nil
	}
	return 0, nil
}

func lagged(after, oldest engine.Seq) error {
	return fmt.Errorf("read events after %d: %w: the journal goes on at %d", after, engine.ErrLagged, oldest)
}

func (r *reader) open(s segment, off int64) error {
	f, err := os.Open(r.j.path(s))
	if errors.Is(err, os.ErrNotExist) {
		return lagged(r.last, engine.Seq(s))
	}
	if err != nil {
		return fmt.Errorf("read event journal: %w", err)
	}
	r.close()
	r.f, r.seg, r.off, r.pending, r.tooLong = f, s, off, nil, false
	return nil
}

// segment yields the complete lines from the position to the end of the file.
func (r *reader) segment(yield func(engine.Event) bool) error {
	if r.buf == nil {
		r.buf = make([]byte, chunk)
	}
	for {
		n, err := r.f.ReadAt(r.buf, r.off)
		if err != nil && err != io.EOF {
			return fmt.Errorf("read event journal: %w", err)
		}
		used, stop := r.lines(r.buf[:n], yield)
		if stop != nil {
			return stop
		}
		r.off += int64(used)
		if used == 0 {
			if n < len(r.buf) {
				return nil
			}
			r.longer()
		}
	}
}

// longer makes room for a line that fills the buffer, or gives the line up.
func (r *reader) longer() {
	if len(r.buf) <= maxLine {
		r.buf = make([]byte, 2*len(r.buf))
		return
	}
	r.off += int64(len(r.buf))
	r.tooLong = true
}

// lines handles the complete lines in b and returns their length.
func (r *reader) lines(b []byte, yield func(engine.Event) bool) (int, error) {
	used := 0
	for {
		i := bytes.IndexByte(b[used:], '\n')
		if i < 0 {
			return used, nil
		}
		l := b[used : used+i]
		used += i + 1
		if err := r.line(l, yield); err != nil {
			return used, err
		}
	}
}

func (r *reader) line(b []byte, yield func(engine.Event) bool) error {
	if n := number(b); n > 0 && n <= r.last {
		return nil
	}
	if is, newer := isHeader(b); is {
		return newer
	}
	l, ok := decode(b, r.seg)
	if r.tooLong || !ok {
		r.tooLong = false
		r.j.skipped.Add(1)
		return nil
	}
	return r.take(l, yield)
}

// take yields the event of a line, now or when its verdict comes.
func (r *reader) take(l line, yield func(engine.Event) bool) error {
	switch {
	case l.Intent != nil:
		r.pending = nil
		if l.Seq > r.last {
			r.pending = &l
		}
		return nil
	case l.Settles != "":
		p := r.pending
		r.pending = nil
		r.last = max(r.last, l.Seq)
		if p == nil || p.Seq != l.Seq || l.Settles == dropped {
			return nil
		}
		l = *p
	case l.Seq <= r.last:
		return nil
	}
	r.last = l.Seq
	if !yield(l.Event) {
		return errStopped
	}
	return nil
}
