package cli

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/pflag"

	"gantry/engine"
)

// hostFlags are those of run and create about namespaces and devices.
type hostFlags struct {
	spaces                  engine.SpaceOptions
	groups, annotations     list
	sysctls, volumesFrom    list
	devices, deviceRules    list
	weights                 list
	readBps, writeBps       list
	readIOps, writeIOps     list
	swappiness              int64
	noOOMKiller             bool
	realPeriod, realRuntime int64
	logDriver, volumeDriver string
	isolation               string
	contentTrust            bool
	cgroupParent, runtime   string
	kernelMemory            bytesValue
	absent                  absentFlags
}

func (h *hostFlags) add(f *pflag.FlagSet) {
	f.Var(&h.annotations, "annotation", "Add an annotation to the container (passed through to the OCI runtime)")
	f.StringVar(&h.cgroupParent, "cgroup-parent", "", "Optional parent cgroup for the container (/PATH in every hierarchy, or PATH below gantry's own)")
	f.StringVar(&h.spaces.CgroupnsMode, "cgroupns", "", "Cgroup namespace to use (host|private)\n'host':    Run the container in the host's cgroup namespace\n'private': Run the container in its own private cgroup namespace\n'':        Private where the host has cgroup v2 alone, else the host's (default)")
	f.Var(&h.devices, "device", "Add a host device to the container (/dev/x[:/dev/y][:rwm])")
	f.Var(&h.deviceRules, "device-cgroup-rule", "Add a rule to the cgroup allowed devices list")
	f.Var(&h.readBps, "device-read-bps", "Limit read rate (bytes per second) from a device")
	f.Var(&h.readIOps, "device-read-iops", "Limit read rate (IO per second) from a device")
	f.Var(&h.writeBps, "device-write-bps", "Limit write rate (bytes per second) to a device")
	f.Var(&h.writeIOps, "device-write-iops", "Limit write rate (IO per second) to a device")
	f.Var(&h.weights, "blkio-weight-device", "Block IO weight (relative device weight)")
	f.Int64Var(&h.realPeriod, "cpu-rt-period", 0, "Limit CPU real-time period in microseconds")
	f.Int64Var(&h.realRuntime, "cpu-rt-runtime", 0, "Limit CPU real-time runtime in microseconds")
	f.Var(&h.groups, "group-add", "Add additional groups to join")
	f.StringVar(&h.spaces.IpcMode, "ipc", "", "IPC mode to use (none, private, shareable, host, container:NAME)")
	f.StringVar(&h.isolation, "isolation", "", "Container isolation technology (there is only default)")
	f.Var(&h.kernelMemory, "kernel-memory", "Kernel memory limit (there is none in today's kernels: it is discarded)")
	f.StringVar(&h.logDriver, "log-driver", "", "Logging driver for the container (journal, which json-file and local also stand for, or none)")
	f.Int64Var(&h.swappiness, "memory-swappiness", -1, "Tune container memory swappiness (0 to 100)")
	f.BoolVar(&h.noOOMKiller, "oom-kill-disable", false, "Disable OOM Killer")
	f.IntVar(&h.spaces.OomScoreAdj, "oom-score-adj", 0, "Tune host's OOM preferences (-1000 to 1000)")
	f.StringVar(&h.spaces.PidMode, "pid", "", "PID namespace to use (host, container:NAME)")
	f.StringVar(&h.runtime, "runtime", "", "Runtime to use for this container (gantry: there are no others)")
	f.Var(&h.sysctls, "sysctl", "Sysctl options")
	f.StringVar(&h.spaces.UsernsMode, "userns", "", "User namespace to use (host: there are no others)")
	f.StringVar(&h.spaces.UTSMode, "uts", "", "UTS namespace to use (host)")
	f.StringVar(&h.volumeDriver, "volume-driver", "", "Volume driver of the volumes that are made for the container (local)")
	f.Var(&h.volumesFrom, "volumes-from", "Mount volumes from the specified container(s)")
	h.absent.add(f)
	f.BoolVar(&h.contentTrust, "disable-content-trust", true, "Skip image verification (there is none to be skipped)")
}

// apply puts what the flags say into the configuration of a container.
func (h *hostFlags) apply(host *engine.HostConfig) (err error) {
	switch {
	case !slices.Contains([]string{"", "default"}, h.isolation):
		return fmt.Errorf("--isolation %q: there is only default", h.isolation)
	case h.logDriver != "" && !slices.Contains(engine.LogDrivers, h.logDriver):
		return fmt.Errorf("--log-driver %q: there are %s; to send a log elsewhere, follow it (gantry logs -f) or read its files (see LogPath in gantry inspect)", h.logDriver, strings.Join(engine.LogDrivers, ", "))
	case !slices.Contains([]string{"", "local"}, h.volumeDriver):
		return fmt.Errorf("--volume-driver %q: there is only local", h.volumeDriver)
	}
	if err := h.absent.check(); err != nil {
		return err
	}
	if h.logDriver != "" {
		host.LogConfig.Type = h.logDriver
	}
	host.CgroupParent, host.Runtime = h.cgroupParent, h.runtime
	host.SpaceOptions = h.spaces
	host.GroupAdd, host.VolumesFrom = h.groups, h.volumesFrom
	if host.Sysctls, err = pairMap("--sysctl", h.sysctls); err != nil {
		return err
	}
	if host.Annotations, err = pairMap("--annotation", h.annotations); err != nil {
		return err
	}
	return h.applyDevices(&host.DeviceOptions)
}

func (h *hostFlags) applyDevices(o *engine.DeviceOptions) error {
	for _, s := range h.devices {
		d, err := parseDevice(s)
		if err != nil {
			return err
		}
		o.Devices = append(o.Devices, d)
	}
	o.DeviceCgroupRules = h.deviceRules
	o.CPURealtimePeriod, o.CPURealtimeRuntime = h.realPeriod, h.realRuntime
	if h.swappiness != -1 {
		o.MemorySwappiness = &h.swappiness
	}
	if h.noOOMKiller {
		o.OomKillDisable = &h.noOOMKiller
	}
	for _, s := range h.weights {
		dev, text, _ := strings.Cut(s, ":")
		weight, err := strconv.ParseUint(text, 10, 16)
		if err != nil || !path.IsAbs(dev) {
			return fmt.Errorf("--blkio-weight-device %q: want for instance /dev/sda:500", s)
		}
		o.BlkioWeightDevice = append(o.BlkioWeightDevice, engine.WeightDevice{Path: dev, Weight: uint16(weight)})
	}
	for _, t := range []struct {
		flag  string
		given list
		bytes bool
		to    *[]engine.ThrottleDevice
	}{
		{"--device-read-bps", h.readBps, true, &o.BlkioDeviceReadBps}, {"--device-write-bps", h.writeBps, true, &o.BlkioDeviceWriteBps},
		{"--device-read-iops", h.readIOps, false, &o.BlkioDeviceReadIOps}, {"--device-write-iops", h.writeIOps, false, &o.BlkioDeviceWriteIOps},
	} {
		for _, s := range t.given {
			d, err := parseThrottle(s, t.bytes)
			if err != nil {
				return fmt.Errorf("%s %q: %w", t.flag, s, err)
			}
			*t.to = append(*t.to, d)
		}
	}
	return nil
}

// parseDevice reads /dev/x[:/dev/y][:rwm]; what is behind one colon is
// permissions when it looks like them.
func parseDevice(s string) (engine.DeviceMapping, error) {
	parts := strings.Split(s, ":")
	d := engine.DeviceMapping{PathOnHost: parts[0], PathInContainer: parts[0], CgroupPermissions: "rwm"}
	if class, name, ok := strings.Cut(parts[0], "="); ok && len(parts) == 1 && strings.Contains(class, "/") && !path.IsAbs(class) && name != "" {
		return d, fmt.Errorf("--device %q: the container device interface (CDI) is not there yet; give the device's nodes (--device /dev/x), and mount what its driver needs besides (-v)", s)
	}
	permissions := func(p string) bool { return p != "" && len(p) <= 3 && strings.Trim(p, "rwm") == "" }
	switch {
	case len(parts) == 2 && permissions(parts[1]):
		d.CgroupPermissions = parts[1]
	case len(parts) == 2:
		d.PathInContainer = parts[1]
	case len(parts) == 3:
		d.PathInContainer, d.CgroupPermissions = parts[1], parts[2]
	}
	if len(parts) > 3 || !path.IsAbs(d.PathOnHost) || !path.IsAbs(d.PathInContainer) || !permissions(d.CgroupPermissions) {
		return d, fmt.Errorf("--device %q: want /dev/x, /dev/x:/dev/y or /dev/x:/dev/y:rwm", s)
	}
	return d, nil
}

func parseThrottle(s string, bytes bool) (engine.ThrottleDevice, error) {
	dev, text, _ := strings.Cut(s, ":")
	var rate int64
	var err error
	want := "/dev/sda:1mb"
	if bytes {
		rate, err = units.RAMInBytes(text)
	} else {
		want = "/dev/sda:1000"
		rate, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil || rate < 0 || rate == math.MaxInt64 || !path.IsAbs(dev) {
		return engine.ThrottleDevice{}, fmt.Errorf("want for instance %s", want)
	}
	return engine.ThrottleDevice{Path: dev, Rate: uint64(rate)}, nil
}

// pairMap reads KEY=VALUE flags.
func pairMap(flag string, given list) (map[string]string, error) {
	var out map[string]string
	for _, s := range given {
		key, value, ok := strings.Cut(s, "=")
		if key == "" || !ok && flag == "--sysctl" {
			return nil, fmt.Errorf("%s %q: want KEY=VALUE", flag, s)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out, nil
}
