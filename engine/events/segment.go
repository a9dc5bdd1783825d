package events

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"gantry/engine"
	"gantry/engine/record"
)

const suffix = ".jsonl"

// segment is a file of the journal, named by the number of its first event.
type segment engine.Seq

func (j *Journal) path(s segment) string {
	return path.Join(j.dir, fmt.Sprintf("%020d%s", uint64(s), suffix))
}

// segments lists the journal, oldest first.
func (j *Journal) segments() ([]segment, error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("list event journal: %w", err)
	}
	segs := make([]segment, 0, len(entries))
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), suffix)
		n, err := strconv.ParseUint(digits, 10, 62) // room for sums
		if ok && len(digits) == 20 && err == nil && n > uint64(birth) {
			segs = append(segs, segment(n))
		}
	}
	slices.Sort(segs)
	return segs, nil
}

// create makes the segment, or takes over one that a killed writer has made and
// not filled.
func (j *Journal) create(s segment) (*os.File, error) {
	f, err := os.OpenFile(j.path(s), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	if err := errors.Join(startSegment(f), record.SyncDir(j.dir)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// startSegment writes the header of an empty segment.
func startSegment(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("start segment: %w", err)
	}
	if _, err := f.WriteString(header); err != nil {
		return fmt.Errorf("start segment: %w", err)
	}
	return nil
}

// prune removes the oldest segments when there are too many. Readers that are
// still on one have it open; they meet the gap behind it.
func (j *Journal) prune() error {
	segs, err := j.segments()
	if err != nil {
		return err
	}
	for len(segs) > j.keep {
		if err := os.Remove(j.path(segs[0])); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("prune event journal: %w", err)
		}
		segs = segs[1:]
	}
	return nil
}
