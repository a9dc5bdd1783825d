package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gantry/logs"
)

// ErrBusy says that another writer holds the journal.
var ErrBusy = errors.New("the journal has a writer already")

// flushSize bounds what one Write gathers before it goes to the file: a chunk
// of newlines grows fortyfold as records.
const flushSize = 32 << 10

// Options set the rotation.
type Options struct {
	// MaxSize is the size in bytes at which a segment ends; 0 never ends it. A
	// single record may be larger.
	MaxSize int64
	// MaxFile is how many segments are kept, the current one included; 0 is 1.
	MaxFile int
}

// Writer appends to a journal. Its methods must not be called concurrently:
// the order of calls is the order of the log.
type Writer struct {
	dir  string
	opts Options
	now  func() time.Time

	lock *os.File // the directory, flock'ed
	seg  *segment

	heads   heads
	pending [2][]byte // per stream: the line that has not ended
	flushed [2]int64  // per stream: raw bytes that are in the files
	buf     []byte    // records that are not in the file yet
}

// segment is the one that is written to.
type segment struct {
	num     int
	log     *os.File
	idx     *os.File // nil: there is no entry yet
	idxPath string
	size    int64 // of log
	idxSize int64
	marked  int64 // offset of the last index entry, -1: none
}

// NewWriter opens the journal in dir, which it makes if needed, behind the last
// record.
func NewWriter(dir string, o Options) (*Writer, error) {
	return newWriter(dir, o, time.Now)
}

func newWriter(dir string, o Options, now func() time.Time) (w *Writer, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	w = &Writer{dir: dir, opts: o, now: now, lock: lock}
	nums, err := segments(dir)
	if err != nil {
		return nil, err
	}
	num := 1
	if len(nums) > 0 {
		num = nums[len(nums)-1]
	}
	if w.seg, err = openSegment(dir, num); err != nil {
		return nil, err
	}
	// After the repair, which may have brought a last record back.
	last, err := lastTime(dir, nums)
	if err != nil {
		return nil, errors.Join(err, w.seg.close())
	}
	w.heads.set(max(last, 1))
	return w, nil
}

// lockDir keeps a second writer out. The lock ends with the process, however
// that ends.
func lockDir(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, fmt.Errorf("lock journal %s: %w", dir, err)
	}
	return d, nil
}

// openSegment repairs or makes segment num.
func openSegment(dir string, num int) (s *segment, err error) {
	const flags = os.O_RDWR | os.O_CREATE
	s = &segment{num: num}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.log, err = os.OpenFile(segmentPath(dir, num), flags, 0o600); err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	if s.size, err = mend(s.log); err != nil {
		return nil, fmt.Errorf("mend segment %s: %w", s.log.Name(), err)
	}
	if err := s.openIndex(indexPath(dir, num)); err != nil {
		return nil, err
	}
	return s, nil
}

// openIndex repairs the index. An empty segment gets none before it has an
// entry, which most logs are too short for: the first is for what lies behind
// the first 64 KiB.
func (s *segment) openIndex(path string) error {
	s.idxPath, s.idxSize = path, int64(len(indexHead))
	if s.size == 0 {
		err := os.Remove(path)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	}
	if err := s.makeIndex(); err != nil {
		return err
	}
	if err := s.mendIndex(); err != nil {
		return fmt.Errorf("mend index %s: %w", path, err)
	}
	return nil
}

func (s *segment) makeIndex() (err error) {
	if s.idx, err = os.OpenFile(s.idxPath, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	_, err = s.idx.WriteAt([]byte(indexHead), 0)
	return err
}

func (s *segment) close() error {
	var errs []error
	for _, f := range []*os.File{s.idx, s.log} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Write appends what a program wrote to stream: raw bytes as they were read,
// with lines begun and ended anywhere. After an error part of chunk is lost,
// and the journal is as good as before for what comes next.
func (w *Writer) Write(stream logs.Stream, chunk []byte) error {
	w.heads.set(max(w.now().UnixNano(), w.heads.nano))
	pending := &w.pending[slot(stream)]
	for len(chunk) > 0 {
		room := pieceSize - len(*pending)
		i := bytes.IndexByte(chunk[:min(len(chunk), room+1)], '\n')
		switch {
		case i >= 0:
			w.put(stream, false, *pending, chunk[:i])
			*pending, chunk = (*pending)[:0], chunk[i+1:]
		case len(chunk) > room:
			w.put(stream, true, *pending, chunk[:room])
			*pending, chunk = (*pending)[:0], chunk[room:]
		default:
			*pending, chunk = append(*pending, chunk...), nil
		}
		if len(w.buf) >= flushSize {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

func (w *Writer) put(stream logs.Stream, partial bool, a, b []byte) {
	w.buf = append(w.buf, w.heads.of(stream, partial)...)
	w.buf = append(w.buf, a...)
	w.buf = append(w.buf, b...)
	w.buf = append(w.buf, '\n')
	w.flushed[slot(stream)] += int64(len(a) + len(b))
	if !partial {
		w.flushed[slot(stream)]++
	}
}

// flush writes buf, cut at record ends where a segment is full.
func (w *Writer) flush() error {
	b := w.buf
	w.buf = w.buf[:0]
	for len(b) > 0 {
		n := w.fit(b)
		if n == 0 {
			if err := w.rotate(); err != nil {
				return fmt.Errorf("rotate journal: %w", err)
			}
			continue
		}
		if err := w.seg.append(b[:n], w.heads.nano); err != nil {
			return fmt.Errorf("append to journal: %w", err)
		}
		b = b[n:]
	}
	return nil
}

// fit tells how many bytes of b, whole records, go into the current segment. A
// record that is larger than a whole segment gets one of its own.
func (w *Writer) fit(b []byte) int {
	room := w.opts.MaxSize - w.seg.size
	if w.opts.MaxSize <= 0 || int64(len(b)) <= room {
		return len(b)
	}
	n := 0
	if room > 0 {
		n = bytes.LastIndexByte(b[:room], '\n') + 1
	}
	if n == 0 && w.seg.size == 0 {
		n = bytes.IndexByte(b, '\n') + 1
	}
	return n
}

// append adds records, the first of which was written at nano.
func (s *segment) append(b []byte, nano int64) error {
	if _, err := s.log.WriteAt(b, s.size); err != nil {
		// A full disk may have taken half of it: readers must not see that
		// half become the head of the next record.
		return errors.Join(err, s.log.Truncate(s.size))
	}
	at := s.size
	s.size += int64(len(b))
	if s.marked >= 0 && at-s.marked < indexEvery {
		return nil
	}
	// The index comes second, so that it never points behind the end. It is
	// dispensable: its failure must not fail the log.
	if s.idx == nil && s.makeIndex() != nil {
		return nil
	}
	if _, err := s.idx.WriteAt(mark{nano: nano, offset: at}.append(nil), s.idxSize); err == nil {
		s.idxSize += indexEntry
		s.marked = at
	}
	return nil
}

// rotate begins the next segment and removes those that are too old.
func (w *Writer) rotate() error {
	next, err := openSegment(w.dir, w.seg.num+1)
	if err != nil {
		return err
	}
	old := w.seg
	w.seg = next
	if err := old.close(); err != nil {
		return err
	}
	nums, err := segments(w.dir)
	if err != nil {
		return err
	}
	for _, n := range nums {
		if n > next.num-max(w.opts.MaxFile, 1) {
			break
		}
		// The segment first: followers take its end of links as the sign that
		// later ones may be gone as well.
		if err := os.Remove(segmentPath(w.dir, n)); err != nil {
			return err
		}
		os.Remove(indexPath(w.dir, n))
	}
	return nil
}

// End is the position behind the last record.
func (w *Writer) End() Pos { return Pos{Segment: w.seg.num, Offset: w.seg.size} }

// Flushed is the number of raw bytes of stream that this writer has put into
// the files; what Write got beyond them is Pending.
func (w *Writer) Flushed(stream logs.Stream) int64 { return w.flushed[slot(stream)] }

// Pending is the line of stream that has not ended yet. It is valid until the
// next Write.
func (w *Writer) Pending(stream logs.Stream) []byte { return w.pending[slot(stream)] }

// Flush ends the lines that the program left without a newline.
func (w *Writer) Flush() error {
	w.heads.set(max(w.now().UnixNano(), w.heads.nano))
	for _, stream := range []logs.Stream{logs.Stdout, logs.Stderr} {
		pending := &w.pending[slot(stream)]
		if len(*pending) == 0 {
			continue
		}
		w.put(stream, false, *pending, nil)
		*pending = (*pending)[:0]
	}
	return w.flush()
}

// Sync makes what was written survive a loss of power.
func (w *Writer) Sync() error {
	if err := unix.Fdatasync(int(w.seg.log.Fd())); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	return nil
}

// Close writes unfinished lines and lets go of the journal. Followers wake up.
func (w *Writer) Close() error {
	return errors.Join(w.Flush(), w.seg.close(), w.lock.Close())
}

func slot(stream logs.Stream) int {
	if stream == logs.Stderr {
		return 1
	}
	return 0
}
