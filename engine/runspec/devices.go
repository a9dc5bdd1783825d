package runspec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// Device is a device of the host that a container is given.
type Device struct {
	specs.LinuxDevice
	Access string // of r, w and m
}

// addDevices puts devices, and the rules that allow them, into a spec.
func addDevices(spec *specs.Spec, devices []Device, rules []string) error {
	for _, d := range devices {
		spec.Linux.Devices = append(spec.Linux.Devices, d.LinuxDevice)
		spec.Linux.Resources.Devices = append(spec.Linux.Resources.Devices, specs.LinuxDeviceCgroup{
			Allow: true, Type: d.Type, Major: &d.Major, Minor: &d.Minor, Access: d.Access,
		})
	}
	for _, r := range rules {
		rule, err := parseDeviceRule(r)
		if err != nil {
			return err
		}
		spec.Linux.Resources.Devices = append(spec.Linux.Resources.Devices, rule)
	}
	return nil
}

var deviceRule = regexp.MustCompile(`^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$`)

// parseDeviceRule reads "c 1:3 rwm".
func parseDeviceRule(s string) (specs.LinuxDeviceCgroup, error) {
	m := deviceRule.FindStringSubmatch(s)
	if m == nil {
		return specs.LinuxDeviceCgroup{}, fmt.Errorf("%w device cgroup rule %q: want for instance 'c 1:3 rwm', with * for any number", engine.ErrInvalid, s)
	}
	number := func(text string) (*int64, error) {
		n := int64(-1)
		if text != "*" {
			v, err := strconv.ParseUint(text, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%w device cgroup rule %q: %s is too large", engine.ErrInvalid, s, text)
			}
			n = int64(v)
		}
		return &n, nil
	}
	major, err := number(m[2])
	if err != nil {
		return specs.LinuxDeviceCgroup{}, err
	}
	minor, err := number(m[3])
	return specs.LinuxDeviceCgroup{Allow: true, Type: m[1], Major: major, Minor: minor, Access: m[4]}, err
}

// CheckAccess wants letters of rwm, none twice.
func CheckAccess(s string) error {
	if s == "" || len(s) > 3 || strings.Trim(s, "rwm") != "" || strings.Count(s, "r") > 1 || strings.Count(s, "w") > 1 || strings.Count(s, "m") > 1 {
		return fmt.Errorf("%w device permissions %q: want letters of rwm", engine.ErrInvalid, s)
	}
	return nil
}

// BlockNumbers tells which block device a path of the host is.
type BlockNumbers func(path string) (major, minor int64, err error)

// LimitDevices puts the limits of DeviceOptions into resources.
func LimitDevices(out *specs.LinuxResources, o engine.DeviceOptions, numbers BlockNumbers) error {
	if err := limitBlocks(out, o, numbers); err != nil {
		return err
	}
	if s := o.MemorySwappiness; s != nil && *s != -1 {
		if *s < 0 || *s > 100 {
			return invalid("--memory-swappiness", *s, "0 to 100, or -1 for the host's")
		}
		v := uint64(*s)
		memoryOf(out).Swappiness = &v
	}
	if k := o.OomKillDisable; k != nil && *k {
		memoryOf(out).DisableOOMKiller = k
	}
	if o.CPURealtimePeriod == 0 && o.CPURealtimeRuntime == 0 {
		return nil
	}
	if o.CPURealtimePeriod < 0 || o.CPURealtimePeriod > 0 && o.CPURealtimeRuntime > o.CPURealtimePeriod {
		return invalid("--cpu-rt-runtime", o.CPURealtimeRuntime, "at most --cpu-rt-period")
	}
	if out.CPU == nil {
		out.CPU = &specs.LinuxCPU{}
	}
	if o.CPURealtimePeriod != 0 {
		v := uint64(o.CPURealtimePeriod)
		out.CPU.RealtimePeriod = &v
	}
	if o.CPURealtimeRuntime != 0 {
		out.CPU.RealtimeRuntime = &o.CPURealtimeRuntime
	}
	return nil
}

func memoryOf(out *specs.LinuxResources) *specs.LinuxMemory {
	if out.Memory == nil {
		out.Memory = &specs.LinuxMemory{}
	}
	return out.Memory
}

func limitBlocks(out *specs.LinuxResources, o engine.DeviceOptions, numbers BlockNumbers) error {
	io := func() *specs.LinuxBlockIO {
		if out.BlockIO == nil {
			out.BlockIO = &specs.LinuxBlockIO{}
		}
		return out.BlockIO
	}
	for _, w := range o.BlkioWeightDevice {
		major, minor, err := numbers(w.Path)
		if err != nil {
			return err
		}
		if w.Weight != 0 && (w.Weight < 10 || w.Weight > 1000) {
			return invalid("--blkio-weight-device", w.Weight, "10 to 1000")
		}
		d := specs.LinuxWeightDevice{Weight: &w.Weight}
		d.Major, d.Minor = major, minor
		io().WeightDevice = append(io().WeightDevice, d)
	}
	for _, kind := range []struct {
		from []engine.ThrottleDevice
		to   func() *[]specs.LinuxThrottleDevice
	}{
		{o.BlkioDeviceReadBps, func() *[]specs.LinuxThrottleDevice { return &io().ThrottleReadBpsDevice }},
		{o.BlkioDeviceWriteBps, func() *[]specs.LinuxThrottleDevice { return &io().ThrottleWriteBpsDevice }},
		{o.BlkioDeviceReadIOps, func() *[]specs.LinuxThrottleDevice { return &io().ThrottleReadIOPSDevice }},
		{o.BlkioDeviceWriteIOps, func() *[]specs.LinuxThrottleDevice { return &io().ThrottleWriteIOPSDevice }},
	} {
		for _, t := range kind.from {
			major, minor, err := numbers(t.Path)
			if err != nil {
				return err
			}
			d := specs.LinuxThrottleDevice{Rate: t.Rate}
			d.Major, d.Minor = major, minor
			list := kind.to()
			*list = append(*list, d)
		}
	}
	return nil
}
