package shim

import (
	"encoding/binary"

	"gantry/logs"
	"gantry/logs/journal"
)

const (
	// batchSize is about what is sent at a time.
	batchSize = 32 << 10
	// maxHeld bounds the segments that one attacher keeps on the disk after
	// rotation has removed them. What it has not got by then it misses, and is
	// told so.
	maxHeld = 16
)

// chase sends an attacher what it could not be sent at once: the rest of a
// frame, what is in the journal behind it, and last the line that has not
// ended. When nothing is left the attacher is on its own again.
//
// Places in the output are raw bytes per stream, as journal.Writer counts them.
type chase struct {
	a   *attacher
	out *output

	// Guarded by out.mu.
	rest   []byte
	notice string
	sent   [2]int64 // output up to here was handed on
	cur    *journal.Cursor
	place  [2]int64    // of cur
	replay journal.Pos // cur is before here, in what earlier monitors wrote; zero: it is not
	lost   int         // of cur, as told already
	batch  []byte
	last   int // the last frame in batch
}

func newChase(a *attacher, rest []byte, replay bool) *chase {
	c := &chase{a: a, out: a.out, rest: rest}
	c.toEnd()
	if replay {
		c.replay = c.out.journal.End()
		c.cur = journal.NewCursor(c.out.dir, journal.Pos{})
		c.sent = c.place // the unfinished lines are not in the log yet
	} else {
		c.hold() // the next write may rotate it away
	}
	return c
}

// toEnd puts the cursor behind the last record: what is before it, and what
// waits for the end of its line, counts as handed on.
func (c *chase) toEnd() {
	c.cur, c.replay, c.lost = journal.NewCursor(c.out.dir, c.out.journal.End()), journal.Pos{}, 0
	for _, s := range streams {
		c.place[slot(s)] = c.out.journal.Flushed(s)
		c.sent[slot(s)] = c.out.total(s)
	}
}

// skip gives up all output up to now. Called with out.mu.
func (c *chase) skip(notice string) {
	c.cur.Close()
	c.toEnd()
	c.hold()
	c.notice = notice
}

// hold keeps new segments readable, as long as they are not too many. Called
// with out.mu.
func (c *chase) hold() {
	if c.cur.Held() < maxHeld {
		// An error shows itself when the segment is to be read.
		_ = c.cur.Hold(c.out.journal.End().Segment)
	}
}

func (c *chase) run() {
	for {
		b, more := c.next()
		if len(b) > 0 && c.a.conn.send(b) != nil {
			c.out.mu.Lock()
			c.a.dead = true
			c.out.mu.Unlock()
		}
		if more {
			continue
		}
		if len(b) > 0 {
			// That was the exit status. Whoever reads the connection may stop
			// waiting for what its peer says.
			c.a.conn.f.SetReadDeadline(past)
		}
		return
	}
}

// next returns what to send, and whether it is to be called again.
func (c *chase) next() (b []byte, more bool) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	switch {
	case c.a.dead:
	case c.rest != nil:
		b, c.rest = c.rest, nil
		return b, true
	default:
		c.batch, c.last = c.batch[:0], 0
		if c.fill(); len(c.batch) > 0 {
			return c.batch, true
		}
		if c.out.exit != nil {
			b = c.farewell()
		}
	}
	c.cur.Close()
	c.a.chase = nil
	return b, false
}

// fill makes the next batch; an empty one means that all was sent.
func (c *chase) fill() {
	if c.notice != "" {
		c.frame(kindNotice, []byte(c.notice))
		c.notice = ""
	}
	for len(c.batch) < batchSize {
		rec, ok, err := c.cur.Next(c.replay)
		if err != nil {
			c.skip("some output is missing here: " + err.Error())
			return
		}
		if n := c.cur.Lost() - c.lost; n > 0 {
			c.lost += n
			c.frame(kindNotice, []byte("some output is missing here: the log was rotated before it could be shown"))
		}
		if ok {
			c.record(rec)
			continue
		}
		if c.replay == (journal.Pos{}) {
			c.pending()
			return
		}
		c.replay = journal.Pos{}
	}
}

// record adds what of a record was not sent yet.
func (c *chase) record(rec journal.Record) {
	s := slot(rec.Stream)
	text := rec.Raw()
	if c.replay == (journal.Pos{}) {
		from := c.place[s]
		c.place[s] += int64(len(text))
		end := min(c.place[s], c.out.limit[s])
		if end <= c.sent[s] {
			return
		}
		text = text[max(c.sent[s]-from, 0) : end-from]
		c.sent[s] = end
	}
	c.add(rec.Stream, text)
}

// pending adds the lines that have not ended.
func (c *chase) pending() {
	for _, stream := range streams {
		p := c.out.journal.Pending(stream)
		if n := c.out.total(stream) - c.sent[slot(stream)]; n > 0 && n <= int64(len(p)) {
			c.sent[slot(stream)] += n
			c.add(stream, p[int64(len(p))-n:])
		}
	}
}

// add joins lines of one stream into one frame: most have less than a hundred
// bytes.
func (c *chase) add(stream logs.Stream, text []byte) {
	if !c.a.wants[slot(stream)] || len(text) == 0 {
		return
	}
	k := streamKind(stream)
	if c.last < len(c.batch) && kind(c.batch[c.last+4]) == k {
		c.batch = append(c.batch, text...)
		binary.BigEndian.PutUint32(c.batch[c.last:], uint32(len(c.batch)-c.last-frameHead))
		return
	}
	c.frame(k, text)
}

func (c *chase) frame(k kind, payload []byte) {
	c.last = len(c.batch)
	c.batch = appendFrame(c.batch, k, payload)
}

// farewell is the exit status.
func (c *chase) farewell() []byte {
	b, err := appendJSON(nil, kindExit, c.out.exit)
	if err != nil {
		return nil
	}
	return b
}
