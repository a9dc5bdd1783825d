package engine

import (
	"context"
	"io"
	"iter"
	"time"

	"gantry/images"
)

// Builds turns build files into images and looks after what earlier builds left
// to be used again.
type Builds interface {
	BuildRunner
	BuildCache
}

// BuildRunner builds.
type BuildRunner interface {
	// Build yields what happens, and images.BuildResult as the last thing. It
	// ends with its sequence: whoever stops ranging, or ends ctx, cancels it.
	// The store is unchanged then, and the next build goes on from the steps
	// that were finished. A failed step is a *BuildError, a mistake in the build
	// file an *images.SourceError.
	Build(ctx context.Context, opts BuildOptions) iter.Seq2[images.BuildEvent, error]
	// Check yields the findings of the linter and builds nothing.
	Check(ctx context.Context, opts BuildOptions) ([]images.Finding, error)
	// Targets lists the stages of a build file, without resolving any image.
	Targets(ctx context.Context, opts BuildOptions) ([]BuildTarget, error)
	// History lists the builds that this engine remembers, newest first.
	History(ctx context.Context) ([]BuildRecord, error)
}

// BuildCache is what finished steps left.
type BuildCache interface {
	// Cache lists the records, the one that was used last first.
	Cache(ctx context.Context) ([]BuildCacheRecord, error)
	// PruneCache removes records. Without All those stay that an image needs
	// anyway: removing them frees nothing.
	PruneCache(ctx context.Context, opts BuildPruneOptions) (PruneReport, error)
}

// BuildOptions are what docker build's flags say.
type BuildOptions struct {
	// Context is a directory, the URL of a git repository, of a tar or of a
	// build file, or "-" for Input.
	Context string
	Input   io.Reader // a tar, perhaps compressed, or a build file
	// File is the build file: a path on the host, "-" for Input, a path in a
	// remote context, or "" for the context's Dockerfile.
	File      string
	Tags      []string
	Target    string
	Args      map[string]string
	Contexts  map[string]string // names to directories, URLs or "docker-image://REF"
	Labels    map[string]string
	Platforms []string

	NoCache       bool
	NoCacheFilter []string // names of stages
	Pull          bool
	Outputs       []BuildOutput // none: the engine's own images
	CacheFrom     []BuildAttrs
	CacheTo       []BuildAttrs

	Secrets []BuildSecret
	SSH     []BuildSSH

	AddHosts []string // HOST:IP
	Network  string   // of RUN steps that name none: "default", "none", "host"
	ShmSize  int64
	Ulimits  []Ulimit
	// CgroupParent is not among them: steps run beside containers.
}

// BuildAttrs is a type with its attributes, as in type=registry,ref=….
type BuildAttrs struct {
	Type  string
	Attrs map[string]string
}

// BuildOutput is where a result goes: Type image (the engine's own images, the
// default), local (a directory), tar, oci or docker (archives).
type BuildOutput struct {
	Type  string
	Dest  string    // directory of local
	Write io.Writer // of the archives
	Attrs map[string]string
}

// BuildSecret is a file that steps may see while they run.
type BuildSecret struct {
	ID   string
	File string // read when a step wants it
	Data []byte // instead of File
}

// BuildSSH is an agent, or keys, that steps may use.
type BuildSSH struct {
	ID    string
	Paths []string // sockets or key files; none: $SSH_AUTH_SOCK
}

// BuildTarget is one stage that can be built.
type BuildTarget struct {
	Name    string
	Base    string
	Comment string
	At      images.Range
}

// BuildRecord is one build of the past.
type BuildRecord struct {
	ID      ID            `json:"id"`
	Context string        `json:"context"`
	File    string        `json:"file,omitempty"`
	Target  string        `json:"target,omitempty"`
	Tags    []string      `json:"tags,omitempty"`
	Args    []string      `json:"args,omitempty"` // names only
	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took"`
	Steps   int           `json:"steps"`
	Cached  int           `json:"cached"`
	Image   images.Digest `json:"image,omitempty"`
	Error   string        `json:"error,omitempty"`
	// Times are the steps that ran or came from the cache, in the order of the
	// file, to compare builds by.
	Times []images.BuildStep `json:"times,omitempty"`
}

// BuildCacheRecord is one finished step, or one cache mount.
type BuildCacheRecord struct {
	ID          string
	Type        string // "regular", "exec.cachemount", "source.local", "source.git.checkout"
	Description string
	Parents     []string
	Created     time.Time
	LastUsed    time.Time
	Uses        int
	Size        int64
	// InUse: a build is at it. Shared: an image has it too, so that removing
	// the record frees nothing.
	InUse, Shared bool
}

// BuildPruneOptions choose records. Filters are docker's: until, id, type,
// parent, description, inuse, shared, private.
type BuildPruneOptions struct {
	All     bool
	DryRun  bool
	Filters Filters
	// KeepStorage is how much may stay, the records that were used last first;
	// 0 is nothing.
	KeepStorage int64
}

// BuildError is a step that failed.
type BuildError struct {
	Step   images.BuildStep // as it ended
	File   string
	Lines  []images.Line // of the build file, the step's marked
	Output string        // the last lines that it wrote
	Err    error
	Hint   string
}

func (e *BuildError) Error() string { return "build step " + e.Step.Name + ": " + e.Err.Error() }

func (e *BuildError) Unwrap() error { return e.Err }
