package engine

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// ChangeKind tells what happened to a path; the numbers are docker's.
type ChangeKind int

const (
	Modified ChangeKind = iota
	Added
	Deleted
)

// String is docker's letter.
func (k ChangeKind) String() string {
	if k < Modified || k > Deleted {
		return "?"
	}
	return "CAD"[k : k+1]
}

// Change is one path in which a container's file system differs from its
// image's.
type Change struct {
	Kind ChangeKind `json:"Kind"`
	Path string     `json:"Path"`
}

// PathStat describes a path in a container, a link not followed. JSON names are
// docker's.
type PathStat struct {
	Name       string      `json:"name"`
	Size       int64       `json:"size"`
	Mode       fs.FileMode `json:"mode"`
	Mtime      time.Time   `json:"mtime"`
	LinkTarget string      `json:"linkTarget"` // in the container, resolved to the end
}

// CopyToOptions of CopyTo. KeepTypes refuses to replace a directory by
// something else and the other way round. Owners gives what is copied to the
// container's user, as docker's API has it for cp -a.
type CopyToOptions struct {
	KeepTypes bool
	Owners    bool
}

// CommitOptions describe the image that Commit makes. Changes are Dockerfile
// instructions, see ImportOptions. Pause stops the container's processes
// meanwhile.
type CommitOptions struct {
	Ref     string // "" makes an image without a name
	Author  string
	Message string
	Changes []string
	Pause   bool
}

// DiskUsage is what the engine's objects take on the disk, in bytes.
type DiskUsage struct {
	Images     []ImageUsage
	Containers []ContainerSummary // with SizeRw and SizeRootFs
	Volumes    []VolumeSummary    // with Size
	// Layers is what the layers of all images take, each counted once;
	// LayersInUse is the part that containers need.
	Layers      int64
	LayersInUse int64
}

// UsageSum is what all objects of one kind take.
type UsageSum struct {
	Total, Active int   // how many there are, and how many are needed
	Size          int64 // bytes
	Reclaimable   int64 // that those which are not needed take
}

// Sums adds the usage up by kind, as docker does: a container that does not run
// and a volume that no container has are not needed.
func (u DiskUsage) Sums() (images, containers, volumes UsageSum) {
	images = UsageSum{Total: len(u.Images), Size: u.Layers, Reclaimable: u.Layers - u.LayersInUse}
	for _, i := range u.Images {
		if len(i.Containers) > 0 {
			images.Active++
		}
	}
	for _, c := range u.Containers {
		containers.add(c.SizeRw, c.Status.Running || c.Status.Restarting)
	}
	for _, v := range u.Volumes {
		volumes.add(max(v.Size, 0), len(v.Containers) > 0)
	}
	return images, containers, volumes
}

func (s *UsageSum) add(size int64, active bool) {
	s.Total++
	s.Size += size
	if active {
		s.Active++
	} else {
		s.Reclaimable += size
	}
}

// ImageUsage is an image with its size, the part of it that other images have
// as well, and the rest.
type ImageUsage struct {
	ImageSummary
	Shared int64
	Unique int64
}

// MaxDirEntries bounds what ReadDir lists.
const MaxDirEntries = 10_000

// DirList is what a directory holds, by name. More tells that it holds more
// than MaxDirEntries, of which these are some.
type DirList struct {
	Entries []DirEntry
	More    bool
}

// DirEntry is one entry of a directory, a link not followed.
type DirEntry struct {
	Name       string
	Size       int64 // of the content, not on the disk
	Mode       fs.FileMode
	Mtime      time.Time
	UID, GID   int
	LinkTarget string // as the link says it
	Mount      bool   // something is mounted there
}

// Found is an entry that Find was asked for. Without a Path it only tells how
// many entries were looked at.
type Found struct {
	Path   string
	Entry  DirEntry
	Looked int
}

// NameMatches tells whether Find is to yield a name: one that holds the pattern,
// or that fits it where it is a shell's, upper and lower case alike.
func NameMatches(name, pattern string) bool {
	name, pattern = strings.ToLower(name), strings.ToLower(pattern)
	if !strings.ContainsAny(pattern, "*?[") {
		return strings.Contains(name, pattern)
	}
	fits, err := path.Match(pattern, name)
	return fits || err != nil && strings.Contains(name, pattern)
}

// TreeSize is what a directory takes with all below it. A file with several
// names counts once. Partial tells that some of it could not be looked at.
type TreeSize struct {
	Bytes   int64 // on the disk
	Entries int64 // files, directories and whatever else is in it
	Partial bool
}
