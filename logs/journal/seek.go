package journal

import (
	"errors"
	"io/fs"
	"os"

	"gantry/logs"
)

// start finds where reading begins.
func (rd *reading) start() (Pos, error) {
	nums, err := segments(rd.r.dir)
	if err != nil || len(nums) == 0 {
		return Pos{}, err
	}
	var start Pos
	if rd.q.Tail >= 0 {
		if start, err = rd.tail(nums); err != nil {
			return Pos{}, err
		}
	}
	if rd.since > 0 {
		since, err := seek(rd.r.dir, nums, rd.since)
		if err != nil {
			return Pos{}, err
		}
		if start.Before(since) {
			start = since
		}
	}
	if start.Before(rd.q.After) {
		start = rd.q.After
	}
	return start, nil
}

// seek returns the position of the first record whose time is nano or later,
// or the end.
func seek(dir string, nums []int, nano int64) (Pos, error) {
	for i := len(nums) - 1; i >= 0; i-- {
		f, err := os.Open(segmentPath(dir, nums[i]))
		if errors.Is(err, fs.ErrNotExist) {
			break // and so are the older ones
		}
		if err != nil {
			return Pos{}, err
		}
		off, before, err := seekIn(f, indexPath(dir, nums[i]), nano)
		f.Close()
		if err != nil {
			return Pos{}, err
		}
		if before {
			return Pos{Segment: nums[i], Offset: off}, nil
		}
	}
	return Pos{Segment: nums[0]}, nil
}

// seekIn does it in one segment. before tells that the segment has an earlier
// record, so that older segments need not be looked at.
func seekIn(f *os.File, idx string, nano int64) (off int64, before bool, err error) {
	s := scanner{f: f}
	rec, ok, err := s.next(-1)
	if err != nil || !ok || rec.Nano >= nano {
		return 0, false, err
	}
	x, err := openIndex(idx)
	if err != nil {
		return 0, false, err
	}
	from := x.before(nano)
	x.close()
	if !trusted(f, from, nano) {
		from = 0
	}
	s = scanner{f: f, off: from}
	for {
		rec, ok, err := s.next(-1)
		if err != nil || !ok {
			return s.off, true, err
		}
		if rec.Nano >= nano {
			return s.start, true, nil
		}
	}
}

// trusted tells whether a record from before nano starts at off.
func trusted(f *os.File, off, nano int64) bool {
	fi, err := f.Stat()
	if err != nil || off < 1 || off >= fi.Size() {
		return false
	}
	var b [1 + headLen]byte
	if _, err := f.ReadAt(b[:], off-1); err != nil || b[0] != '\n' {
		return false
	}
	var p parser
	rec, ok := p.parse(b[1:])
	return ok && rec.Nano < nano
}

// tail returns where the last q.Tail lines before until start. A line that is
// still unfinished counts as one. The first line may lack its beginning where
// it is long and another stream's line lies in its middle.
func (rd *reading) tail(nums []int) (Pos, error) {
	end := Pos{Segment: nums[len(nums)-1], Offset: -1}
	if rd.until < 1<<63-1 {
		var err error
		if end, err = seek(rd.r.dir, nums, rd.until+1); err != nil {
			return Pos{}, err
		}
	}
	if b := rd.q.Before; b.Known() && (end.Offset < 0 || b.Before(end)) {
		end = b
	}
	count := tailCount{want: rd.q.Tail, wants: rd.wants}
	for i := len(nums) - 1; i >= 0; i-- {
		if nums[i] > end.Segment {
			continue
		}
		off := int64(-1)
		if nums[i] == end.Segment {
			off = end.Offset
		}
		at, done, err := count.segment(segmentPath(rd.r.dir, nums[i]), off)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil || done {
			return Pos{Segment: nums[i], Offset: at}, err
		}
	}
	return Pos{Segment: nums[0]}, nil
}

// tailCount counts lines backwards.
type tailCount struct {
	want  int
	wants func(stream logs.Stream) bool
	lines int
	begun [2]bool // per stream: its last record was met
}

// segment counts in one segment before end (negative: its end). It is done
// when the first record that is not wanted was met, and returns the offset
// behind that.
func (c *tailCount) segment(path string, end int64) (at int64, done bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	b := newBackward(f)
	b.end = end
	if err := b.begin(); err != nil {
		return 0, false, err
	}
	for {
		at = b.end
		rec, ok, err := b.next()
		if err != nil || !ok {
			return 0, false, err
		}
		if c.wants(rec.Stream) && !c.take(rec) {
			return at, true, nil
		}
	}
}

// take counts a record if it is still wanted.
func (c *tailCount) take(rec Record) bool {
	s := slot(rec.Stream)
	if !rec.Partial || !c.begun[s] {
		if c.lines == c.want {
			return false
		}
		c.lines++
	}
	c.begun[s] = true
	return true
}
