package engine

// SpaceOptions say which namespaces of others a container lives in, and what it
// may set there.
type SpaceOptions struct {
	PidMode      string            `json:"PidMode"`      // "", "host" or "container:ID"
	IpcMode      string            `json:"IpcMode"`      // "" or "private", "none", "shareable", "host" or "container:ID"
	UTSMode      string            `json:"UTSMode"`      // "" or "host"
	CgroupnsMode string            `json:"CgroupnsMode"` // "": as the host's cgroups want it; "host" or "private"
	UsernsMode   string            `json:"UsernsMode"`   // "" or "host"
	Sysctls      map[string]string `json:"Sysctls,omitempty"`
	GroupAdd     []string          `json:"GroupAdd"`    // names of the image's, or numbers
	OomScoreAdj  int               `json:"OomScoreAdj"` // -1000 to 1000
	Annotations  map[string]string `json:"Annotations,omitempty"`
	VolumesFrom  []string          `json:"VolumesFrom,omitempty"` // "CONTAINER[:ro|:rw]"
}

// DeviceOptions say what a container may reach of the host's devices, and how
// fast. Update leaves them alone.
type DeviceOptions struct {
	Devices              []DeviceMapping  `json:"Devices,omitempty"`
	DeviceCgroupRules    []string         `json:"DeviceCgroupRules,omitempty"` // "c 1:3 rwm", "b *:* r"
	BlkioWeightDevice    []WeightDevice   `json:"BlkioWeightDevice,omitempty"`
	BlkioDeviceReadBps   []ThrottleDevice `json:"BlkioDeviceReadBps,omitempty"`
	BlkioDeviceWriteBps  []ThrottleDevice `json:"BlkioDeviceWriteBps,omitempty"`
	BlkioDeviceReadIOps  []ThrottleDevice `json:"BlkioDeviceReadIOps,omitempty"`
	BlkioDeviceWriteIOps []ThrottleDevice `json:"BlkioDeviceWriteIOps,omitempty"`
	MemorySwappiness     *int64           `json:"MemorySwappiness,omitempty"` // 0 to 100; nil or -1: the host's
	OomKillDisable       *bool            `json:"OomKillDisable,omitempty"`
	CPURealtimePeriod    int64            `json:"CpuRealtimePeriod,omitempty"`  // microseconds
	CPURealtimeRuntime   int64            `json:"CpuRealtimeRuntime,omitempty"` // microseconds per period
}

// DeviceMapping is a device, or a directory of devices, of the host.
type DeviceMapping struct {
	PathOnHost        string `json:"PathOnHost"`
	PathInContainer   string `json:"PathInContainer"`
	CgroupPermissions string `json:"CgroupPermissions"` // of r, w and m
}

// WeightDevice is a block device's share of time.
type WeightDevice struct {
	Path   string `json:"Path"`
	Weight uint16 `json:"Weight"`
}

// ThrottleDevice is a limit per second of a block device: bytes or operations.
type ThrottleDevice struct {
	Path string `json:"Path"`
	Rate uint64 `json:"Rate"`
}
