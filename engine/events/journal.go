package events

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"gantry/engine"
	"gantry/engine/record"
)

const (
	segmentSize  = 4 << 20
	segmentsKept = 8
	// lockPatience is how long a writer waits for the others. Each holds the
	// lock for one write, at most for the change of one record.
	lockPatience = 30 * time.Second
)

// birth is the number that no event has; see the package comment.
const birth engine.Seq = 1

// Journal appends to the events in a directory and reads them. It holds no file
// open and keeps no position, so any number of goroutines and processes may use
// the same directory.
type Journal struct {
	dir     string
	locks   *record.Locks
	size    int64 // of a segment
	keep    int   // segments
	skipped atomic.Uint64
}

// Open uses the journal in dir, <root>/events, and makes it if needed. lockDir
// is <run>/locks.
func Open(dir, lockDir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open event journal: %w", err)
	}
	locks, err := record.OpenLocks(lockDir)
	if err != nil {
		return nil, fmt.Errorf("open event journal: %w", err)
	}
	return &Journal{dir: dir, locks: locks, size: segmentSize, keep: segmentsKept}, nil
}

// Append writes one event and returns its number. Seq and Time of ev are set
// here. No lock but ones that come before the journal's in the order of
// engine/record may be held.
func (j *Journal) Append(ev engine.Event) (engine.Seq, error) {
	var seq engine.Seq
	err := j.write(func(w *writer) error {
		w.stamp(&ev)
		seq = ev.Seq
		return w.event(line{Event: ev})
	})
	if err != nil {
		return 0, fmt.Errorf("append event: %w", err)
	}
	return seq, nil
}

// Commit writes an event together with a change that carries its number: either
// both happen or neither. change replaces or removes the record that proof
// names, and nothing else that takes time: everyone who writes events waits for
// it. It must not use the journal. When it fails, the event is dropped and its
// error is returned bare.
//
// A Commit whose change has succeeded succeeds: should the disk be full at that
// moment, the next writer adds the missing line.
func (j *Journal) Commit(ev engine.Event, proof Proof, change func(engine.Seq) error) (engine.Seq, error) {
	var failed error
	err := j.write(func(w *writer) error {
		w.stamp(&ev)
		if err := w.event(line{Event: ev, Intent: &proof}); err != nil {
			return err
		}
		if proof.Durability == record.Durable {
			if err := record.SyncFile(w.f); err != nil {
				return errors.Join(err, w.settle(&ev, dropped))
			}
		}
		if failed = change(ev.Seq); failed != nil {
			return w.settle(&ev, dropped)
		}
		_ = w.settle(&ev, committed) // the next writer settles it by its proof
		return nil
	})
	switch {
	case failed != nil:
		return 0, failed
	case err != nil:
		return 0, fmt.Errorf("commit event: %w", err)
	}
	return ev.Seq, nil
}

// write runs f with a writer at the end of the journal, under its lock.
func (j *Journal) write(f func(*writer) error) (err error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), lockPatience, engine.ErrInUse)
	defer cancel()
	lock, err := j.locks.Lock(ctx, record.LockJournal, "events")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	w, err := j.openWriter()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.f.Close()) }()
	return f(w)
}

// Last returns the number of the last event that Watch would have yielded by
// now. Read it before the records: Watch after it then leaves no gap.
func (j *Journal) Last() (engine.Seq, error) {
	segs, err := j.segments()
	if err != nil {
		return 0, err
	}
	e, err := j.findEnd(segs)
	if err != nil {
		return 0, err
	}
	return e.settled(), nil
}

// Skipped counts the corrupt lines that this Journal has met and left out.
func (j *Journal) Skipped() uint64 { return j.skipped.Load() }
