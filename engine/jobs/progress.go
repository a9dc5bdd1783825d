package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"gantry/engine/record"
	"gantry/images"
)

// maxProgress bounds what a reader takes into memory of a progress file.
const maxProgress = 16 << 20

// errStopped ends a drain whose consumer has had enough.
var errStopped = errors.New("stopped")

// board is the latest progress of each part, in the order in which the parts
// first spoke.
type board struct {
	latest map[string]images.Progress
	order  []string
}

// put returns whether p is news.
func (b *board) put(p images.Progress) bool {
	old, known := b.latest[p.ID]
	if known && old == p {
		return false
	}
	if b.latest == nil {
		b.latest = map[string]images.Progress{}
	}
	if !known {
		b.order = append(b.order, p.ID)
	}
	b.latest[p.ID] = p
	return true
}

func (b *board) all() []images.Progress {
	all := make([]images.Progress, 0, len(b.order))
	for _, id := range b.order {
		all = append(all, b.latest[id])
	}
	return all
}

// progressLog appends to a progress file, and writes it anew when most of it is
// out of date. It belongs to one goroutine.
type progressLog struct {
	path  string
	f     *os.File
	board board
	lines int // in the file
}

func createProgress(path string) (*progressLog, error) {
	l := &progressLog{path: path}
	return l, l.reopen()
}

func (l *progressLog) reopen() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open progress: %w", err)
	}
	if l.f != nil {
		l.f.Close()
	}
	l.f = f
	return nil
}

func (l *progressLog) write(news []images.Progress) error {
	for _, p := range news {
		l.board.put(p)
	}
	if l.lines += len(news); l.lines > 256+8*len(l.board.order) {
		return l.compact()
	}
	b, err := lines(news)
	if err != nil {
		return err
	}
	if _, err := l.f.Write(b); err != nil {
		return fmt.Errorf("write progress: %w", err)
	}
	return nil
}

// compact replaces the file by the latest value of each part. Readers notice the
// new file and read it whole; values are absolute, so they miss nothing.
func (l *progressLog) compact() error {
	all := l.board.all()
	b, err := lines(all)
	if err != nil {
		return err
	}
	if err := record.WriteFile(l.path, b, record.Volatile); err != nil {
		return err
	}
	l.lines = len(all)
	return l.reopen()
}

func (l *progressLog) close() error { return l.f.Close() }

func lines(ps []images.Progress) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, p := range ps {
		if err := enc.Encode(p); err != nil {
			return nil, fmt.Errorf("encode progress: %w", err)
		}
	}
	return b.Bytes(), nil
}

// tracker reads a progress file as it grows.
type tracker struct {
	path  string
	f     *os.File
	off   int64
	board board
}

func newTracker(path string) *tracker { return &tracker{path: path} }

func (t *tracker) close() {
	if t.f != nil {
		t.f.Close()
	}
}

// drain yields what is news since the last drain, of each part the latest in
// the order of these. A line without its end, or one
// that does not parse, is left out: the next value of its part makes up for it.
func (t *tracker) drain(yield func(images.Progress) bool) error {
	if err := t.open(); err != nil || t.f == nil {
		return err
	}
	b, err := io.ReadAll(io.NewSectionReader(t.f, t.off, maxProgress))
	if err != nil {
		return fmt.Errorf("read progress: %w", err)
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	t.off += int64(len(b))
	var news []string
	for l := range bytes.Lines(b) {
		var p images.Progress
		if json.Unmarshal(l, &p) == nil && t.board.put(p) {
			news = append(slices.DeleteFunc(news, func(id string) bool { return id == p.ID }), p.ID)
		}
	}
	for _, id := range news {
		if !yield(t.board.latest[id]) {
			return errStopped
		}
	}
	return nil
}

// open opens the file, or the one that has taken its place.
func (t *tracker) open() error {
	f, err := os.Open(t.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing said yet
	}
	if err != nil {
		return fmt.Errorf("read progress: %w", err)
	}
	if t.f != nil {
		before, err1 := t.f.Stat()
		now, err2 := f.Stat()
		if err := errors.Join(err1, err2); err != nil {
			f.Close()
			return fmt.Errorf("read progress: %w", err)
		}
		if os.SameFile(before, now) {
			return f.Close()
		}
		t.f.Close()
	}
	t.f, t.off = f, 0
	return nil
}

// readProgress returns the latest progress of each part.
func readProgress(path string) ([]images.Progress, error) {
	t := newTracker(path)
	defer t.close()
	if err := t.drain(func(images.Progress) bool { return true }); err != nil {
		return nil, err
	}
	return t.board.all(), nil
}
