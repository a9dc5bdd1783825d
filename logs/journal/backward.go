package journal

import (
	"bytes"
	"os"
)

// backward reads the records of one segment from its end to its start.
type backward struct {
	f      *os.File
	buf    []byte
	base   int64 // offset of buf in f
	end    int64 // what lies before it is unread
	parser parser
	begun  bool
}

func newBackward(f *os.File) *backward { return &backward{f: f, end: -1} }

// next returns the record before the last one, and leaves its offset in end.
func (b *backward) next() (Record, bool, error) {
	if err := b.begin(); err != nil {
		return Record{}, false, err
	}
	for b.end > 0 {
		line, err := b.line()
		if err != nil {
			return Record{}, false, err
		}
		if rec, ok := b.parser.parse(line); ok {
			return rec, true, nil
		}
	}
	return Record{}, false, nil
}

// begin finds the end of the last whole line before end.
func (b *backward) begin() error {
	if b.begun {
		return nil
	}
	b.begun = true
	fi, err := b.f.Stat()
	if err != nil {
		return err
	}
	if b.end < 0 || b.end > fi.Size() {
		b.end = fi.Size()
	}
	b.end, err = lineStart(b.f, b.end)
	b.base = b.end
	return err
}

// line returns the line that ends at end, without its newline, and moves end
// to its start. Of a line that is longer than a record nothing is returned.
func (b *backward) line() ([]byte, error) {
	for {
		b.buf = b.buf[:max(b.end-b.base, 0)]
		if n := len(b.buf); n > 0 {
			i := bytes.LastIndexByte(b.buf[:n-1], '\n')
			if i >= 0 || b.base == 0 {
				b.end = b.base + int64(i) + 1
				return b.buf[i+1 : n-1], nil
			}
			if n == readSize {
				var err error
				b.end, err = lineStart(b.f, b.base)
				b.base = b.end
				return nil, err
			}
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}

func (b *backward) fill() error {
	if cap(b.buf) == 0 {
		b.buf = make([]byte, readSize)
	}
	n := min(b.end, readSize)
	b.base = b.end - n
	b.buf = b.buf[:n]
	_, err := b.f.ReadAt(b.buf, b.base)
	return err
}
