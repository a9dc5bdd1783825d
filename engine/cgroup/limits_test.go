package cgroup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/cgroups/v3/cgroup2"
	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
)

const mib = 1 << 20

func TestLegacySettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		res  specs.LinuxResources
		want []string
	}{
		{"nothing", specs.LinuxResources{}, nil},
		{"empty parts", specs.LinuxResources{
			CPU: &specs.LinuxCPU{}, Memory: &specs.LinuxMemory{}, Pids: &specs.LinuxPids{}, BlockIO: &specs.LinuxBlockIO{},
		}, nil},
		{"half a core", specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](50000), Period: ptr[uint64](100000)}},
			[]string{"cpu.cfs_period_us 100000", "cpu.cfs_quota_us 50000"}},
		{"no CPU limit any more", specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](-1)}},
			[]string{"cpu.cfs_quota_us -1"}},
		{"shares and sets", specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: ptr[uint64](512), Cpus: "0-1", Mems: "0"}},
			[]string{"cpu.shares 512", "cpuset.cpus 0-1", "cpuset.mems 0"}},
		{"memory and swap", specs.LinuxResources{Memory: &specs.LinuxMemory{
			Limit: ptr[int64](64 * mib), Swap: ptr[int64](-1), Reservation: ptr[int64](32 * mib), Swappiness: ptr[uint64](0)}},
			[]string{"memory.limit_in_bytes 67108864", "memory.memsw.limit_in_bytes -1",
				"memory.soft_limit_in_bytes 33554432", "memory.swappiness 0"}},
		{"processes", specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](9)}}, []string{"pids.max 9"}},
		{"any number of processes", specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](-1)}}, []string{"pids.max max"}},
		{"IO", specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{
			Weight:                ptr[uint16](300),
			ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{throttle(8, 0, 1000)}}},
			[]string{"blkio.bfq.weight 300", "blkio.throttle.read_bps_device 8:0 1000"}},
		{"huge pages", specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 5}}},
			[]string{"hugetlb.2MB.limit_in_bytes 5"}},
	} {
		if diff := cmp.Diff(tt.want, cgroup.Lines(cgroup.LegacySettings(&tt.res))); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func throttle(major, minor int64, rate uint64) specs.LinuxThrottleDevice {
	var d specs.LinuxThrottleDevice
	d.Major, d.Minor, d.Rate = major, minor, rate
	return d
}

func TestMemoryOrderKeepsSwapAboveMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		limit, swap int64
		now         uint64
		swapFirst   bool
	}{
		{"new group", 10, 20, 1 << 62, false},
		{"both grow", 40, 80, 20, true},
		{"both shrink", 10, 20, 80, false},
		{"swap unlimited", 40, -1, 20, true},
		{"no change", 10, 20, 20, false},
	} {
		s := cgroup.LegacySettings(&specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &tt.limit, Swap: &tt.swap}})
		cgroup.MemoryOrder(s, func() uint64 { return tt.now })
		first := strings.HasPrefix(cgroup.Lines(s)[0], "memory.memsw")
		if first != tt.swapFirst {
			t.Errorf("%s: swap first is %v, want %v", tt.name, first, tt.swapFirst)
		}
	}
}

func TestUnifiedLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		res  specs.LinuxResources
		now  string
		want []string
	}{
		{"nothing", specs.LinuxResources{}, "", nil},
		{"quota without a period", specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](50000)}}, "",
			[]string{"cpu.max 50000 100000"}},
		{"quota keeps the period", specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](50000)}}, "max 20000",
			[]string{"cpu.max 50000 20000"}},
		{"period keeps the quota", specs.LinuxResources{CPU: &specs.LinuxCPU{Period: ptr[uint64](20000)}}, "30000 100000",
			[]string{"cpu.max 30000 20000"}},
		{"no CPU limit any more", specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](-1)}}, "30000 100000",
			[]string{"cpu.max max 100000"}},
		{"default shares", specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: ptr[uint64](1024), Cpus: "0", Mems: "0"}}, "",
			[]string{"cpu.weight 100", "cpuset.cpus 0", "cpuset.mems 0"}},
		{"memory", specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](mib), Reservation: ptr[int64](5)}}, "",
			[]string{"memory.max 1048576", "memory.low 5"}},
		{"no memory limit any more", specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr[int64](-1)}}, "",
			[]string{"memory.max max"}},
		{"any number of processes", specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](0)}}, "",
			[]string{"pids.max max"}},
		{"throttle", specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{
			ThrottleWriteIOPSDevice: []specs.LinuxThrottleDevice{throttle(8, 16, 7)}}}, "",
			[]string{"io.max 8:16 wiops=7"}},
		{"huge pages", specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 5}}}, "",
			[]string{"hugetlb.2MB.max 5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := cgroup.Lines(cgroup.UnifiedLimits(&tt.res, cgroup.ParseCPUMax(tt.now)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWeight holds the curve against containerd's.
func TestWeight(t *testing.T) {
	t.Parallel()
	for shares := uint64(1); shares <= 1<<18; shares++ {
		if got, want := cgroup.Weight(shares), cgroup2.ConvertCPUSharesToCgroupV2Value(shares); got != want {
			t.Fatalf("weight of %d shares is %d, want %d", shares, got, want)
		}
	}
}

func TestUnifiedSettings(t *testing.T) {
	t.Parallel()
	got := cgroup.Lines(cgroup.UnifiedSettings(&specs.LinuxResources{
		CPU:     &specs.LinuxCPU{Burst: ptr[uint64](10), Idle: ptr[int64](1)},
		BlockIO: &specs.LinuxBlockIO{Weight: ptr[uint16](1000)},
		Unified: map[string]string{"memory.high": "max", "cpu.weight.nice": "-5"},
	}))
	want := []string{"cpu.max.burst 10", "cpu.idle 1", "io.bfq.weight 1000", "cpu.weight.nice -5", "memory.high max"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateAppliesLimits(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, &specs.LinuxResources{
			CPU: &specs.LinuxCPU{Shares: ptr[uint64](2048), Quota: ptr[int64](150000), Period: ptr[uint64](100000),
				Cpus: "0", Mems: "0"},
			Memory:  &specs.LinuxMemory{Limit: ptr[int64](64 * mib), Swap: ptr[int64](96 * mib), Reservation: ptr[int64](32 * mib)},
			Pids:    &specs.LinuxPids{Limit: ptr[int64](33)},
			BlockIO: &specs.LinuxBlockIO{Weight: ptr[uint16](300)},
		})
		want := map[string]string{"cpuset.cpus": "0", "cpuset.mems": "0", "pids.max": "33"}
		if h.Mode == cgroup.V2 {
			want["cpu.max"], want["cpu.weight"] = "150000 100000", "174"
			want["memory.max"], want["memory.swap.max"], want["memory.low"] = "67108864", "33554432", "33554432"
		} else {
			want["cpu.cfs_quota_us"], want["cpu.shares"] = "150000", "2048"
			want["memory.limit_in_bytes"], want["memory.memsw.limit_in_bytes"] = "67108864", "100663296"
			want["memory.soft_limit_in_bytes"] = "33554432"
		}
		assertValues(t, g, want)
	})
}

func TestUpdateOfRunningGroup(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, &specs.LinuxResources{
			CPU:    &specs.LinuxCPU{Quota: ptr[int64](50000), Period: ptr[uint64](100000)},
			Memory: &specs.LinuxMemory{Limit: ptr[int64](64 * mib), Swap: ptr[int64](64 * mib)},
			Pids:   &specs.LinuxPids{Limit: ptr[int64](33)},
		})
		startIn(t, g, "tick")
		v2 := h.Mode == cgroup.V2
		for _, step := range []struct {
			name       string
			res        specs.LinuxResources
			legacy, v2 map[string]string
		}{
			{"grow", memory(256*mib, 512*mib),
				map[string]string{"memory.limit_in_bytes": "268435456", "memory.memsw.limit_in_bytes": "536870912"},
				map[string]string{"memory.max": "268435456", "memory.swap.max": "268435456"}},
			{"shrink", memory(32*mib, 48*mib),
				map[string]string{"memory.limit_in_bytes": "33554432", "memory.memsw.limit_in_bytes": "50331648"},
				map[string]string{"memory.max": "33554432", "memory.swap.max": "16777216"}},
			{"swap unlimited", memory(64*mib, -1),
				map[string]string{"memory.limit_in_bytes": "67108864"},
				map[string]string{"memory.max": "67108864", "memory.swap.max": "max"}},
			{"all unlimited", memory(-1, -1), nil,
				map[string]string{"memory.max": "max", "memory.swap.max": "max"}},
			{"processes", specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr[int64](-1)}},
				map[string]string{"pids.max": "max", "cpu.cfs_quota_us": "50000"},
				map[string]string{"pids.max": "max", "cpu.max": "50000 100000"}},
			{"CPU", specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr[int64](-1), Cpus: "0"}},
				map[string]string{"cpu.cfs_quota_us": "-1", "cpuset.cpus": "0"},
				map[string]string{"cpu.max": "max 100000", "cpuset.cpus": "0"}},
		} {
			if err := h.Update(g, &step.res); err != nil {
				t.Errorf("%s: %v", step.name, err)
				continue
			}
			if v2 {
				assertValues(t, g, step.v2)
			} else {
				assertValues(t, g, step.legacy)
			}
		}
	})
}

func memory(limit, swap int64) specs.LinuxResources {
	return specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit, Swap: &swap}}
}

func TestUpdateRefusesMemoryAboveSwap(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		g := create(t, h, ptr(memory(32*mib, 32*mib)))
		err := h.Update(g, ptr(memory(64*mib, 48*mib)))
		if !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("Update() = %v, want ErrInvalid", err)
		}
		gone := *g
		gone.Dirs = map[string]string{"pids": "/sys/fs/cgroup/none"}
		if err := h.Update(&gone, ptr(memory(mib, mib))); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("Update of a group that is gone = %v, want ErrNotFound", err)
		}
	})
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	onEveryMode(t, func(t *testing.T, h *cgroup.Host) {
		const id = "failedcreate"
		_, err := h.Create(id, &specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "60000"}})
		if h.Mode != cgroup.V2 && err == nil { // v2 takes processors that are not there
			t.Error("Create() took a processor that is not there")
		}
		if err == nil {
			t.Cleanup(func() { _ = os.Remove(filepath.Join(h.Root("pids"), h.Parent, id)) })
			return
		}
		for _, c := range []string{"pids", "cpuset", "memory", ""} {
			if dir := filepath.Join(h.Root(c), h.Parent, id); exists(dir) {
				t.Errorf("%s is left behind", dir)
			}
		}
	})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func assertValues(t *testing.T, g *leaf.Group, want map[string]string) {
	t.Helper()
	for file, v := range want {
		if got := value(t, g, file); got != v {
			t.Errorf("%s = %q, want %q", file, got, v)
		}
	}
}
