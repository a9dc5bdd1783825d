package journal

import (
	"bytes"
	"time"

	"gantry/logs"
)

const (
	stampLayout = "2006-01-02T15:04:05.000000000Z"
	stampLen    = len(stampLayout)
	headLen     = stampLen + len(" stdout F ")
	// pieceSize is the most text that a record carries, as in containerd and
	// CRI-O.
	pieceSize = 16 << 10
	maxRecord = headLen + pieceSize + 1
)

// Record is one line of a segment.
type Record struct {
	Nano    int64 // since 1970
	Stream  logs.Stream
	Partial bool
	// Text is a view of the reader's buffer, valid until the next record.
	Text []byte
}

// Raw is what the program wrote: Text, with the newline that ended it. It is a
// view as well.
func (r Record) Raw() []byte {
	if r.Partial {
		return r.Text
	}
	// In the buffer a record's newline lies right behind its text.
	return r.Text[:len(r.Text)+1]
}

// parser takes records apart. Neighbours mostly share their second, and all
// records of one chunk their whole time, so it remembers the last one.
type parser struct {
	stamp [stampLen]byte
	nano  int64
	unix  int64 // the second of stamp
}

// parse reads line, which has no newline. It is strict: whatever Writer does
// not write is no record.
func (p *parser) parse(line []byte) (Record, bool) {
	if len(line) < headLen || len(line) >= maxRecord {
		return Record{}, false
	}
	rec := Record{Text: line[headLen:]}
	switch string(line[stampLen:headLen]) {
	case " stdout F ":
		rec.Stream = logs.Stdout
	case " stderr F ":
		rec.Stream = logs.Stderr
	case " stdout P ":
		rec.Stream, rec.Partial = logs.Stdout, true
	case " stderr P ":
		rec.Stream, rec.Partial = logs.Stderr, true
	default:
		return Record{}, false
	}
	if !p.time(line[:stampLen]) {
		return Record{}, false
	}
	rec.Nano = p.nano
	return rec, true
}

// time sets p.nano from stamp, and reports whether stamp is one.
func (p *parser) time(stamp []byte) bool {
	const second = len("2006-01-02T15:04:05")
	if p.nano != 0 && bytes.Equal(stamp, p.stamp[:]) {
		return true
	}
	if p.nano == 0 || !bytes.Equal(stamp[:second], p.stamp[:second]) {
		t, err := time.Parse(stampLayout[:second], string(stamp[:second]))
		// The limits keep UnixNano from overflowing.
		if err != nil || t.Year() < 1970 || t.Year() > 2200 {
			return false
		}
		p.unix = t.Unix()
	}
	var frac int64
	for _, c := range stamp[second+1 : stampLen-1] {
		if c < '0' || c > '9' {
			p.nano = 0
			return false
		}
		frac = frac*10 + int64(c-'0')
	}
	if stamp[second] != '.' || stamp[stampLen-1] != 'Z' {
		p.nano = 0
		return false
	}
	copy(p.stamp[:], stamp)
	p.nano = p.unix*1e9 + frac
	return true
}

// heads holds the four possible beginnings of a record written at one moment.
type heads struct {
	buf  [2][2][headLen]byte // by stream, then by F and P
	nano int64
}

func (h *heads) set(nano int64) {
	if h.nano == nano {
		return
	}
	h.nano = nano
	var stamp [stampLen]byte
	time.Unix(0, nano).UTC().AppendFormat(stamp[:0], stampLayout)
	for i, stream := range []string{" stdout ", " stderr "} {
		for j, tag := range []string{"F ", "P "} {
			b := append(h.buf[i][j][:0], stamp[:]...)
			b = append(b, stream...)
			copy(h.buf[i][j][len(b):], tag)
		}
	}
}

func (h *heads) of(stream logs.Stream, partial bool) []byte {
	i, j := 0, 0
	if stream == logs.Stderr {
		i = 1
	}
	if partial {
		j = 1
	}
	return h.buf[i][j][:]
}
