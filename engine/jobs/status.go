package jobs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/images"
)

const (
	recordFile   = "job.json"
	progressFile = "progress.jsonl"
	logFile      = "job.log"
	lockFile     = "lock"
)

// status is the record of a job.
type status struct {
	ID      engine.ID       `json:"id"`
	Spec    engine.JobSpec  `json:"spec"`
	State   engine.JobState `json:"state"`
	Started time.Time       `json:"started"`
	Ended   time.Time       `json:"ended,omitzero"`
	Failure *failure        `json:"failure,omitempty"`
	Process process         `json:"process"`
}

// process names the job's process for good; zero until it is ready.
type process struct {
	Pid   int    `json:"pid,omitempty"`
	Start uint64 `json:"start,omitempty"` // clock ticks since the boot
	Boot  string `json:"boot,omitempty"`
}

// readStatus reads a job's record and finds out whether it is lost. The record
// is read again after the lock was found free: a job that ends writes its record
// first.
func readStatus(dir string) (status, error) {
	path := filepath.Join(dir, recordFile)
	var st status
	if err := record.Read(path, &st); err != nil || st.State != engine.JobRunning {
		return st, err
	}
	held, err := record.FileHeld(filepath.Join(dir, lockFile))
	if err != nil || held {
		return st, err
	}
	st = status{}
	if err := record.Read(path, &st); err != nil || st.State != engine.JobRunning {
		return st, err
	}
	st.State = engine.JobLost
	st.Failure = &failure{
		Text: "its process died without a word",
		Hint: "See " + filepath.Join(dir, logFile) + ", and start the job again.",
	}
	return st, nil
}

// job is the status as the vocabulary has it.
func (st status) job(progress []images.Progress) engine.Job {
	j := engine.Job{ID: st.ID, Spec: st.Spec, State: st.State, Started: st.Started, Ended: st.Ended, Progress: progress}
	if st.Failure != nil {
		j.Error = st.Failure.Text
	}
	return j
}

// err is how a job that is over ended, nil when it did what it should.
func (st status) err() error {
	f := failure{}
	if st.Failure != nil {
		f = *st.Failure
	}
	switch st.State {
	case engine.JobDone, engine.JobRunning:
		return nil
	case engine.JobCanceled:
		f.Class = context.Canceled.Error()
		f.Text = "the job was canceled"
	case engine.JobLost:
		f.Text = "the job was lost: " + f.Text
	}
	return &jobError{text: f.Text, op: &engine.OpError{
		Op: st.Spec.Kind, Kind: "job", ID: st.ID.Short(), Err: f.class(), Hint: f.Hint,
	}}
}

// failure is an error on its way from one process to another: its text, the
// class that callers test for, and the hint.
type failure struct {
	Text  string `json:"text"`
	Class string `json:"class,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

// classes are the sentinels that survive the way.
var classes = []error{
	engine.ErrNotFound, engine.ErrConflict, engine.ErrInUse, engine.ErrCorrupt, engine.ErrInvalid,
	engine.ErrNotModified, engine.ErrUnsupported, engine.ErrPermission, engine.ErrAmbiguous,
	images.ErrUnauthorized, images.ErrUnavailable, images.ErrPlatform, images.ErrHostile,
	context.Canceled, context.DeadlineExceeded,
}

func newFailure(err error) *failure {
	f := &failure{Text: err.Error()}
	for _, c := range classes {
		if errors.Is(err, c) {
			f.Class = c.Error()
			break
		}
	}
	var op *engine.OpError
	if errors.As(err, &op) {
		f.Hint = op.Hint
	}
	return f
}

func (f failure) class() error {
	for _, c := range classes {
		if c.Error() == f.Class {
			return c
		}
	}
	return errors.New(f.Text)
}

// jobError reads as the job's own error did, and has its class and its hint.
type jobError struct {
	text string
	op   *engine.OpError
}

func (e *jobError) Error() string { return e.text }
func (e *jobError) Unwrap() error { return e.op }

func notFound(op, id string) error {
	return &engine.OpError{Op: op, Kind: "job", ID: id, Err: engine.ErrNotFound}
}

func wrap(op, id string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s job %s: %w", op, engine.ID(id).Short(), err)
}
