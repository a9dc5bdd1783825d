package events

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gantry/engine"
)

// end is what the last segment says about where the journal stands.
type end struct {
	seg  segment // 0: there is none yet
	seq  engine.Seq
	time time.Time
	// open is an intent without a verdict.
	open *line
	// size is where the last complete line ends; what follows is torn.
	size int64
	// resume is where an open intent begins, else size.
	resume int64
}

// settled is the last number that readers have seen the end of.
func (e *end) settled() engine.Seq {
	if e.open != nil {
		return e.open.Seq - 1
	}
	return e.seq
}

// findEnd reads the last segment backwards. A segment without a single good
// line takes its number from its name and its time from the one before. It may
// run beside a writer.
func (j *Journal) findEnd(segs []segment) (*end, error) {
	e := &end{seq: birth}
	for i := len(segs) - 1; i >= 0; i-- {
		found, err := j.segmentEnd(segs[i])
		if errors.Is(err, os.ErrNotExist) {
			continue // pruned meanwhile
		}
		if err != nil {
			return nil, err
		}
		if e.seg == 0 {
			e = found
		} else {
			e.time = found.time
		}
		if !e.time.IsZero() {
			break
		}
	}
	return e, nil
}

func (j *Journal) segmentEnd(s segment) (*end, error) {
	f, err := os.Open(j.path(s))
	if err != nil {
		return nil, fmt.Errorf("read event journal: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read event journal: %w", err)
	}
	e := &end{seg: s, seq: engine.Seq(s) - 1}
	for block := int64(16 << 10); ; block *= 8 {
		start := max(0, st.Size()-block)
		b := make([]byte, st.Size()-start)
		n, err := f.ReadAt(b, start)
		if err != nil && err != io.EOF { // EOF: a torn tail was cut meanwhile
			return nil, fmt.Errorf("read event journal: %w", err)
		}
		if e.scan(b[:n], start) || start == 0 {
			return e, nil
		}
	}
}

// scan looks for the last good line in the bytes of a segment that begin at
// offset start. It reports false when there is none.
func (e *end) scan(b []byte, start int64) bool {
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	e.size = start + int64(len(b))
	e.resume = e.size
	e.seq = engine.Seq(e.seg) - 1
	var corrupt engine.Seq
	for len(b) > 0 {
		from := bytes.LastIndexByte(b[:len(b)-1], '\n') + 1
		if from == 0 && start > 0 {
			return false // its beginning lies before the block
		}
		l, ok := decode(b[from:len(b)-1], e.seg)
		if ok {
			// A corrupt line may have been an event: its number is not used again.
			e.seq, e.time = l.Seq+corrupt, l.Time
			if l.Intent != nil {
				e.open, e.resume = &l, start+int64(from)
			}
			return true
		}
		if is, _ := isHeader(b[from : len(b)-1]); !is {
			corrupt++
		}
		b = b[:from]
	}
	e.seq += corrupt
	return false
}
