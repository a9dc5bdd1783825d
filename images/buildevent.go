package images

import "time"

// BuildEvent is a piece of news of a build. Exactly one field is set. Steps are
// absolute and keyed by ID, never deltas: the latest one per ID tells all, so
// that dropping one is harmless. Output is the only stream.
type BuildEvent struct {
	// Graph comes once, as soon as it is known what there is to do.
	Graph   *BuildGraph  `json:"graph,omitempty"`
	Step    *BuildStep   `json:"step,omitempty"`
	Output  *BuildOutput `json:"output,omitempty"`
	Finding *Finding     `json:"finding,omitempty"`
	// Result is the last event of a build that succeeded.
	Result *BuildResult `json:"result,omitempty"`
}

// BuildGraph is what a build consists of. Steps that only change the
// configuration are not in it.
type BuildGraph struct {
	File   string            `json:"file"`
	Stages []BuildGraphStage `json:"stages"`
	Target int               `json:"target"` // index in Stages
}

// BuildGraphStage is one stage with the stages that it needs files of.
type BuildGraphStage struct {
	Name     string      `json:"name"`
	Platform string      `json:"platform,omitempty"`
	Needs    []int       `json:"needs,omitempty"` // indices, lower than its own
	Needed   bool        `json:"needed"`          // for the target; others are never run
	Steps    []BuildStep `json:"steps,omitempty"` // as they are before they begin
}

// BuildStep is one step: what it is and where it stands.
type BuildStep struct {
	ID    string `json:"id"`    // unique within the build
	Name  string `json:"name"`  // "[build 2/5] RUN make"
	Stage int    `json:"stage"` // index in BuildGraph.Stages; -1 for what belongs to none, such as loading the context
	At    Range  `json:"at"`    // in the build file
	// Source is the instruction as it was written.
	Source string         `json:"source,omitempty"`
	State  BuildStepState `json:"state"`
	// Why says why the result is from the cache or why it is not, or what is
	// being waited for.
	Why     string    `json:"why,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Added   int64     `json:"added,omitempty"` // bytes that it wrote
	Done    int64     `json:"done,omitempty"`  // of Total bytes, where it moves some
	Total   int64     `json:"total,omitempty"`
	Error   string    `json:"error,omitempty"`
	// Exit is the code of a RUN step's program that failed.
	Exit int `json:"exit,omitempty"`
}

// BuildStepState tells where a step stands.
type BuildStepState string

const (
	StepWaiting  BuildStepState = "waiting"
	StepRunning  BuildStepState = "running"
	StepCached   BuildStepState = "cached"
	StepDone     BuildStepState = "done"
	StepFailed   BuildStepState = "failed"
	StepCanceled BuildStepState = "canceled" // another one failed, or the user had enough
)

// Finished tells whether nothing more will be said about the step.
func (s BuildStepState) Finished() bool {
	return s == StepCached || s == StepDone || s == StepFailed || s == StepCanceled
}

// BuildOutput is what a step's program wrote, in pieces as they came.
type BuildOutput struct {
	Step   string    `json:"step"` // ID
	At     time.Time `json:"at"`
	Stderr bool      `json:"stderr,omitempty"`
	Data   []byte    `json:"data"`
}

// BuildResult is what a build made.
type BuildResult struct {
	Image    Digest   `json:"image,omitempty"`    // ID; empty when no image was asked for
	Manifest Digest   `json:"manifest,omitempty"` // its digest
	Tags     []string `json:"tags,omitempty"`     // full names
	Platform string   `json:"platform,omitempty"`
	// Steps and Cached count the steps that act on files.
	Steps  int           `json:"steps"`
	Cached int           `json:"cached"`
	Took   time.Duration `json:"took"`
}
