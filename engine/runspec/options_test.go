package runspec_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/runspec"
)

func built(t *testing.T, h engine.HostConfig, devices ...runspec.Device) (*specs.Spec, error) {
	t.Helper()
	return runspec.Build(runspec.Input{
		Config: engine.ContainerConfig{Cmd: []string{"x"}, Hostname: "h"}, Host: h, Mapped: devices,
		Blocks: func(path string) (int64, int64, error) {
			if path != "/dev/sda" {
				return 0, 0, errors.New("no such disk")
			}
			return 8, 0, nil
		},
	})
}

func TestSpaces(t *testing.T) {
	t.Parallel()
	has := func(s *specs.Spec, kind specs.LinuxNamespaceType) bool {
		return slices.ContainsFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
	}
	for _, tt := range []struct {
		name    string
		o       engine.SpaceOptions
		with    []specs.LinuxNamespaceType
		without []specs.LinuxNamespaceType
	}{
		{"by default", engine.SpaceOptions{}, []specs.LinuxNamespaceType{specs.PIDNamespace, specs.IPCNamespace, specs.UTSNamespace}, []specs.LinuxNamespaceType{specs.CgroupNamespace}},
		{"the host's", engine.SpaceOptions{PidMode: "host", IpcMode: "host", UTSMode: "host"}, nil, []specs.LinuxNamespaceType{specs.PIDNamespace, specs.IPCNamespace, specs.UTSNamespace}},
		{"of a container: the start knows", engine.SpaceOptions{PidMode: "container:x", IpcMode: "container:x"}, []specs.LinuxNamespaceType{specs.PIDNamespace, specs.IPCNamespace}, nil},
		{"a private cgroup view", engine.SpaceOptions{CgroupnsMode: "private"}, []specs.LinuxNamespaceType{specs.CgroupNamespace}, nil},
	} {
		s, err := built(t, engine.HostConfig{SpaceOptions: tt.o})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, k := range tt.with {
			if !has(s, k) {
				t.Errorf("%s: no %s namespace", tt.name, k)
			}
		}
		for _, k := range tt.without {
			if has(s, k) {
				t.Errorf("%s: a %s namespace of its own", tt.name, k)
			}
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	swappiness := int64(101)
	for want, h := range map[string]engine.HostConfig{
		"--pid":                   {SpaceOptions: engine.SpaceOptions{PidMode: "container:"}},
		"--ipc":                   {SpaceOptions: engine.SpaceOptions{IpcMode: "x"}},
		"--uts":                   {SpaceOptions: engine.SpaceOptions{UTSMode: "container:x"}},
		"--cgroupns":              {SpaceOptions: engine.SpaceOptions{CgroupnsMode: "x"}},
		"--userns":                {SpaceOptions: engine.SpaceOptions{UsernsMode: "x"}},
		"--oom-score-adj":         {SpaceOptions: engine.SpaceOptions{OomScoreAdj: -1001}},
		"not allowed":             {SpaceOptions: engine.SpaceOptions{Sysctls: map[string]string{"kernel/core_pattern": "|/x"}}},
		"--memory-swappiness":     {DeviceOptions: engine.DeviceOptions{MemorySwappiness: &swappiness}},
		"--blkio-weight-device":   {DeviceOptions: engine.DeviceOptions{BlkioWeightDevice: []engine.WeightDevice{{Path: "/dev/sda", Weight: 5}}}},
		"no such disk":            {DeviceOptions: engine.DeviceOptions{BlkioDeviceReadBps: []engine.ThrottleDevice{{Path: "/dev/x"}}}},
		"device cgroup rule":      {DeviceOptions: engine.DeviceOptions{DeviceCgroupRules: []string{"c 1:3 rwm; a"}}},
		"is too large":            {DeviceOptions: engine.DeviceOptions{DeviceCgroupRules: []string{"c 99999999999:3 r"}}},
		"at most --cpu-rt-period": {DeviceOptions: engine.DeviceOptions{CPURealtimePeriod: 5, CPURealtimeRuntime: 6}},
	} {
		_, err := built(t, h)
		if !errors.Is(err, engine.ErrInvalid) && want != "no such disk" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestDevicesAndTheirLimits(t *testing.T) {
	t.Parallel()
	d := runspec.Device{Access: "rw"}
	d.Path, d.Type, d.Major, d.Minor = "/dev/x", "c", 10, 200
	s, err := built(t, engine.HostConfig{DeviceOptions: engine.DeviceOptions{
		DeviceCgroupRules: []string{"b *:7 m"}, BlkioDeviceWriteIOps: []engine.ThrottleDevice{{Path: "/dev/sda", Rate: 9}},
	}}, d)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Linux.Devices) != 1 || s.Linux.Devices[0].Path != "/dev/x" {
		t.Errorf("devices %+v", s.Linux.Devices)
	}
	var rules []string
	for _, r := range s.Linux.Resources.Devices[len(s.Linux.Resources.Devices)-2:] {
		rules = append(rules, fmt.Sprint(r.Allow, r.Type, *r.Major, *r.Minor, r.Access))
	}
	if diff := cmp.Diff([]string{fmt.Sprint(true, "c", 10, 200, "rw"), fmt.Sprint(true, "b", -1, 7, "m")}, rules); diff != "" {
		t.Error(diff)
	}
	if io := s.Linux.Resources.BlockIO.ThrottleWriteIOPSDevice; len(io) != 1 || io[0].Major != 8 || io[0].Rate != 9 {
		t.Errorf("limits %+v", io)
	}
}
