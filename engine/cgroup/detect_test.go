package cgroup_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup"
)

const (
	mountsV2 = `22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw
30 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
99 28 0:26 / /var/lib/other/cgroup rw - cgroup2 cgroup2 rw`

	mountsV1 = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 /docker/4 /sys/fs/cgroup/pi\040ds rw,relatime - cgroup cgroup rw,pids
37 31 0:34 / /sys/fs/cgroup/net_cls rw,relatime - cgroup cgroup rw,net_cls
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd`

	mountsHybrid = mountsV1 + `
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`
)

func TestDetectModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, mounts, unified string
		systemd               bool
		mode, parent          string
		controllers           []string
	}{
		{"v2", mountsV2, "cpuset cpu io memory pids", false, "v2", "/gantry",
			[]string{"cpu", "cpuset", "io", "memory", "pids"}},
		{"v2 with systemd", mountsV2, "cpu memory", true, "v2", "/gantry.slice/gantry.scope", []string{"cpu", "memory"}},
		{"v1 with systemd", mountsV1, "", true, "v1", "/gantry", []string{"cpu", "cpuacct", "memory", "pids"}},
		{"v1", mountsV1, "", false, "v1", "/gantry", []string{"cpu", "cpuacct", "memory", "pids"}},
		{"hybrid", mountsHybrid, "hugetlb", false, "hybrid", "/gantry",
			[]string{"cpu", "cpuacct", "hugetlb", "memory", "pids"}},
		{"only the name of systemd on v1", mountsV2 + "\n" + `40 31 0:37 / /run/s rw - cgroup cgroup rw,name=systemd`,
			"memory", false, "v2", "/gantry", []string{"memory"}},
	} {
		h, err := cgroup.Arranged(tt.mounts, tt.unified, tt.systemd)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if h.Mode != tt.mode || h.Parent != tt.parent {
			t.Errorf("%s: mode %s, parent %s; want %s, %s", tt.name, h.Mode, h.Parent, tt.mode, tt.parent)
		}
		if diff := cmp.Diff(tt.controllers, h.Controllers); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestDetectRoots(t *testing.T) {
	t.Parallel()
	h, err := cgroup.Arranged(mountsHybrid, "hugetlb", false)
	if err != nil {
		t.Fatal(err)
	}
	for controller, want := range map[string]string{
		"cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
		"pids": "/sys/fs/cgroup/pi ds", "hugetlb": "/sys/fs/cgroup/unified", "": "/sys/fs/cgroup/unified",
	} {
		if got := h.Root(controller); got != want {
			t.Errorf("%q is at %s, want %s", controller, got, want)
		}
	}
}

func TestDetectWithoutControlGroups(t *testing.T) {
	t.Parallel()
	for _, mounts := range []string{"", "nonsense", "31 23 0:28 / / rw - ext4 /dev/vda rw",
		"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd", " - cgroup2", "1 2 3 4 - cgroup2 a b"} {
		if _, err := cgroup.Arranged(mounts, "", false); !errors.Is(err, engine.ErrUnsupported) {
			t.Errorf("%q: %v, want ErrUnsupported", mounts, err)
		}
	}
}

func TestCheckNamesMissingLimits(t *testing.T) {
	t.Parallel()
	v2, err := cgroup.Arranged(mountsV2, "cpu pids", false)
	if err != nil {
		t.Fatal(err)
	}
	v1, err := cgroup.Arranged(mountsV1, "", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		host  *cgroup.Host
		res   specs.LinuxResources
		limit string // "" when all is well
	}{
		{"available", v2, specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](3)}}, ""},
		{"no memory controller", v2, memory(mib, mib), "memory limit"},
		{"dropped as docker does", v2, specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{Weight: ptr[uint16](10)}}, ""},
		{"realtime on v2", v2, specs.LinuxResources{CPU: &specs.LinuxCPU{RealtimeRuntime: ptr[int64](1)}}, "realtime CPU limit"},
		{"no cpuset", v1, specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "0"}}, "CPU set"},
		{"no huge pages", v1, specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB"}}}, "huge page limit"},
		{"raw v2 setting on v1", v1, specs.LinuxResources{Unified: map[string]string{"memory.high": "1"}}, "raw cgroup v2 settings"},
		{"network class", v1, specs.LinuxResources{Network: &specs.LinuxNetwork{ClassID: ptr[uint32](1)}}, "network class"},
		{"RDMA", v1, specs.LinuxResources{Rdma: map[string]specs.LinuxRdma{"a": {}}}, "RDMA limit"},
	} {
		err := tt.host.Check(&tt.res)
		var missing *cgroup.LimitError
		switch {
		case tt.limit == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.limit == "":
		case !errors.As(err, &missing) || !errors.Is(err, engine.ErrUnsupported):
			t.Errorf("%s: %v, want a LimitError", tt.name, err)
		case missing.Limit != tt.limit:
			t.Errorf("%s: %q is missing, want %q", tt.name, missing.Limit, tt.limit)
		}
	}
	if err := v1.Check(nil); err != nil {
		t.Error(err)
	}
}

func TestCheckRefusesNonsense(t *testing.T) {
	t.Parallel()
	h, err := cgroup.Arranged(mountsV2, "cpu cpuset memory", false)
	if err != nil {
		t.Fatal(err)
	}
	for name, res := range map[string]specs.LinuxResources{
		"processors": {CPU: &specs.LinuxCPU{Cpus: "0-"}},
		"nodes":      {CPU: &specs.LinuxCPU{Mems: "one"}},
		"escape":     {Unified: map[string]string{"../../x.y": "1"}},
	} {
		if err := h.Check(&res); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func TestFeaturesSayHow(t *testing.T) {
	t.Parallel()
	h, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range h.Features() {
		names[f.Name] = true
		if !f.OK && (f.Note == "" || f.Hint == "") {
			t.Errorf("%s is missing without a note or a hint: %+v", f.Name, f)
		}
	}
	for _, want := range []string{"cgroup " + h.Mode, "memory limit", "CPU limit", "process limit", "pressure", "cgroup.kill"} {
		if !names[want] {
			t.Errorf("nothing is said about %s", want)
		}
	}
}

func TestCountList(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{"0": 1, "0-3": 4, "0-1,4,6-7": 5, "": -1, "1-0": -1, "a": -1, "0,": -1, "0-65535,0": -1} {
		n, err := cgroup.CountList(list)
		if err != nil {
			n = -1
		}
		if n != want {
			t.Errorf("%q: %d (%v), want %d", list, n, err, want)
		}
	}
}

func FuzzHierarchies(f *testing.F) {
	f.Add(mountsV2, "cpu")
	f.Add(mountsHybrid, "hugetlb")
	f.Fuzz(func(t *testing.T, mounts, controllers string) {
		h, err := cgroup.Arranged(mounts, controllers, false)
		if err == nil && h.Mode == "" {
			t.Error("no mode and no error")
		}
	})
}
