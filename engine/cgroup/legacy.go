package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// legacySettings translates limits for v1, in the order in which they are to
// be written (but see memoryOrder).
func legacySettings(res *specs.LinuxResources) []setting {
	var all []setting
	all = append(all, legacyCPU(res.CPU)...)
	all = append(all, legacyMemory(res.Memory)...)
	all = append(all, legacyPids(res.Pids)...)
	all = append(all, legacyIO(res.BlockIO)...)
	for _, l := range res.HugepageLimits {
		all = append(all, one("huge page limit", "hugetlb",
			"hugetlb."+l.Pagesize+".limit_in_bytes", strconv.FormatUint(l.Limit, 10)))
	}
	return all
}

func legacyCPU(cpu *specs.LinuxCPU) []setting {
	if cpu == nil {
		return nil
	}
	var all []setting
	add := func(limit, controller, file string, value any, given bool) {
		if given {
			all = append(all, one(limit, controller, file, fmt.Sprint(value)))
		}
	}
	add("CPU shares", "cpu", "cpu.shares", deref(cpu.Shares), deref(cpu.Shares) != 0)
	add("CPU period", "cpu", "cpu.cfs_period_us", deref(cpu.Period), deref(cpu.Period) != 0)
	add("CPU limit", "cpu", "cpu.cfs_quota_us", deref(cpu.Quota), deref(cpu.Quota) != 0)
	add("CPU burst", "cpu", "cpu.cfs_burst_us", deref(cpu.Burst), cpu.Burst != nil)
	add("CPU idle", "cpu", "cpu.idle", deref(cpu.Idle), cpu.Idle != nil)
	add("realtime period", "cpu", "cpu.rt_period_us", deref(cpu.RealtimePeriod), deref(cpu.RealtimePeriod) != 0)
	add("realtime runtime", "cpu", "cpu.rt_runtime_us", deref(cpu.RealtimeRuntime), deref(cpu.RealtimeRuntime) != 0)
	add("CPU set", "cpuset", "cpuset.cpus", cpu.Cpus, cpu.Cpus != "")
	add("memory node set", "cpuset", "cpuset.mems", cpu.Mems, cpu.Mems != "")
	return all
}

func legacyMemory(mem *specs.LinuxMemory) []setting {
	if mem == nil {
		return nil
	}
	var all []setting
	if v := deref(mem.Limit); v != 0 {
		all = append(all, one("memory limit", "memory", "memory.limit_in_bytes", strconv.FormatInt(v, 10)))
	}
	if v := deref(mem.Swap); v != 0 {
		s := one("swap limit", "memory", "memory.memsw.limit_in_bytes", strconv.FormatInt(v, 10))
		s.dropped = "the kernel does not account for swap"
		all = append(all, s)
	}
	if v := deref(mem.Reservation); v != 0 {
		all = append(all, one("memory reservation", "memory", "memory.soft_limit_in_bytes", strconv.FormatInt(v, 10)))
	}
	if mem.Swappiness != nil {
		all = append(all, one("swappiness", "memory", "memory.swappiness", strconv.FormatUint(*mem.Swappiness, 10)))
	}
	if deref(mem.DisableOOMKiller) {
		all = append(all, one("OOM killer", "memory", "memory.oom_control", "1"))
	}
	return all
}

func legacyPids(pids *specs.LinuxPids) []setting {
	if pids == nil || pids.Limit == nil {
		return nil
	}
	value := "max"
	if *pids.Limit > 0 {
		value = strconv.FormatInt(*pids.Limit, 10)
	}
	return []setting{one("process limit", "pids", "pids.max", value)}
}

func legacyIO(io *specs.LinuxBlockIO) []setting {
	if io == nil {
		return nil
	}
	var all []setting
	if w := deref(io.Weight); w != 0 {
		value := strconv.FormatUint(uint64(w), 10)
		all = append(all, setting{
			limit: "IO weight", controller: "blkio",
			// CFQ's file went with CFQ in Linux 5.0.
			writes:  []entry{{"blkio.bfq.weight", value}, {"blkio.weight", value}},
			dropped: "no disk has the BFQ scheduler's module",
		})
	}
	for _, t := range throttles(io) {
		for _, d := range t.devices {
			all = append(all, one(t.limit, "blkio", "blkio.throttle."+t.legacy,
				fmt.Sprintf("%d:%d %d", d.Major, d.Minor, d.Rate)))
		}
	}
	return all
}

// throttle is one kind of bandwidth limit with its names in both versions.
type throttle struct {
	limit, legacy, unified string
	devices                []specs.LinuxThrottleDevice
}

func throttles(io *specs.LinuxBlockIO) []throttle {
	return []throttle{
		{"read rate limit", "read_bps_device", "rbps", io.ThrottleReadBpsDevice},
		{"write rate limit", "write_bps_device", "wbps", io.ThrottleWriteBpsDevice},
		{"read operations limit", "read_iops_device", "riops", io.ThrottleReadIOPSDevice},
		{"write operations limit", "write_iops_device", "wiops", io.ThrottleWriteIOPSDevice},
	}
}

func applyLegacy(g *leaf.Group, res *specs.LinuxResources) error {
	settings := legacySettings(res)
	memoryOrder(settings, func() uint64 { return currentSwap(g) })
	for _, s := range settings {
		dir, ok := g.Dirs[s.controller]
		if !ok {
			continue // it is on v2: see besides
		}
		err := s.put(dir)
		if s.controller == "memory" && errors.Is(err, unix.EINVAL) {
			err = fmt.Errorf("the limit of memory must not exceed that of memory and swap; set both: %w (%w)", engine.ErrInvalid, err)
		}
		if err != nil {
			return fmt.Errorf("set %s: %w", s.limit, err)
		}
	}
	return nil
}

// memoryOrder puts the two memory limits in an order that the kernel takes: at
// every moment memory+swap must be at least memory. When memory+swap grows it
// goes first, when it shrinks it goes last.
func memoryOrder(settings []setting, swapNow func() uint64) {
	limit, swap := -1, -1
	for i, s := range settings {
		switch s.limit {
		case "memory limit":
			limit = i
		case "swap limit":
			swap = i
		}
	}
	if limit < 0 || swap < 0 {
		return
	}
	next, err := strconv.ParseUint(settings[swap].writes[0].value, 10, 64)
	unlimited := err != nil // -1
	if unlimited || next > swapNow() {
		settings[limit], settings[swap] = settings[swap], settings[limit]
	}
}

func currentSwap(g *leaf.Group) uint64 {
	text, err := os.ReadFile(filepath.Join(g.Dirs["memory"], "memory.memsw.limit_in_bytes"))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// deref is the value, or zero when there is none.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
