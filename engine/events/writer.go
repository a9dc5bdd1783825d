package events

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gantry/engine"
)

// writer appends at the end of the journal. It lives as long as the lock.
type writer struct {
	j    *Journal
	f    *os.File
	end  *end
	size int64
}

// openWriter finds the end of the journal and puts right what a killed writer
// left there: a torn line is cut off, an open intent settled.
func (j *Journal) openWriter() (*writer, error) {
	segs, err := j.segments()
	if err != nil {
		return nil, err
	}
	e, err := j.findEnd(segs)
	if err != nil {
		return nil, err
	}
	w := &writer{j: j, end: e, size: e.size}
	if e.seg == 0 {
		e.seg = segment(birth + 1)
		w.f, err = j.create(e.seg)
		w.size = int64(len(header))
		return w, err
	}
	w.f, err = os.OpenFile(j.path(e.seg), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	if err := w.repair(); err != nil {
		return nil, errors.Join(err, w.f.Close())
	}
	return w, nil
}

func (w *writer) repair() error {
	st, err := w.f.Stat()
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	if st.Size() > w.size {
		if err := w.f.Truncate(w.size); err != nil {
			return fmt.Errorf("cut torn event: %w", err)
		}
	}
	if w.size == 0 {
		w.size = int64(len(header))
		return startSegment(w.f)
	}
	if err := w.checkFormat(); err != nil {
		return err
	}
	if open := w.end.open; open != nil {
		return w.settle(&open.Event, open.Intent.verdict(open.Seq))
	}
	return nil
}

// checkFormat keeps this gantry from writing into a journal of a newer one.
func (w *writer) checkFormat() error {
	b := make([]byte, len(header))
	n, err := w.f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("open segment: %w", err)
	}
	_, newer := isHeader(b[:n])
	return newer
}

// stamp gives ev its number and its time.
func (w *writer) stamp(ev *engine.Event) {
	ev.Seq = w.end.seq + 1
	ev.Time = time.Now().UTC().Round(0)
	if ev.Time.Before(w.end.time) {
		ev.Time = w.end.time
	}
}

// event appends a stamped event, in a new segment when this one is full. Verdicts
// never rotate: an intent and its end are in one segment.
func (w *writer) event(l line) error {
	b, err := encode(l)
	if err != nil {
		return err
	}
	if w.size+int64(len(b)) > w.j.size && w.size > int64(len(header)) {
		if err := w.rotate(segment(l.Seq)); err != nil {
			return err
		}
	}
	if err := w.line(b); err != nil {
		return err
	}
	w.end.seq, w.end.time = l.Seq, l.Time
	return nil
}

func (w *writer) rotate(next segment) error {
	f, err := w.j.create(next)
	if err != nil {
		return err
	}
	full := w.f
	w.f, w.size, w.end.seg = f, int64(len(header)), next
	if err := full.Close(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return w.j.prune()
}

func (w *writer) settle(ev *engine.Event, v verdict) error {
	b, err := encode(settlement{Seq: ev.Seq, Time: ev.Time, Settles: v})
	if err != nil {
		return err
	}
	return w.line(b)
}

// line appends whole lines only: what a full disk cut short is taken back, or
// else by the next writer.
func (w *writer) line(b []byte) error {
	if _, err := w.f.Write(b); err != nil {
		return errors.Join(fmt.Errorf("write event: %w", err), w.f.Truncate(w.size))
	}
	w.size += int64(len(b))
	return nil
}
