package engine

import (
	"time"

	"gantry/images"
)

// MaxLabels bounds what the labels of a container, its image's among them, take
// as JSON: they are attributes of its events, and those are limited to 1 MiB.
const MaxLabels = 512 << 10

// ContainerConfig is the portable part of a container's configuration. JSON
// names here and below are docker's, so that its templates work.
type ContainerConfig struct {
	Hostname     string              `json:"Hostname"`
	Domainname   string              `json:"Domainname"`
	User         string              `json:"User"`
	AttachStdin  bool                `json:"AttachStdin"`
	AttachStdout bool                `json:"AttachStdout"`
	AttachStderr bool                `json:"AttachStderr"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Tty          bool                `json:"Tty"`
	OpenStdin    bool                `json:"OpenStdin"`
	StdinOnce    bool                `json:"StdinOnce"`
	Env          []string            `json:"Env"`
	Cmd          []string            `json:"Cmd"`
	Healthcheck  *images.Healthcheck `json:"Healthcheck,omitempty"`
	Image        string              `json:"Image"`
	Volumes      map[string]struct{} `json:"Volumes"`
	WorkingDir   string              `json:"WorkingDir"`
	Entrypoint   []string            `json:"Entrypoint"`
	Labels       map[string]string   `json:"Labels"` // MaxLabels bounds them
	StopSignal   string              `json:"StopSignal,omitempty"`
	StopTimeout  *int                `json:"StopTimeout,omitempty"` // seconds
	Shell        []string            `json:"Shell,omitempty"`       // of the image, for health checks in shell form
}

// RuntimeName is the one runtime that there is: the engine starts containers
// itself.
const RuntimeName = "gantry"

// The log drivers. json-file and local stand for the journal, so that what was
// written for docker works; with none the output is kept nowhere.
const (
	LogJournal = "journal"
	LogNone    = "none"
)

// LogDrivers are all that may be asked for.
var LogDrivers = []string{LogJournal, "json-file", "local", LogNone}

// HostConfig is the part that depends on the host.
type HostConfig struct {
	// NetworkMode is the first network: a name or an ID, "bridge", "none", "host"
	// or "container:ID". "" and "default" are the engine's default (Info).
	NetworkMode     string            `json:"NetworkMode"`
	PortBindings    PortMap           `json:"PortBindings"`
	PublishAllPorts bool              `json:"PublishAllPorts"` // all exposed ones, at any port of the host
	DNS             []string          `json:"Dns"`             // servers
	DNSOptions      []string          `json:"DnsOptions"`
	DNSSearch       []string          `json:"DnsSearch"`
	ExtraHosts      []string          `json:"ExtraHosts"` // "name:address", for /etc/hosts; "host-gateway" is the host
	AutoRemove      bool              `json:"AutoRemove"`
	RestartPolicy   RestartPolicy     `json:"RestartPolicy"`
	Init            *bool             `json:"Init,omitempty"`
	ReadonlyRootfs  bool              `json:"ReadonlyRootfs"`
	Privileged      bool              `json:"Privileged"` // all that the engine itself may do
	Mounts          []Mount           `json:"Mounts,omitempty"`
	Tmpfs           map[string]string `json:"Tmpfs,omitempty"` // target -> mount options
	CapAdd          []string          `json:"CapAdd"`
	CapDrop         []string          `json:"CapDrop"`
	SecurityOpt     []string          `json:"SecurityOpt"`
	ShmSize         int64             `json:"ShmSize"` // bytes
	Ulimits         []Ulimit          `json:"Ulimits"`
	ContainerIDFile string            `json:"ContainerIDFile"`
	LogConfig       LogConfig         `json:"LogConfig"`
	MaskedPaths     []string          `json:"MaskedPaths"`
	ReadonlyPaths   []string          `json:"ReadonlyPaths"`
	// CgroupParent is the control group that the container's is made in. One that
	// is not absolute is below the engine's own.
	CgroupParent string `json:"CgroupParent"`
	Runtime      string `json:"Runtime"` // "" or RuntimeName: there is one
	SpaceOptions
	DeviceOptions
	Resources
}

// Resources are the limits that Update can change. Zero means no limit, or no
// change in an update.
type Resources struct {
	Memory            int64  `json:"Memory"`            // bytes
	MemorySwap        int64  `json:"MemorySwap"`        // bytes of memory and swap together, -1 unlimited
	MemoryReservation int64  `json:"MemoryReservation"` // bytes
	NanoCpus          int64  `json:"NanoCpus"`          // 1e9 is one core
	CPUShares         int64  `json:"CpuShares"`
	CPUPeriod         int64  `json:"CpuPeriod"` // microseconds
	CPUQuota          int64  `json:"CpuQuota"`  // microseconds per period
	CpusetCpus        string `json:"CpusetCpus"`
	CpusetMems        string `json:"CpusetMems"`
	PidsLimit         int64  `json:"PidsLimit"` // -1 unlimited
	BlkioWeight       uint16 `json:"BlkioWeight"`
}

// UpdateOptions are what Update changes.
type UpdateOptions struct {
	Resources
	CPURealtimePeriod  int64          // microseconds
	CPURealtimeRuntime int64          // microseconds per period
	RestartPolicy      *RestartPolicy // nil: it stays
}

// Mount is one file system to attach. Type is "bind", "volume" or "tmpfs".
type Mount struct {
	Type        string         `json:"Type"`
	Source      string         `json:"Source,omitempty"` // a path of the host, or a volume's name; "" makes an anonymous one
	Target      string         `json:"Target"`
	ReadOnly    bool           `json:"ReadOnly,omitempty"`
	BindOptions *BindOptions   `json:"BindOptions,omitempty"`
	Volume      *VolumeOptions `json:"VolumeOptions,omitempty"`
	Tmpfs       *TmpfsOptions  `json:"TmpfsOptions,omitempty"`
	// Mode is what -v says after the target, as inspect shows it.
	Mode string `json:"Mode,omitempty"`
	// Chown gives the source to the container's user before the container is
	// there (podman's option U).
	Chown bool `json:"Chown,omitempty"`
}

// BindOptions tune a bind mount.
type BindOptions struct {
	Propagation      string `json:"Propagation,omitempty"` // rprivate when empty
	NonRecursive     bool   `json:"NonRecursive,omitempty"`
	CreateMountpoint bool   `json:"CreateMountpoint,omitempty"` // make a missing source a directory (-v does)
}

// VolumeOptions tune a volume's mount.
type VolumeOptions struct {
	NoCopy       bool              `json:"NoCopy,omitempty"` // leave an empty volume empty
	Labels       map[string]string `json:"Labels,omitempty"` // of a volume that has to be made
	Subpath      string            `json:"Subpath,omitempty"`
	DriverConfig *DriverConfig     `json:"DriverConfig,omitempty"` // of a volume that has to be made
}

// DriverConfig is a volume's driver with its options.
type DriverConfig struct {
	Name    string            `json:"Name,omitempty"`
	Options map[string]string `json:"Options,omitempty"`
}

// TmpfsOptions tune a tmpfs.
type TmpfsOptions struct {
	SizeBytes int64  `json:"SizeBytes,omitempty"`
	Mode      uint32 `json:"Mode,omitempty"`
}

// Ulimit is one resource limit (getrlimit(2)); Name without RLIMIT_, lower case.
type Ulimit struct {
	Name string `json:"Name"`
	Soft int64  `json:"Soft"`
	Hard int64  `json:"Hard"`
}

// LogConfig says where the output goes. Type is one of LogDrivers. Of Config,
// max-size (bytes, or with k, m, g) and max-file set the rotation; labels, env
// and tag say what `logs --details` shows in front of each line.
type LogConfig struct {
	Type   string            `json:"Type"`
	Config map[string]string `json:"Config"`
}

// CreateOptions is what Create needs. The image's configuration is merged in
// by the engine as docker does (entrypoint, command, environment, user,
// working directory, labels, stop signal).
type CreateOptions struct {
	Name     string // drawn when empty
	Platform string // "" is the host's
	Config   ContainerConfig
	Host     HostConfig
	// ResetEntrypoint says that an empty Config.Entrypoint is meant.
	ResetEntrypoint bool
	// Networks are those that the container is connected to when it starts, the
	// first one first (eth0). Empty: Host.NetworkMode alone.
	Networks []NetworkAttachment
	// StartSoon says that the same caller is about to start the container: the
	// engine may begin with what a start needs while it creates.
	StartSoon bool
}

// CreateResult is the answer of Create.
type CreateResult struct {
	ID       ID       `json:"Id"`
	Warnings []string `json:"Warnings"`
}

// ContainerSummary is one row of a list.
type ContainerSummary struct {
	ID       ID                `json:"Id"`
	Name     string            `json:"Name"`
	Image    string            `json:"Image"` // as the user named it
	ImageID  images.Digest     `json:"ImageID"`
	Platform images.Platform   `json:"Platform"` // of the image
	Command  []string          `json:"Command"`  // path and arguments
	Created  time.Time         `json:"Created"`
	Status   ContainerState    `json:"State"`
	Labels   map[string]string `json:"Labels"`
	Mounts   []MountPoint      `json:"Mounts"`
	Networks []string          `json:"Networks"`
	// Ports are those of a running container that the host has published, and
	// those that are only exposed.
	Ports PortMap `json:"Ports,omitempty"`
	// Addresses are a running container's, by network.
	Addresses map[string][]string `json:"Addresses,omitempty"`
	// RestartCount is as in ContainerDetail.
	RestartCount int `json:"RestartCount"`
	// SizeRw and SizeRootFs are bytes, set when ListOptions.Size was.
	SizeRw     int64 `json:"SizeRw,omitempty"`
	SizeRootFs int64 `json:"SizeRootFs,omitempty"`
}

// ContainerState is a container's state with the facts around it.
type ContainerState struct {
	Status     State     `json:"Status"`
	Running    bool      `json:"Running"` // as docker: also true while paused, and while restarting
	Paused     bool      `json:"Paused"`
	Restarting bool      `json:"Restarting"`
	OOMKilled  bool      `json:"OOMKilled"`
	Dead       bool      `json:"Dead"`
	Pid        int       `json:"Pid"` // in the host's PID namespace, 0 when not running
	ExitCode   int       `json:"ExitCode"`
	Error      string    `json:"Error"` // why the last start failed, or why ExitCode is not known
	StartedAt  time.Time `json:"StartedAt"`
	FinishedAt time.Time `json:"FinishedAt"`
	Health     *Health   `json:"Health,omitempty"` // nil: nothing is checked
	// RestartAt is when a container that is restarting is to be started again.
	RestartAt time.Time `json:"RestartAt,omitzero"`
}

// MountPoint is a mount as inspect shows it.
type MountPoint struct {
	Type        string `json:"Type"`
	Name        string `json:"Name,omitempty"`
	Source      string `json:"Source"`
	Destination string `json:"Destination"`
	Driver      string `json:"Driver,omitempty"` // of a volume
	Mode        string `json:"Mode"`
	RW          bool   `json:"RW"`
	Propagation string `json:"Propagation"`
}

// ContainerDetail is what inspect shows.
type ContainerDetail struct {
	ID              ID              `json:"Id"`
	Created         time.Time       `json:"Created"`
	Path            string          `json:"Path"`
	Args            []string        `json:"Args"`
	State           ContainerState  `json:"State"`
	Image           images.Digest   `json:"Image"`
	Name            string          `json:"Name"` // with a leading slash, as docker
	RestartCount    int             `json:"RestartCount"`
	Driver          string          `json:"Driver"` // overlay, reflink or copy
	Platform        string          `json:"Platform"`
	LogPath         string          `json:"LogPath"`
	Config          ContainerConfig `json:"Config"`
	HostConfig      HostConfig      `json:"HostConfig"`
	Mounts          []MountPoint    `json:"Mounts"`
	CgroupPath      string          `json:"CgroupPath"`
	NetworkSettings NetworkSettings `json:"NetworkSettings"`
	// SizeRw and SizeRootFs are nil unless asked for.
	SizeRw     *int64 `json:"SizeRw,omitempty"`
	SizeRootFs *int64 `json:"SizeRootFs,omitempty"`
}

// ContainerList is a list and the event that it is current to: Watch after Seq
// leaves no gap.
type ContainerList struct {
	Seq   Seq
	Items []ContainerSummary
}

// ListOptions choose and enrich rows. Filters are docker's: id, name, label,
// status, exited, ancestor, before, since, volume; values of one key are alternatives
// (labels all must match).
type ListOptions struct {
	All     bool // not only running ones
	Last    int  // the newest n, of any state; 0: no limit
	Size    bool
	Filters Filters
}

// Filters is key -> values, as --filter gives them.
type Filters map[string][]string

// StopOptions: the signal first (the container's own when empty), SIGKILL after
// Timeout (the container's own when nil, 10 s in the end; negative: never).
type StopOptions struct {
	Signal  string
	Timeout *time.Duration
}

// WaitCondition says what Wait waits for.
type WaitCondition string

const (
	WaitNotRunning WaitCondition = "not-running"
	WaitNextExit   WaitCondition = "next-exit"
	WaitRemoved    WaitCondition = "removed"
)

// ExitStatus is how a program ended.
type ExitStatus struct {
	Code      int       `json:"code"` // 128+n for a signal n
	OOMKilled bool      `json:"oomKilled,omitempty"`
	Error     string    `json:"error,omitempty"` // a start that failed, or an exit code that nobody saw
	At        time.Time `json:"at"`
}

// RemoveOptions of a container.
type RemoveOptions struct {
	Force   bool // kill it first
	Volumes bool // and its anonymous volumes
}

// AttachOptions choose streams. Logs replays the log before going live.
// Removes promises that whoever attaches removes the container after its end,
// should that be due (--rm), before it closes the session: the engine does it
// only when the session closes and the container is still there.
type AttachOptions struct {
	Stdin, Stdout, Stderr bool
	Logs                  bool
	Removes               bool
}

// ExecOptions is a further program in a running container. Its environment is
// the container's, with Env on top.
type ExecOptions struct {
	Cmd        []string
	Env        []string
	User       string
	WorkingDir string
	Tty        bool
	Size       TermSize
	Stdin      bool // connect standard input
	Detach     bool
	Privileged bool
}

// TermSize is a terminal's size in cells; zero when unknown.
type TermSize struct{ Width, Height uint16 }

// ProcessTable is the answer of Top.
type ProcessTable struct {
	Titles    []string   `json:"Titles"`
	Processes [][]string `json:"Processes"`
	// Usage is what each of the processes has used, in the same order. Engines
	// that cannot tell leave it empty, as does Top with arguments for ps.
	Usage []ProcessUsage `json:"-"`
}

// ProcessUsage is what one process has used so far, and occupies now.
type ProcessUsage struct {
	PID, Parent int
	CPU         time.Duration
	Memory      uint64 // resident bytes; what processes share counts in each
}

// PruneOptions choose what to remove: filters "until" and "label"/"label!".
// All is for images: also the tagged ones that no container uses. DryRun
// reports what would go.
type PruneOptions struct {
	All     bool
	DryRun  bool
	Filters Filters
}

// PruneReport names what went and the bytes that came back.
type PruneReport struct {
	Deleted   []string
	Reclaimed int64
}
