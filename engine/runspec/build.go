package runspec

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// Facts is what the host contributes.
type Facts struct {
	// Bounding holds the capabilities that the engine itself may give away,
	// "CAP_…". A container never gets more.
	Bounding []string
	// CanRaise tells whether hard resource limits can be raised
	// (CAP_SYS_RESOURCE); HardLimits are the engine's own, by "RLIMIT_…".
	CanRaise   bool
	HardLimits map[string]uint64
	// Unified tells whether containers have a cgroup namespace: plain v2.
	Unified bool
	CPUs    int
	Memory  uint64 // bytes
}

// Files are paths on the host of the files that every container gets.
type Files struct{ Hostname, Hosts, ResolvConf string }

// Input is everything that a spec is made of.
type Input struct {
	ID     engine.ID
	Config engine.ContainerConfig // merged with the image's, see Merge
	Host   engine.HostConfig
	Files  Files
	// Volumes are those of Host.Mounts and of Config.Volumes.
	Volumes []Volume
	Cgroup  string // path of the control group, for information
	Facts   Facts
	// Devices are the host's, for a privileged container.
	Devices []specs.LinuxDevice
	// Mapped are those that Host.Devices name.
	Mapped []Device
	Blocks BlockNumbers // nil: Host names no block devices
}

// Build makes the spec. Errors are ErrInvalid and name the option.
func Build(in Input) (*specs.Spec, error) {
	c, h := in.Config, in.Host
	caps, err := containerCaps(h, in.Facts.Bounding)
	if err != nil {
		return nil, err
	}
	security, err := ParseSecurity(h.SecurityOpt)
	if err != nil {
		return nil, err
	}
	if err := checkSpaces(h); err != nil {
		return nil, err
	}
	resources, err := Resources(h.Resources, in.Facts)
	if err != nil {
		return nil, err
	}
	if err := LimitDevices(resources, h.DeviceOptions, in.Blocks); err != nil {
		return nil, err
	}
	limits, err := rlimits(h.Ulimits, in.Facts)
	if err != nil {
		return nil, err
	}
	cwd, err := workingDir(c.WorkingDir)
	if err != nil {
		return nil, err
	}
	mounts, err := mounts(in)
	if err != nil {
		return nil, err
	}
	spaces, err := namespaces(h.NetworkMode, in.Facts.Unified)
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{
		Version: specs.Version,
		Process: &specs.Process{
			Terminal: c.Tty, Args: append(append([]string{}, c.Entrypoint...), c.Cmd...), Env: processEnv(c), Cwd: cwd,
			// Inheritable and ambient stay empty: with inheritable ones a file
			// with its own capabilities would get more than root
			// (CVE-2022-24769).
			Capabilities:    &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
			NoNewPrivileges: security.NoNewPrivileges, Rlimits: limits,
		},
		Root:     &specs.Root{Path: "rootfs", Readonly: h.ReadonlyRootfs},
		Hostname: c.Hostname, Domainname: c.Domainname,
		Mounts: mounts,
		Linux: &specs.Linux{
			Namespaces: spaces, Resources: resources, CgroupsPath: in.Cgroup,
			MaskedPaths: or(h.MaskedPaths, MaskedPaths(in.Facts.CPUs)), ReadonlyPaths: or(h.ReadonlyPaths, ReadonlyPaths()),
			RootfsPropagation: "rprivate",
			Sysctl:            sysctls(h.NetworkMode),
		},
	}
	settle(spec, h)
	if err := addDevices(spec, in.Mapped, h.DeviceCgroupRules); err != nil {
		return nil, err
	}
	if h.Privileged {
		openUp(spec, in.Devices)
	}
	return spec, nil
}

// openUp gives a privileged container what is kept from others. Its sysfs is
// read-only with its root, and its namespaces stay its own, as in docker.
func openUp(spec *specs.Spec, devices []specs.LinuxDevice) {
	l := spec.Linux
	l.Devices = append(l.Devices, devices...)
	l.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	l.MaskedPaths, l.ReadonlyPaths = []string{}, []string{}
	for i, m := range spec.Mounts {
		if m.Type == "cgroup" || m.Type == "sysfs" && !spec.Root.Readonly {
			spec.Mounts[i].Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return o == "ro" })
		}
	}
}

func or(list, def []string) []string {
	if list != nil {
		return list
	}
	return def
}

// workingDir must be absolute, as in a Dockerfile after resolution.
func workingDir(dir string) (string, error) {
	if dir == "" {
		return "/", nil
	}
	if !path.IsAbs(dir) {
		return "", fmt.Errorf("%w working directory %q: it must be an absolute path in the container", engine.ErrInvalid, dir)
	}
	return path.Clean(dir), nil
}

func namespaces(network string, unified bool) ([]specs.LinuxNamespace, error) {
	spaces := []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}}
	switch network {
	case "host":
	default: // a bridge: the start brings the namespace along
		spaces = append(spaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
	if unified { // on v1 a private view brings nothing and breaks what docker shows
		spaces = append(spaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	}
	return spaces, nil
}

// sysctls of a network namespace of the container's own, docker's defaults:
// programs of ordinary users may listen on any port and send pings. What is
// shared, perhaps with the host, is not changed.
func sysctls(network string) map[string]string {
	if network == engine.NetworkHost || strings.HasPrefix(network, engine.NetworkContainer) {
		return nil
	}
	return map[string]string{"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}
}

// Security is what --security-opt says.
type Security struct {
	NoNewPrivileges bool
	// Seccomp is "" for the default, "builtin" for the default profile,
	// "unconfined", or the path of a profile.
	Seccomp string
}

// ParseSecurity reads --security-opt values: "no-new-privileges[:true|false]"
// and "seccomp=PROFILE", with "=" or ":" between.
func ParseSecurity(opts []string) (Security, error) {
	var s Security
	for _, o := range opts {
		key, value, ok := strings.Cut(o, "=")
		if !ok {
			key, value, ok = strings.Cut(o, ":")
		}
		switch key {
		case "no-new-privileges":
			if ok && value != "true" && value != "false" {
				return s, fmt.Errorf("%w security option %q: want no-new-privileges, or it with =true or =false", engine.ErrInvalid, o)
			}
			s.NoNewPrivileges = value != "false"
		case "seccomp":
			if value == "" {
				return s, fmt.Errorf("%w security option %q: want seccomp=PROFILE.json, seccomp=builtin or seccomp=unconfined", engine.ErrInvalid, o)
			}
			s.Seccomp = value
		default:
			return s, fmt.Errorf("%w security option %q: there are no-new-privileges and seccomp=", engine.ErrInvalid, o)
		}
	}
	return s, nil
}

// MaskedPaths are hidden from containers: moby's list, with the throttle
// counters of each processor, which tell neighbours what the others compute.
func MaskedPaths(cpus int) []string {
	list := []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
	}
	for i := range cpus {
		list = append(list, fmt.Sprintf("/sys/devices/system/cpu/cpu%d/thermal_throttle", i))
	}
	return list
}

// ReadonlyPaths can be read but not written in containers.
func ReadonlyPaths() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
