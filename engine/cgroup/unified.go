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

	"github.com/containerd/cgroups/v3/cgroup2"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// The limits of v2 are written by containerd/cgroups, but its ToResources is
// not used: it drops a quota without a period, takes -1 ("unlimited") for a
// number, overflows the IO weight, and reads memory+swap wrongly when that is
// unlimited.

// unlimited is a number of bytes that the kernel rounds to "max".
const unlimited = math.MaxInt64

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
	m, err := cgroup2.Load(g.Path, cgroup2.WithMountpoint(h.unified))
	if err != nil {
		return fmt.Errorf("load group %s: %w", g.Path, err)
	}
	now := readCPUMax(dir)
	swap, err := swapSetting(res.Memory, dir)
	if err != nil {
		return err
	}
	if err := checkUsage(res.Memory, dir); err != nil {
		return err
	}
	if err := m.Update(unifiedResources(res, now)); err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	return putAll(dir, slices.Concat(swap, unifiedSettings(res)))
}

// unifiedResources translates what containerd/cgroups writes. now is the
// group's cpu.max, of which an update may give only one half.
func unifiedResources(res *specs.LinuxResources, now cpuMax) *cgroup2.Resources {
	r := &cgroup2.Resources{}
	if cpu := res.CPU; cpu != nil {
		r.CPU = &cgroup2.CPU{Cpus: cpu.Cpus, Mems: cpu.Mems}
		if s := deref(cpu.Shares); s != 0 {
			weight := cgroup2.ConvertCPUSharesToCgroupV2Value(s)
			r.CPU.Weight = &weight
		}
		if deref(cpu.Quota) != 0 || deref(cpu.Period) != 0 {
			r.CPU.Max = cgroup2.CPUMax(now.with(cpu).String())
		}
	}
	if mem := res.Memory; mem != nil {
		r.Memory = &cgroup2.Memory{Max: byteLimit(mem.Limit), Low: byteLimit(mem.Reservation)}
	}
	if pids := res.Pids; pids != nil && pids.Limit != nil {
		r.Pids = &cgroup2.Pids{Max: *pids.Limit}
		if *pids.Limit <= 0 {
			r.Pids.Max = -1
		}
	}
	if io := res.BlockIO; io != nil {
		r.IO = &cgroup2.IO{}
		for _, t := range throttles(io) {
			for _, d := range t.devices {
				r.IO.Max = append(r.IO.Max, cgroup2.Entry{
					Type: cgroup2.IOType(t.unified), Major: d.Major, Minor: d.Minor, Rate: d.Rate})
			}
		}
	}
	if len(res.HugepageLimits) > 0 {
		r.HugeTlb = &cgroup2.HugeTlb{}
		for _, l := range res.HugepageLimits {
			*r.HugeTlb = append(*r.HugeTlb, cgroup2.HugeTlbEntry{HugePageSize: l.Pagesize, Limit: l.Limit})
		}
	}
	return r
}

// byteLimit is a limit of v2: nil and 0 leave it as it is, below 0 is unlimited.
func byteLimit(limit *int64) *int64 {
	switch v := deref(limit); {
	case v == 0:
		return nil
	case v < 0:
		v = unlimited
		return &v
	default:
		return &v
	}
}

// unifiedSettings are the limits that containerd/cgroups does not know.
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
