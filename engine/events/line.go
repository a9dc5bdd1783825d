package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"gantry/engine"
)

// maxLine bounds a line. Labels are what makes one long.
const maxLine = 1 << 20

// maxNumbers is more than the numbers of one segment: each takes some bytes.
const maxNumbers = segmentSize

// format is the version of the journal's format; header is the first line of
// every segment.
const (
	format = 1
	header = `{"v":1}` + "\n"
)

// verdict is how an intent ended.
type verdict string

const (
	committed verdict = "commit"
	dropped   verdict = "drop"
)

// line is one line of a segment: an event, an event with its intent, or the
// verdict on the intent before.
type line struct {
	engine.Event
	Intent  *Proof  `json:"intent,omitempty"`
	Settles verdict `json:"settles,omitempty"`
}

// settlement is a line with a verdict, as it is written: the event's number and
// time without the rest.
type settlement struct {
	Seq     engine.Seq `json:"seq"`
	Time    time.Time  `json:"time"`
	Settles verdict    `json:"settles"`
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	if b.Len() > maxLine {
		return nil, fmt.Errorf("encode event: %w: %d bytes, the limit is %d", engine.ErrInvalid, b.Len(), maxLine)
	}
	return b.Bytes(), nil
}

// decode reads a line of segment s, without its newline. ok is false for a
// corrupt one. A number that the segment cannot hold is one, too: taken at its
// word, it would make all later events look old.
func decode(b []byte, s segment) (l line, ok bool) {
	if err := json.Unmarshal(b, &l); err != nil || l.Time.IsZero() {
		return line{}, false
	}
	if l.Seq < engine.Seq(s) || l.Seq-engine.Seq(s) > maxNumbers {
		return line{}, false
	}
	if l.Settles != "" && l.Settles != committed && l.Settles != dropped {
		return line{}, false
	}
	return l, true
}

// number reads the leading {"seq":NUMBER of a line without decoding the rest, so
// that skipping to a position costs little. 0 means that only decode can tell.
func number(b []byte) engine.Seq {
	digits, ok := bytes.CutPrefix(b, []byte(`{"seq":`))
	if !ok {
		return 0
	}
	var n engine.Seq
	for i, c := range digits {
		if c < '0' || c > '9' || i > 18 {
			if c == ',' {
				return n
			}
			return 0
		}
		n = n*10 + engine.Seq(c-'0')
	}
	return 0
}

// isHeader tells whether a line is a segment's first, and newer whether a newer
// gantry wrote it.
func isHeader(b []byte) (is bool, newer error) {
	if !bytes.HasPrefix(b, []byte(`{"v":`)) {
		return false, nil
	}
	var h struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return false, nil
	}
	if h.V > format {
		return true, &engine.OpError{
			Op: "read", Kind: "event journal",
			Err:  fmt.Errorf("%w: version %d, this gantry reads up to %d", engine.ErrUnsupported, h.V, format),
			Hint: "A newer gantry wrote it: use that one.",
		}
	}
	return true, nil
}
