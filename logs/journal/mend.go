package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// mend makes f end in a whole record and returns its size. A torn record keeps
// the text that it has, if its head is whole.
func mend(f *os.File) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := fi.Size()
	start, err := lineStart(f, size)
	if err != nil || start == size {
		return size, err
	}
	tail := make([]byte, min(size-start, int64(maxRecord)))
	if _, err := f.ReadAt(tail, start); err != nil {
		return 0, err
	}
	var p parser
	if _, ok := p.parse(tail); ok && bytes.IndexByte(tail, 0) < 0 {
		_, err := f.WriteAt([]byte{'\n'}, size)
		return size + 1, err
	}
	// A hole of zeros, as a loss of power leaves them, or half a head.
	return start, f.Truncate(start)
}

// lineStart returns the offset behind the last newline before end.
func lineStart(f io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 32<<10)
	for end > 0 {
		b := buf[:min(end, int64(len(buf)))]
		if _, err := f.ReadAt(b, end-int64(len(b))); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return end - int64(len(b)) + int64(i) + 1, nil
		}
		end -= int64(len(b))
	}
	return 0, nil
}

// mendIndex makes the index agree with the segment: a whole header, whole
// entries, none behind the segment's end.
func (s *segment) mendIndex() error {
	x, err := openIndex(s.idx.Name())
	if err != nil {
		return err
	}
	defer x.close()
	s.marked = -1
	n := x.n
	for n > 0 {
		m, err := x.at(n - 1)
		if err != nil {
			return err
		}
		if m.offset < s.size && m.offset >= 0 {
			s.marked = m.offset
			break
		}
		n--
	}
	s.idxSize = int64(len(indexHead)) + int64(n)*indexEntry
	if _, err := s.idx.WriteAt([]byte(indexHead), 0); err != nil {
		return err
	}
	return s.idx.Truncate(s.idxSize)
}

// lastTime returns the time of the last whole record of all segments, 0 if
// there is none.
func lastTime(dir string, nums []int) (int64, error) {
	for i := len(nums) - 1; i >= 0; i-- {
		f, err := os.Open(segmentPath(dir, nums[i]))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("open segment: %w", err)
		}
		b := newBackward(f)
		rec, ok, err := b.next()
		f.Close()
		if err != nil {
			return 0, fmt.Errorf("read segment %s: %w", f.Name(), err)
		}
		if ok {
			return rec.Nano, nil
		}
	}
	return 0, nil
}
