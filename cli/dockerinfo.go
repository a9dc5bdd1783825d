package cli

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

// dockerInfo is what info prints by a template or as JSON: gantry's own members,
// and those of docker's that mean something here, so that its templates work.
type dockerInfo struct {
	engine.Info
	Containers         int      `json:"Containers"`
	ContainersRunning  int      `json:"ContainersRunning"`
	ContainersPaused   int      `json:"ContainersPaused"`
	ContainersStopped  int      `json:"ContainersStopped"`
	Images             int      `json:"Images"`
	Driver             string   `json:"Driver"`
	Plugins            plugins  `json:"Plugins"`
	MemoryLimit        bool     `json:"MemoryLimit"`
	CPUCfsPeriod       bool     `json:"CpuCfsPeriod"`
	CPUCfsQuota        bool     `json:"CpuCfsQuota"`
	CPUShares          bool     `json:"CPUShares"`
	CPUSet             bool     `json:"CPUSet"`
	PidsLimit          bool     `json:"PidsLimit"`
	OomKillDisable     bool     `json:"OomKillDisable"`
	LoggingDriver      string   `json:"LoggingDriver"`
	CgroupDriver       string   `json:"CgroupDriver"`
	CgroupVersion      string   `json:"CgroupVersion"`
	KernelVersion      string   `json:"KernelVersion"`
	OperatingSystem    string   `json:"OperatingSystem"`
	OSType             string   `json:"OSType"`
	Architecture       string   `json:"Architecture"`
	NCPU               int      `json:"NCPU"`
	MemTotal           uint64   `json:"MemTotal"`
	DockerRootDir      string   `json:"DockerRootDir"`
	Name               string   `json:"Name"` // of the host
	ServerVersion      string   `json:"ServerVersion"`
	SystemTime         string   `json:"SystemTime"`
	LiveRestoreEnabled bool     `json:"LiveRestoreEnabled"` // containers never depend on a daemon
	SecurityOptions    []string `json:"SecurityOptions"`
	Warnings           []string `json:"Warnings"`
}

type plugins struct{ Volume, Network, Log []string }

func newDockerInfo(i engine.Info, now time.Time) dockerInfo {
	has := func(controller string) bool { return slices.Contains(i.Controllers, controller) }
	d := dockerInfo{
		Info: i, Containers: i.Containers.Total, ContainersRunning: i.Containers.Running, ContainersPaused: i.Containers.Paused,
		ContainersStopped: i.Containers.Stopped, Images: i.Images, Driver: i.Storage,
		Plugins:     plugins{Volume: []string{"local"}, Network: []string{"host", "null"}, Log: []string{"journal"}},
		MemoryLimit: has("memory"), CPUCfsPeriod: has("cpu"), CPUCfsQuota: has("cpu"), CPUShares: has("cpu"), CPUSet: has("cpuset"), PidsLimit: has("pids"),
		OomKillDisable: has("memory") && i.Cgroup != "v2", LoggingDriver: "journal", CgroupDriver: "cgroupfs", CgroupVersion: "1",
		KernelVersion: i.Kernel, OperatingSystem: i.OS, OSType: runtime.GOOS, Architecture: machine(i.Architecture), NCPU: i.CPUs, MemTotal: i.Memory,
		DockerRootDir: i.Root, ServerVersion: i.Version, SystemTime: now.Format(time.RFC3339Nano), LiveRestoreEnabled: true,
		SecurityOptions: []string{}, Warnings: i.Warnings,
	}
	if i.Networks {
		d.Plugins.Network = append([]string{"bridge"}, d.Plugins.Network...)
	}
	if i.Cgroup == "v2" {
		d.CgroupVersion = "2"
	}
	for _, f := range i.Features {
		if f.Name == "seccomp" && f.OK {
			d.SecurityOptions = append(d.SecurityOptions, "name=seccomp,profile=builtin")
		}
	}
	if host, err := os.Hostname(); err == nil {
		d.Name = host
	}
	return d
}

// machine is an architecture as uname(1) calls it, which is what docker tells.
func machine(arch string) string {
	if name, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i686"}[arch]; ok {
		return name
	}
	return arch
}

// versionSide is the program as docker's version tells of client and server,
// which are one here.
type versionSide struct {
	Version       string
	GoVersion     string
	Os            string
	Arch          string
	KernelVersion string `json:",omitempty"`
}

// kernelVersion is empty where the kernel does not tell.
func kernelVersion() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
