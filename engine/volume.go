package engine

import "time"

// Volume is a directory that outlives the containers that mount it. JSON names
// are docker's.
type Volume struct {
	CreatedAt  time.Time         `json:"CreatedAt"`
	Driver     string            `json:"Driver"` // "local"
	Labels     map[string]string `json:"Labels"`
	Mountpoint string            `json:"Mountpoint"` // on the host
	Name       string            `json:"Name"`
	Options    map[string]string `json:"Options"`
	Scope      string            `json:"Scope"` // "local"
}

// AnonymousLabel marks a volume that was made for one container without a name.
const AnonymousLabel = "com.docker.volume.anonymous"

// Anonymous tells whether the volume was made without a name.
func (v Volume) Anonymous() bool {
	_, yes := v.Labels[AnonymousLabel]
	return yes
}

// VolumeSummary is one volume with who uses it.
type VolumeSummary struct {
	Volume
	Containers []ID  // that mount it, running or not
	Size       int64 // bytes on the disk; -1 when it was not asked for, or lies elsewhere
}

// VolumeList is a list and the event that it is current to.
type VolumeList struct {
	Seq   Seq
	Items []VolumeSummary
}

// VolumeListOptions choose and enrich rows. Filters are docker's: name (a part
// of it), label, driver, dangling; values of one key are alternatives (labels
// all must match).
type VolumeListOptions struct {
	Size    bool
	Filters Filters
}

// VolumeCreateOptions of a volume. Name "" makes an anonymous one. The driver
// "local" takes the options type, device and o, of which o=bind with a
// directory as device puts the volume there.
type VolumeCreateOptions struct {
	Name    string
	Driver  string
	Options map[string]string
	Labels  map[string]string
}

// VolumeRemoveOptions of a volume: with Force a missing one is no error.
type VolumeRemoveOptions struct{ Force bool }

// SubpathOption is an option of bind mounts in a bundle that the runtime
// specification does not have: "x-gantry.subpath=DIR/FILE" mounts what lies
// there below the source. It is looked up at the start, below the source's
// descriptor: another container that writes to the same volume may have put
// links there.
const SubpathOption = "x-gantry.subpath="
