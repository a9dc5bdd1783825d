package engine

import (
	"context"
	"io"
	"iter"

	"gantry/images"
	"gantry/logs"
)

// Engine runs containers and keeps images. Implementations are safe for
// concurrent use. Streams are pulled: nothing starts before a sequence is
// ranged over, and ending ctx or the loop frees it.
type Engine interface {
	Info(ctx context.Context) (Info, error)
	Containers() Containers
	Images() Images
	Volumes() Volumes
	Networks() Networks
	Jobs() Jobs
	System() System
	// Watch yields what happens after the event that opts.After names. When
	// the journal no longer holds that far back it yields ErrLagged once and
	// ends: list again and go on from the new sequence number.
	Watch(ctx context.Context, opts WatchOptions) iter.Seq2[Event, error]
	Close() error
}

// Containers is everything that can be done with containers. Callers should
// ask for the role that they need.
type Containers interface {
	ContainerReader
	ContainerLifecycle
	ContainerEditor
	ContainerStreams
	ContainerFiles
}

// ContainerReader looks and changes nothing. ref is an ID, a unique prefix of
// one, or a name, here and in the other roles.
type ContainerReader interface {
	List(ctx context.Context, opts ListOptions) (ContainerList, error)
	Inspect(ctx context.Context, ref string) (ContainerDetail, error)
	Top(ctx context.Context, ref string, psArgs []string) (ProcessTable, error)
}

// ContainerLifecycle moves containers through their states.
type ContainerLifecycle interface {
	// Create makes a container from an image that is in the store; it pulls
	// nothing (a missing image is ErrNotFound with Kind "image").
	Create(ctx context.Context, opts CreateOptions) (CreateResult, error)
	// Start of a running container does nothing and returns ErrNotModified.
	Start(ctx context.Context, ref string) error
	Stop(ctx context.Context, ref string, opts StopOptions) error
	Restart(ctx context.Context, ref string, opts StopOptions) error
	Kill(ctx context.Context, ref, signal string) error
	Pause(ctx context.Context, ref string) error
	Unpause(ctx context.Context, ref string) error
	// Wait blocks until the condition holds. A container that is removed
	// while its end is waited for still yields its exit status.
	Wait(ctx context.Context, ref string, until WaitCondition) (ExitStatus, error)
	Remove(ctx context.Context, ref string, opts RemoveOptions) error
}

// ProcessSignaler reaches single processes of a container. Not every engine
// can: assert it on Containers.
type ProcessSignaler interface {
	// SignalProcess sends to the process that Top lists as pid.
	SignalProcess(ctx context.Context, ref string, pid int, signal string) error
}

// ContainerEditor changes what a container is without moving its state.
type ContainerEditor interface {
	Rename(ctx context.Context, ref, name string) error
	Update(ctx context.Context, ref string, opts UpdateOptions) error
	Prune(ctx context.Context, opts PruneOptions) (PruneReport, error)
}

// ContainerStreams carries bytes and samples in and out.
type ContainerStreams interface {
	// Attach connects to the container's standard streams. On a created
	// container it returns at once and loses no byte of a later Start.
	Attach(ctx context.Context, ref string, opts AttachOptions) (Session, error)
	// Exec runs a further program in a running container.
	Exec(ctx context.Context, ref string, opts ExecOptions) (Session, error)
	Logs(ctx context.Context, ref string, q logs.Query) iter.Seq2[logs.Entry, error]
	// Stats yields a sample at once and then one per interval. An interval
	// of 0 yields one sample and ends, unless samples are Pulled.
	Stats(ctx context.Context, ref string, opts StatsOptions) iter.Seq2[Sample, error]
}

// Images is the local image store and its registries. ref is a reference, a
// "sha256:" ID, or a unique prefix of an ID without the algorithm.
type Images interface {
	ImageReader
	ImageMover
	ImageEditor
}

// ImageReader looks and changes nothing.
type ImageReader interface {
	List(ctx context.Context, opts ImageListOptions) (ImageList, error)
	Inspect(ctx context.Context, ref string) (ImageDetail, error)
	History(ctx context.Context, ref string) ([]HistoryEntry, error)
}

// ImageMover carries images between the store, registries and archives. The
// sequences yield progress; the last value before the end has ID "" and State
// Done, with the image's name and digest in Text.
type ImageMover interface {
	Pull(ctx context.Context, opts PullOptions) iter.Seq2[images.Progress, error]
	Push(ctx context.Context, opts PushOptions) iter.Seq2[images.Progress, error]
	Save(ctx context.Context, opts SaveOptions) iter.Seq2[images.Progress, error]
	Load(ctx context.Context, opts LoadOptions) iter.Seq2[images.Progress, error]
	Import(ctx context.Context, opts ImportOptions) (images.Digest, error)
	// Login checks the credentials with the registry and stores them; it
	// returns what the registry answered.
	Login(ctx context.Context, cred Credentials) (string, error)
	Logout(ctx context.Context, registry string) error
}

// ImageEditor changes names and removes images.
type ImageEditor interface {
	Tag(ctx context.Context, source, target string) error
	Remove(ctx context.Context, ref string, opts ImageRemoveOptions) ([]ImageRemoved, error)
	Prune(ctx context.Context, opts PruneOptions) (PruneReport, error)
}

// Volumes is everything that can be done with volumes. A volume is named in
// full.
type Volumes interface {
	List(ctx context.Context, opts VolumeListOptions) (VolumeList, error)
	Inspect(ctx context.Context, name string) (VolumeSummary, error)
	// Create of a volume that is there already returns it, unless its driver
	// or its options are others (ErrConflict).
	Create(ctx context.Context, opts VolumeCreateOptions) (Volume, error)
	// Remove refuses a volume that a container mounts, running or not, with
	// ErrInUse.
	Remove(ctx context.Context, name string, opts VolumeRemoveOptions) error
	// Prune removes anonymous volumes that no container mounts; with opts.All
	// the named ones, too.
	Prune(ctx context.Context, opts PruneOptions) (PruneReport, error)
}

// Networks is everything that can be done with networks. ref is a name, an ID or
// a unique prefix of one.
type Networks interface {
	List(ctx context.Context, opts NetworkListOptions) (NetworkList, error)
	Inspect(ctx context.Context, ref string) (Network, error)
	// Create refuses a name that is taken (ErrConflict), and a subnet that
	// overlaps what the host or another network has.
	Create(ctx context.Context, opts NetworkCreateOptions) (NetworkCreateResult, error)
	// Remove refuses a network that running containers are connected to
	// (ErrInUse), and those that every engine has.
	Remove(ctx context.Context, ref string, opts NetworkRemoveOptions) error
	// Connect adds a network to a container, at once when that runs.
	Connect(ctx context.Context, ref, container string, opts EndpointOptions) error
	// Disconnect takes it away. With force a container that is not there, or not
	// connected, is no error.
	Disconnect(ctx context.Context, ref, container string, force bool) error
	// Prune removes the networks that no running container is connected to, but
	// for those that every engine has.
	Prune(ctx context.Context, opts PruneOptions) (PruneReport, error)
}

// ContainerFiles reads and writes the file systems of containers, whether they
// run or not. Paths are the container's own; no link leads out of its root,
// whatever its programs do meanwhile.
type ContainerFiles interface {
	// Changes lists what differs from the image, parents before what is in them.
	Changes(ctx context.Context, ref string) ([]Change, error)
	// Export writes the whole root file system as a tar stream, without what is
	// mounted in it.
	Export(ctx context.Context, ref string, w io.Writer) error
	// StatPath, CopyFrom and CopyTo see the container's volumes and binds. A path
	// that ends in "/" or "/." is followed when it is a link.
	StatPath(ctx context.Context, ref, path string) (PathStat, error)
	// CopyFrom writes a file or a directory as a tar stream whose names begin
	// with the last element of path.
	CopyFrom(ctx context.Context, ref, path string, w io.Writer) error
	// CopyTo extracts a tar stream, which may be compressed, in a directory.
	CopyTo(ctx context.Context, ref, dir string, r io.Reader, opts CopyToOptions) error
	// Commit makes an image of the container's root file system and
	// configuration and returns its ID.
	Commit(ctx context.Context, ref string, opts CommitOptions) (images.Digest, error)
}

// Browsable is what has files to look through. Not every engine can: assert it on
// Containers, Images and Volumes.
type Browsable interface {
	Files() FileReader
}

// FileReader looks through the file system of a container that runs or not, of
// an image or of a volume. Paths begin at its root; a link on the way ends there,
// too, and one at the end is not followed.
type FileReader interface {
	ReadDir(ctx context.Context, ref, dir string) (DirList, error)
	// Measure walks through all of a directory but what is mounted in it: it takes
	// as long as that takes, or until ctx ends.
	Measure(ctx context.Context, ref, dir string) (TreeSize, error)
	// Find looks for names below a directory, its own not among them. It yields
	// what it finds as it finds it, and from time to time how far it has come.
	Find(ctx context.Context, ref, dir, pattern string) iter.Seq2[Found, error]
	// ReadFile reads a regular file, at most limit bytes of it; anything else is
	// ErrInvalid.
	ReadFile(ctx context.Context, ref, path string, limit int) ([]byte, error)
	// CopyFrom writes a file or a directory as a tar stream whose names begin
	// with the last element of path.
	CopyFrom(ctx context.Context, ref, path string, w io.Writer) error
}

// System is about the engine as a whole.
type System interface {
	DiskUsage(ctx context.Context) (DiskUsage, error)
}

// Jobs is long work that outlives the front end which began it.
type Jobs interface {
	List(ctx context.Context) ([]Job, error)
	// Start begins a job in a process of its own and returns its ID.
	Start(ctx context.Context, spec JobSpec) (ID, error)
	// Follow yields the latest progress of each part, then what changes, and
	// ends with the job; a failed job ends it with its error.
	Follow(ctx context.Context, id string) iter.Seq2[images.Progress, error]
	Cancel(ctx context.Context, id string) error
	Remove(ctx context.Context, id string) error
}
