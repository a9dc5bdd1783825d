package plan

import (
	"time"

	"gantry/images"
)

// Plan is one build for one platform.
type Plan struct {
	File     string          // the build file's name, as messages print it
	Platform images.Platform // of the result
	Stages   []Stage
	Target   int // the stage whose end is the result

	// Labels are put into the result's configuration; Target's Config holds
	// them already.
	Labels map[string]string

	// Epoch is SOURCE_DATE_EPOCH: no time in the result is later, and the
	// history's entries have it. Nil without one.
	Epoch *time.Time

	// Hostname is what RUN steps see as the host's name; empty means that the
	// solver chooses (BUILDKIT_SANDBOX_HOSTNAME).
	Hostname string
	// CacheNamespace keeps the cache mounts of unrelated builds apart
	// (BUILDKIT_CACHE_MOUNT_NS); empty is the common one.
	CacheNamespace string
	// InlineCache asks for cache records in the image (BUILDKIT_INLINE_CACHE).
	InlineCache bool

	Findings []images.Finding // of the linter
	// UnusedArgs are build arguments that no ARG asks for.
	UnusedArgs []string
}

// Stage is one FROM and what follows it.
type Stage struct {
	Index    int
	Name     string          // as written after AS, in lower case; or "stage-3"
	Comment  string          // the comment that describes it, for lists of targets
	Platform images.Platform // of what runs in it
	Base     From
	Title    string // how FROM is printed: "[build 1/5] FROM docker.io/library/alpine:3@sha256:…"
	Steps    []Step
	Needed   bool // for the target; only needed stages have Steps
	NoCache  bool // --no-cache, or --no-cache-filter with its name
	At       images.Range

	// Config is the finished configuration, Author that of the image
	// (MAINTAINER or the base's).
	Config images.Config
	Author string
}

// Kind tells where files come from.
type Kind int

const (
	MainContext  Kind = iota // what was given to build
	Scratch                  // nothing
	OfStage                  // the end of another stage
	OfImage                  // an image
	NamedContext             // --build-context of a name that is no image
)

// From is a place that files come from. The zero From is the main context.
type From struct {
	Kind    Kind
	Stage   int    // of OfStage: index in Plan.Stages, lower than that of the stage it is used in
	Image   *Image // of OfImage
	Context string // of NamedContext: its name
}

// Image is one that the build uses, resolved.
type Image struct {
	Ref      images.Ref    // as it was asked for, normalized
	Digest   images.Digest // of its manifest or index, where the resolver knows it
	Platform images.Platform
	File     images.ConfigFile // configuration, layers and history
}

// Step is one instruction. At most one of Run, Copy and Workdir is set; the
// others only change the configuration.
type Step struct {
	Index int // in its stage
	// Name is the instruction with its values. Steps that do something have
	// BuildKit's number in front: "[build 2/5] RUN make".
	Name string
	// CreatedBy is the entry of the image's history, in BuildKit's words. An
	// empty one makes none (ONBUILD).
	CreatedBy string
	Source    string // as written
	At        images.Range

	Run     *Run
	Copy    *Copy
	Workdir *Workdir

	Config images.Config // after this step
	Empty  bool          // it adds no layer
}

// Acts tells whether the step does something to files.
func (s *Step) Acts() bool { return s.Run != nil || s.Copy != nil || s.Workdir != nil }

// Run is a program that runs in the stage.
type Run struct {
	Args []string // the shell in front, where the instruction is for a shell
	Env  []string // "KEY=value", the stage's ARG values among them
	// Proxy is what the program gets into its environment besides and that
	// must not be part of the cache key: HTTP_PROXY and its like.
	Proxy   []string
	Dir     string
	User    string
	Network string // "", "none" or "host"
	Mounts  []Mount
	// Files are a here-document that is a program of its own: it is found,
	// read-only and while the step runs, in the directory /dev/pipes.
	Files []InlineFile
}

// MountType is what a mount of a RUN step is made of.
type MountType string

const (
	MountBind   MountType = "bind"
	MountCache  MountType = "cache"
	MountTmpfs  MountType = "tmpfs"
	MountSecret MountType = "secret"
	MountSSH    MountType = "ssh"
)

// Sharing says what happens when two steps want a cache at once.
type Sharing string

const (
	Shared  Sharing = "shared"  // both write
	Private Sharing = "private" // the second gets another one
	Locked  Sharing = "locked"  // the second waits
)

// Mount is one --mount of a RUN step.
type Mount struct {
	Type MountType
	// Target is absolute. It is empty for a secret that is only wanted in the
	// environment.
	Target string
	From   From   // of bind and cache; a cache begins with Scratch
	Source string // absolute path within From; "/" for all of it

	// ReadOnly: what is not is writable for the step, and thrown away after it
	// unless it is a cache.
	ReadOnly bool

	ID       string  // of cache, secret and ssh
	Sharing  Sharing // of cache
	Required bool    // of secret and ssh: fail without it
	Env      string  // of secret: the variable that gets its value
	Size     int64   // of tmpfs in bytes; 0 is the kernel's default

	// Owner and mode of secrets, agents' sockets and new caches. Nil is the
	// default: 0:0, 0400 for a secret, 0600 for a socket, 0755 for a cache.
	UID, GID, Mode *uint32
}

// Copy is COPY or ADD.
type Copy struct {
	Add     bool
	From    From // of sources that are paths
	Sources []Source
	Files   []InlineFile
	Dest    string // absolute; a final slash says that it is a directory

	Chown    string // "user[:group]", names or numbers
	Chmod    string // octal or symbolic
	Link     bool   // a layer of its own, that does not depend on those below
	Parents  bool
	Exclude  []string
	Checksum string // of the one source, which is remote

	// KeepGitDir of a git source; nil when the instruction does not say (the
	// source's URL may).
	KeepGitDir *bool
}

// SourceKind tells how a source of ADD is had.
type SourceKind int

const (
	Path SourceKind = iota // a path or pattern within Copy.From
	URL                    // a file by HTTP
	Git                    // a repository, or a directory in it
)

// Source is one of COPY and ADD.
type Source struct {
	Kind   SourceKind
	Path   string // as written, expanded: a pattern, or the address
	Unpack bool   // an archive is to be unpacked
}

// InlineFile is a here-document.
type InlineFile struct {
	Name string
	Data string
	Mode uint32
}

// Workdir is a directory that has to be there after the step.
type Workdir struct {
	Dir  string // absolute
	User string // who owns what has to be made; empty is root
}
