package engine

import (
	"time"

	"gantry/images"
)

// JobSpec is work to do in a process of its own. Kind is "pull", "push" or
// "prune"; Args are its parameters ("ref", "platform", …).
type JobSpec struct {
	Kind string            `json:"kind"`
	Args map[string]string `json:"args"`
}

// JobState tells where a job stands.
type JobState string

const (
	JobRunning  JobState = "running"
	JobDone     JobState = "done"
	JobFailed   JobState = "failed"
	JobCanceled JobState = "canceled"
	JobLost     JobState = "lost" // its process died without a word
)

// Job is one job with the latest progress of each of its parts.
type Job struct {
	ID       ID                `json:"id"`
	Spec     JobSpec           `json:"spec"`
	State    JobState          `json:"state"`
	Error    string            `json:"error,omitempty"`
	Started  time.Time         `json:"started"`
	Ended    time.Time         `json:"ended"`
	Progress []images.Progress `json:"progress,omitempty"`
}
