package images

// Progress is the state of one part of long work (a layer, a build step). It is
// absolute and keyed by ID, never a delta: the latest value per key tells all,
// so that dropping one is harmless.
type Progress struct {
	ID     string        `json:"id"`               // unique within the work, "" for the work itself
	Parent string        `json:"parent,omitempty"` // ID of what this is a part of
	Text   string        `json:"text,omitempty"`   // what is being done, or the error of a failed part
	Done   int64         `json:"done"`             // units done, bytes unless Text says otherwise
	Total  int64         `json:"total,omitempty"`  // 0 when unknown
	State  ProgressState `json:"state"`
}

// ProgressState tells where a part of the work stands.
type ProgressState string

const (
	Waiting     ProgressState = "waiting"
	Resolving   ProgressState = "resolving"
	Downloading ProgressState = "downloading"
	Verifying   ProgressState = "verifying"
	Unpacking   ProgressState = "unpacking"
	Uploading   ProgressState = "uploading"
	Writing     ProgressState = "writing" // into an archive
	Exists      ProgressState = "exists"  // nothing to do: already there
	Done        ProgressState = "done"
	Failed      ProgressState = "failed"
)

// Finished tells whether nothing more will be said about the part.
func (s ProgressState) Finished() bool { return s == Exists || s == Done || s == Failed }
