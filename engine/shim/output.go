package shim

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"

	"gantry/engine"
	"gantry/logs"
	"gantry/logs/journal"
)

// output carries what the container prints into its log and to whoever is
// attached:
//
//	FIFO or pty --pump--> output.write --> journal          always first
//	                          |----------> attacher         what its socket takes at once
//	                          '..........> attacher.chase   the rest, read from the journal
//
// The container never waits for an attacher, and no attacher loses output: one
// whose socket is full is left behind, at the cost of one frame of memory, and
// catches up from the log's files (see chase.go).
type output struct {
	dir     string // of the journal
	passing bool   // it goes with the container's end

	// mu guards everything below, and by that the order of all output. The
	// journal is written and caught up from under it: its files are in the
	// page cache, and a disk that is too slow for the log has to slow the
	// container down.
	mu        sync.Mutex
	journal   *journal.Writer
	attachers map[*attacher]struct{}
	limit     [2]int64           // per stream: where the output ended
	exit      *engine.ExitStatus // set when no more output comes
	lost      int64              // bytes that the journal could not take
}

var streams = [...]logs.Stream{logs.Stdout, logs.Stderr}

func openOutput(cfg *Config) (*output, error) {
	dir, o := cfg.file("log"), journal.Options{MaxSize: cfg.Log.MaxSize, MaxFile: cfg.Log.MaxFile}
	if cfg.Log.Passing {
		dir, o = cfg.runFile("output"), journal.Options{MaxSize: passingSize / 2, MaxFile: 2}
	}
	w, err := journal.NewWriter(dir, o)
	if err != nil {
		return nil, err
	}
	return &output{dir: dir, passing: cfg.Log.Passing, journal: w, attachers: map[*attacher]struct{}{}, limit: [2]int64{math.MaxInt64, math.MaxInt64}}, nil
}

// write takes a frame with room for its head in front of what was read.
func (o *output) write(stream logs.Stream, frame []byte) {
	putHead(frame, streamKind(stream))
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.journal.Write(stream, frame[frameHead:]); err != nil {
		o.failed(err, len(frame)-frameHead)
	}
	for a := range o.attachers {
		a.offer(stream, frame)
	}
}

// failed gives up a chunk for the log: a full disk must not stop the container,
// nor those who watch it without lagging.
func (o *output) failed(err error, n int) {
	if o.lost == 0 {
		fmt.Fprintf(os.Stderr, "log: %v\n", err)
	}
	o.lost += int64(n)
	for a := range o.attachers {
		if a.chase != nil {
			a.chase.skip(fmt.Sprintf("some output is missing here: %v", err))
		}
	}
}

// total is the number of raw bytes of stream that went into the journal or
// wait there for the end of their line.
func (o *output) total(stream logs.Stream) int64 {
	return o.journal.Flushed(stream) + int64(len(o.journal.Pending(stream)))
}

// attach adds an attacher, from now on or, with replay, from the log's start.
// hail is sent to it first: once the peer has it, no output is missed.
func (o *output) attach(a *attacher, hail []byte, replay bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := a.conn.send(hail); err != nil {
		return err
	}
	o.attachers[a] = struct{}{}
	if o.exit != nil || replay {
		a.follow(nil, replay)
	}
	return nil
}

// detach removes an attacher and waits until nothing is sent to it any more.
func (o *output) detach(a *attacher) {
	o.mu.Lock()
	a.dead = true
	delete(o.attachers, a)
	o.mu.Unlock()
	a.conn.f.Close()
	a.chasing.Wait()
}

func (o *output) attached() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.attachers)
}

// end writes the rest of the log: the container is no more. With sync the log
// survives a loss of power.
func (o *output) end(sync bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range streams {
		// Before the journal adds a newline that the container never wrote.
		o.limit[slot(s)] = o.total(s)
	}
	err := o.journal.Flush()
	if err == nil && sync {
		err = o.journal.Sync()
	}
	return err
}

// close lets go of the journal, which wakes those who follow it.
func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.journal.Close()
	if o.passing {
		err = errors.Join(err, os.RemoveAll(o.dir))
	}
	return err
}

// conclude tells the attachers how the container ended, each one after all of
// its output.
func (o *output) conclude(st engine.ExitStatus) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.exit = &st
	for a := range o.attachers {
		if a.chase == nil {
			a.follow(nil, false)
		}
	}
}

func streamKind(s logs.Stream) kind {
	if s == logs.Stderr {
		return kindStderr
	}
	return kindStdout
}

func slot(s logs.Stream) int { return int(s - logs.Stdout) }
