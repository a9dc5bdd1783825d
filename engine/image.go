package engine

import (
	"io"
	"time"

	"gantry/images"
)

// ImageList is a list and the event that it is current to.
type ImageList struct {
	Seq   Seq
	Items []ImageSummary
}

// ImageSummary is one image with who uses it.
type ImageSummary struct {
	images.Image
	Containers []ID // that were made from it
}

// ImageListOptions choose rows. Filters are docker's: reference (shell
// pattern), label, dangling, before, since.
type ImageListOptions struct {
	All       bool
	Reference string // a name or pattern, as the argument of docker images
	Filters   Filters
}

// ImageDetail is what inspect shows, with docker's JSON names.
type ImageDetail struct {
	ID           images.Digest  `json:"Id"`
	RepoTags     []string       `json:"RepoTags"`
	RepoDigests  []string       `json:"RepoDigests"`
	Parent       string         `json:"Parent"`
	Comment      string         `json:"Comment"`
	Created      *time.Time     `json:"Created,omitempty"`
	Author       string         `json:"Author"`
	Config       *images.Config `json:"Config"`
	Architecture string         `json:"Architecture"`
	Variant      string         `json:"Variant,omitempty"`
	Os           string         `json:"Os"`
	Size         int64          `json:"Size"`
	RootFS       ImageRootFS    `json:"RootFS"`
	Manifest     images.Digest  `json:"ManifestDigest"`
	// Problem is that of images.Image: with it, what could not be read is missing.
	Problem string `json:"Problem,omitempty"`
}

// ImageRootFS lists the uncompressed layers' digests, bottom first.
type ImageRootFS struct {
	Type   string          `json:"Type"`
	Layers []images.Digest `json:"Layers,omitempty"`
}

// HistoryEntry is one step, newest first. ID is "<missing>" for all but the
// image itself, as in docker.
type HistoryEntry struct {
	ID        string    `json:"Id"`
	Created   time.Time `json:"Created"`
	CreatedBy string    `json:"CreatedBy"`
	Tags      []string  `json:"Tags"`
	Size      int64     `json:"Size"`
	Comment   string    `json:"Comment"`
}

// PullOptions name what to pull. Platform "" is the host's.
type PullOptions struct {
	Ref      string
	Platform string
	AllTags  bool
}

// PushOptions name what to push.
type PushOptions struct {
	Ref      string
	Platform string
	AllTags  bool
}

// SaveOptions write images as a docker archive that is an OCI layout too.
type SaveOptions struct {
	Refs     []string
	Platform string
	Output   io.Writer
}

// LoadOptions read such an archive, plain or compressed.
type LoadOptions struct {
	Input    io.Reader
	Platform string
}

// ImportOptions make a one-layer image from a tar of a root file system.
// Changes are Dockerfile instructions (CMD, ENTRYPOINT, ENV, …).
type ImportOptions struct {
	Input    io.Reader
	URL      string // http or https, instead of Input
	Ref      string
	Message  string
	Changes  []string
	Platform string
}

// Credentials for a registry ("" is docker.io).
type Credentials struct {
	Registry string
	Username string
	Password string
}

// ImageRemoveOptions: Force removes a tag that a stopped container uses, and
// all tags of an ID. NoPrune keeps untagged parents.
type ImageRemoveOptions struct {
	Force   bool
	NoPrune bool
}

// ImageRemoved is one effect of a removal: exactly one field is set.
type ImageRemoved struct {
	Untagged string `json:"Untagged,omitempty"`
	Deleted  string `json:"Deleted,omitempty"`
}
