package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// readSize is the read-ahead. It must exceed maxRecord: a line that does not
// fit is no record.
const readSize = 64 << 10

// scanner reads the records of one segment forward.
type scanner struct {
	f        *os.File
	buf      []byte
	r, n     int   // the unread part is buf[r:n]
	off      int64 // of buf[r] in f
	start    int64 // of the last record
	parser   parser
	skipping bool  // in a line that is too long for a record
	skipped  int64 // bytes that were no records
}

// next returns the next record that starts before limit (negative: none). It
// returns false at the end of the file, and can be called again when the file
// has grown. What follows the last newline is read anew then: a writer that
// mends the journal may have replaced it.
func (s *scanner) next(limit int64) (Record, bool, error) {
	for limit < 0 || s.off < limit {
		b := s.buf[s.r:s.n]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			rec, ok := s.line(b[:i])
			if !ok {
				continue
			}
			return rec, true, nil
		}
		if len(b) == len(s.buf) && len(b) > 0 {
			s.skip(len(b))
			s.skipping = true
			continue
		}
		if more, err := s.fill(); err != nil || !more {
			return Record{}, false, err
		}
	}
	return Record{}, false, nil
}

// line takes a line out of the buffer.
func (s *scanner) line(b []byte) (Record, bool) {
	if !s.skipping {
		if rec, ok := s.parser.parse(b); ok {
			s.start = s.off
			s.r += len(b) + 1
			s.off += int64(len(b) + 1)
			return rec, true
		}
	}
	s.skipping = false
	s.skip(len(b) + 1)
	return Record{}, false
}

func (s *scanner) skip(n int) {
	s.r += n
	s.off += int64(n)
	s.skipped += int64(n)
}

func (s *scanner) fill() (bool, error) {
	if s.buf == nil {
		s.buf = make([]byte, readSize)
	}
	s.n = copy(s.buf, s.buf[s.r:s.n])
	s.r = 0
	n, err := s.f.ReadAt(s.buf[s.n:], s.off+int64(s.n))
	s.n += n
	if n > 0 {
		return true, nil
	}
	s.n = 0
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return false, err
}

// reset goes on in f at off. The buffer stays.
func (s *scanner) reset(f *os.File, off int64) {
	if s.f != nil {
		s.f.Close()
	}
	s.f, s.off, s.r, s.n, s.skipping = f, off, 0, 0, false
}

// Cursor reads the records of a journal forward, across its segments, while it
// grows and rotates.
type Cursor struct {
	dir   string
	seg   int
	sc    scanner
	held  []held
	final bool // a later segment was seen: what sc finds from now on is all
	lost  int  // segments that were removed before they were read
}

type held struct {
	num int
	f   *os.File
}

// NewCursor begins at pos. Segment 0 is the oldest that exists when Next is
// called.
func NewCursor(dir string, pos Pos) *Cursor {
	c := &Cursor{dir: dir, seg: pos.Segment}
	c.sc.off = pos.Offset
	return c
}

// Hold opens the segments up to the one numbered last, so that this cursor can
// read them after rotation has removed them.
func (c *Cursor) Hold(last int) error {
	from := c.seg + 1
	if c.sc.f == nil {
		from = max(c.seg, 1)
	}
	if n := len(c.held); n > 0 {
		from = c.held[n-1].num + 1
	}
	for num := from; num <= last; num++ {
		f, err := os.Open(segmentPath(c.dir, num))
		if errors.Is(err, fs.ErrNotExist) {
			continue // counted as lost when it is stepped over
		}
		if err != nil {
			return fmt.Errorf("open segment: %w", err)
		}
		c.held = append(c.held, held{num, f})
	}
	return nil
}

// Held is the number of segments that only wait to be read.
func (c *Cursor) Held() int { return len(c.held) }

// Lost is the number of segments that were removed before they could be read,
// Skipped the number of bytes that were no records.
func (c *Cursor) Lost() int      { return c.lost }
func (c *Cursor) Skipped() int64 { return c.sc.skipped }

// Pos is where the last record starts.
func (c *Cursor) Pos() Pos { return Pos{Segment: c.seg, Offset: c.sc.start} }

// Next returns the next record that starts before limit (zero: no limit), or
// false when there is none yet.
func (c *Cursor) Next(limit Pos) (Record, bool, error) {
	for {
		if c.sc.f == nil {
			if ok, err := c.first(); err != nil || !ok {
				return Record{}, false, err
			}
		}
		bound := int64(-1)
		if limit.Segment > 0 {
			if c.seg > limit.Segment {
				return Record{}, false, nil
			}
			if c.seg == limit.Segment {
				bound = limit.Offset
			}
		}
		rec, ok, err := c.sc.next(bound)
		if ok || err != nil {
			return rec, ok, err
		}
		if bound >= 0 {
			return Record{}, false, nil
		}
		if ok, err := c.advance(); err != nil || !ok {
			return Record{}, false, err
		}
	}
}

// first opens the segment at which the cursor was put, or the oldest one that
// is left after it.
func (c *Cursor) first() (bool, error) {
	f, num, err := c.after(c.seg - 1)
	if err != nil || f == nil {
		return false, err
	}
	off := c.sc.off
	if num != c.seg {
		off = 0
		c.miss(num - c.seg)
	}
	c.seg = num
	c.sc.reset(f, off)
	return true, nil
}

// advance moves to the next segment if there is one. The first time that it is
// seen, the current one is read once more: its last records may have come
// between its end being met and the rotation.
func (c *Cursor) advance() (bool, error) {
	f, num, err := c.after(c.seg)
	if err != nil || f == nil {
		return false, err
	}
	if !c.final {
		c.final = true
		c.held = append([]held{{num, f}}, c.held...)
		return true, nil
	}
	c.final = false
	c.miss(num - c.seg - 1)
	c.seg = num
	c.sc.reset(f, 0)
	return true, nil
}

func (c *Cursor) miss(n int) {
	if c.seg > 0 {
		c.lost += n
	}
}

// after opens the first segment behind num, nil if there is none.
func (c *Cursor) after(num int) (*os.File, int, error) {
	if len(c.held) > 0 {
		h := c.held[0]
		c.held = slices.Delete(c.held, 0, 1)
		return h.f, h.num, nil
	}
	if num >= 0 {
		f, err := os.Open(segmentPath(c.dir, num+1))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return f, num + 1, err
		}
		if c.sc.f != nil && !removed(c.sc.f) {
			return nil, 0, nil // segments go in order: no later one has gone
		}
	}
	return c.oldest(num)
}

func (c *Cursor) oldest(after int) (*os.File, int, error) {
	nums, err := segments(c.dir)
	if err != nil {
		return nil, 0, err
	}
	for _, n := range nums {
		if n <= after {
			continue
		}
		f, err := os.Open(segmentPath(c.dir, n))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return f, n, err
	}
	return nil, 0, nil
}

// removed tells whether rotation has taken the file's name away.
func removed(f *os.File) bool {
	_, err := os.Stat(f.Name())
	return errors.Is(err, fs.ErrNotExist)
}

// Close frees the segments.
func (c *Cursor) Close() {
	if c.sc.f != nil {
		c.sc.f.Close()
	}
	for _, h := range c.held {
		h.f.Close()
	}
	c.held = nil
}
