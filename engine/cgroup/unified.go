package cgroup

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// baseControllers are on for every container: their counters are what stats
// show, limits or not.
var baseControllers = []string{"cpu", "io", "memory", "pids"}

// needed returns the v2 controllers to enable for a container, sorted. On a
// hybrid host only those that a limit asks for.
func (h *Host) needed(res *specs.LinuxResources) []string {
	want := map[string]bool{}
	if h.Mode == V2 {
		want = set(baseControllers)
	}
	if res != nil {
		if cpu := res.CPU; cpu != nil && (cpu.Cpus != "" || cpu.Mems != "") {
			want["cpuset"] = true
		}
		if len(res.HugepageLimits) > 0 {
			want["hugetlb"] = true
		}
		for file := range res.Unified {
			controller, _, _ := strings.Cut(file, ".")
			want[controller] = true
		}
	}
	return slices.DeleteFunc(sorted(want), func(c string) bool { return !h.controllers[c] })
}

func (h *Host) applyUnified(g *leaf.Group, res *specs.LinuxResources) error {
	dir := g.Dirs[leaf.Unified]
	swap, err := swapSetting(res.Memory, dir)
	if err != nil {
		return err
	}
	if err := checkUsage(res.Memory, dir); err != nil {
		return err
	}
	return putAll(dir, slices.Concat(unifiedLimits(res, readCPUMax(dir)), swap, unifiedSettings(res)))
}

// unifiedLimits translates the limits that v1 has under other names. now is
// the group's cpu.max, of which an update may give only one half.
func unifiedLimits(res *specs.LinuxResources, now cpuMax) []setting {
	var all []setting
	add := func(limit, controller, file, value string, given bool) {
		if given {
			all = append(all, one(limit, controller, file, value))
		}
	}
	if cpu := res.CPU; cpu != nil {
		add("CPU shares", "cpu", "cpu.weight", strconv.FormatUint(weight(deref(cpu.Shares)), 10), deref(cpu.Shares) != 0)
		add("CPU limit", "cpu", "cpu.max", now.with(cpu).String(), deref(cpu.Quota) != 0 || deref(cpu.Period) != 0)
		add("CPU set", "cpuset", "cpuset.cpus", cpu.Cpus, cpu.Cpus != "")
		add("memory node set", "cpuset", "cpuset.mems", cpu.Mems, cpu.Mems != "")
	}
	if mem := res.Memory; mem != nil {
		add("memory limit", "memory", "memory.max", byteLimit(deref(mem.Limit)), deref(mem.Limit) != 0)
		add("memory reservation", "memory", "memory.low", byteLimit(deref(mem.Reservation)), deref(mem.Reservation) != 0)
	}
	all = append(all, legacyPids(res.Pids)...) // the same file
	if io := res.BlockIO; io != nil {
		for _, t := range throttles(io) {
			for _, d := range t.devices {
				all = append(all, one(t.limit, "io", "io.max", fmt.Sprintf("%d:%d %s=%d", d.Major, d.Minor, t.unified, d.Rate)))
			}
		}
	}
	for _, l := range res.HugepageLimits {
		all = append(all, one("huge page limit", "hugetlb", "hugetlb."+l.Pagesize+".max", strconv.FormatUint(l.Limit, 10)))
	}
	return all
}

// weight turns v1's shares (2 to 262144, 1024 by default) into v2's weight (1
// to 10000, 100 by default), by the curve through these points that
// opencontainers/cgroups uses.
func weight(shares uint64) uint64 {
	switch {
	case shares <= 2:
		return 1
	case shares >= 262144:
		return 10000
	}
	l := math.Log2(float64(shares))
	return uint64(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34)))
}

// byteLimit is a limit of v2; below 0 is unlimited.
func byteLimit(limit int64) string {
	if limit < 0 {
		return "max"
	}
	return strconv.FormatInt(limit, 10)
}

// unifiedSettings are the limits that v1 does not have, or not in every kernel.
func unifiedSettings(res *specs.LinuxResources) []setting {
	var all []setting
	if cpu := res.CPU; cpu != nil {
		if cpu.Burst != nil {
			all = append(all, one("CPU burst", "cpu", "cpu.max.burst", strconv.FormatUint(*cpu.Burst, 10)))
		}
		if cpu.Idle != nil {
			all = append(all, one("CPU idle", "cpu", "cpu.idle", strconv.FormatInt(*cpu.Idle, 10)))
		}
	}
	if io := res.BlockIO; io != nil && deref(io.Weight) != 0 {
		w := uint64(*io.Weight)
		all = append(all, setting{
			limit: "IO weight", controller: "io",
			// BFQ's scale is v1's, 1 to 1000; io.weight has 1 to 10000 for v1's 10 to 1000.
			writes: []entry{
				{"io.bfq.weight", strconv.FormatUint(w, 10)},
				{"io.weight", strconv.FormatUint(1+(max(w, 10)-10)*9999/990, 10)},
			},
			dropped: "no disk has the BFQ scheduler or the io.cost controller",
		})
	}
	return append(all, rawSettings(res)...)
}

// rawSettings are control files that the specification names itself.
func rawSettings(res *specs.LinuxResources) []setting {
	names := map[string]bool{}
	for file := range res.Unified {
		names[file] = true
	}
	var all []setting
	for _, file := range sorted(names) {
		controller, _, _ := strings.Cut(file, ".")
		all = append(all, one(file, controller, file, res.Unified[file]))
	}
	return all
}

// besides returns what goes to the v2 directory of a hybrid host: limits whose
// controllers are not on v1.
func (h *Host) besides(res *specs.LinuxResources) []setting {
	if h.unified == "" {
		return nil
	}
	all := rawSettings(res)
	if _, ok := h.legacy["hugetlb"]; !ok {
		for _, l := range res.HugepageLimits {
			all = append(all, one("huge page limit", "hugetlb",
				"hugetlb."+l.Pagesize+".max", strconv.FormatUint(l.Limit, 10)))
		}
	}
	return all
}

// swapSetting turns v1's limit of memory and swap together, which is what OCI
// and docker speak of, into v2's limit of swap alone.
func swapSetting(mem *specs.LinuxMemory, dir string) ([]setting, error) {
	if mem == nil || (deref(mem.Swap) == 0 && deref(mem.Limit) >= 0) {
		return nil, nil
	}
	limit := deref(mem.Limit)
	if limit == 0 {
		limit = readLimit(filepath.Join(dir, "memory.max"))
	}
	total := deref(mem.Swap)
	s := one("swap limit", "memory", "memory.swap.max", "max")
	s.dropped = "the kernel does not account for swap"
	if total > 0 && limit > 0 {
		if total < limit {
			return nil, fmt.Errorf("the limit of memory (%d) must not exceed that of memory and swap (%d); set both: %w",
				limit, total, engine.ErrInvalid)
		}
		s.writes[0].value = strconv.FormatInt(total-limit, 10)
	}
	return []setting{s}, nil
}

// checkUsage refuses a limit below what is in use when the caller wants that:
// v2 would end processes until it holds, where v1 answers EBUSY.
func checkUsage(mem *specs.LinuxMemory, dir string) error {
	if mem == nil || !deref(mem.CheckBeforeUpdate) || deref(mem.Limit) <= 0 {
		return nil
	}
	used := readLimit(filepath.Join(dir, "memory.current"))
	if used > *mem.Limit {
		return fmt.Errorf("memory limit %d is below the %d bytes in use: %w", *mem.Limit, used, engine.ErrInvalid)
	}
	return nil
}

// readLimit reads a number of bytes, -1 for "max". A missing file is 0.
func readLimit(file string) int64 {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// cpuMax is the content of cpu.max; a quota of 0 is "max".
type cpuMax struct{ quota, period uint64 }

const defaultPeriod = 100_000 // microseconds

func readCPUMax(dir string) cpuMax {
	text, _ := os.ReadFile(filepath.Join(dir, "cpu.max"))
	return parseCPUMax(string(text))
}

func parseCPUMax(text string) cpuMax {
	m := cpuMax{period: defaultPeriod}
	if f := strings.Fields(text); len(f) == 2 {
		m.quota, _ = strconv.ParseUint(f[0], 10, 64)
		if p, err := strconv.ParseUint(f[1], 10, 64); err == nil && p > 0 {
			m.period = p
		}
	}
	return m
}

func (m cpuMax) with(cpu *specs.LinuxCPU) cpuMax {
	if q := deref(cpu.Quota); q > 0 {
		m.quota = uint64(q)
	} else if q < 0 {
		m.quota = 0
	}
	if p := deref(cpu.Period); p > 0 {
		m.period = p
	}
	return m
}

func (m cpuMax) String() string {
	if m.quota == 0 {
		return fmt.Sprintf("max %d", m.period)
	}
	return fmt.Sprintf("%d %d", m.quota, m.period)
}
