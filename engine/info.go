package engine

// Info tells what the engine is, what this host offers and what it lacks.
type Info struct {
	Name         string    `json:"name"` // "embedded engine"
	Version      string    `json:"version"`
	Root         string    `json:"root"`    // state directory
	Runtime      string    `json:"runtime"` // runtime directory
	Kernel       string    `json:"kernel"`
	OS           string    `json:"os"` // PRETTY_NAME of os-release
	Architecture string    `json:"architecture"`
	CPUs         int       `json:"cpus"`
	Memory       uint64    `json:"memory"`         // bytes
	Storage      string    `json:"storage"`        // overlay, reflink or copy
	Cgroup       string    `json:"cgroup"`         // v1, hybrid or v2
	CgroupParent string    `json:"cgroupParent"`   // where containers are placed
	Controllers  []string  `json:"controllers"`    // usable ones
	Containers   Counts    `json:"containers"`     // by state
	Images       int       `json:"images"`         //
	DefaultNet   string    `json:"defaultNetwork"` // of containers that name none
	Networks     bool      `json:"networks"`       // false: there are host and none only
	Features     []Feature `json:"features"`
	Unsupported  []string  `json:"unsupported,omitempty"` // actions that this engine cannot do
	Warnings     []string  `json:"warnings,omitempty"`
}

// Counts of containers.
type Counts struct{ Total, Running, Paused, Stopped int }

// Feature is one thing that the host has or lacks. Hint says how to get it.
type Feature struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
}
