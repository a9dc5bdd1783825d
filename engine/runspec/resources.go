package runspec

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

const (
	// minMemory is docker's floor: with less no program starts.
	minMemory = 6 << 20
	// cpuPeriod in microseconds is what --cpus is expressed in.
	cpuPeriod = 100_000
)

// Resources turns limits into the spec's form, with docker's checks.
func Resources(r engine.Resources, f Facts) (*specs.LinuxResources, error) {
	memory, err := memoryLimits(r)
	if err != nil {
		return nil, err
	}
	cpu, err := cpuLimits(r, f)
	if err != nil {
		return nil, err
	}
	out := &specs.LinuxResources{Devices: deviceRules(), Memory: memory, CPU: cpu}
	switch {
	case r.PidsLimit > 0 || r.PidsLimit == -1:
		limit := r.PidsLimit
		out.Pids = &specs.LinuxPids{Limit: &limit}
	case r.PidsLimit < -1:
		return nil, invalid("--pids-limit", r.PidsLimit, "a number of processes, or -1 for no limit")
	}
	if w := r.BlkioWeight; w != 0 {
		if w < 10 || w > 1000 {
			return nil, invalid("--blkio-weight", w, "10 to 1000")
		}
		out.BlockIO = &specs.LinuxBlockIO{Weight: &w}
	}
	return out, nil
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("%w value %v of %s; want %s", engine.ErrInvalid, value, option, want)
}

func memoryLimits(r engine.Resources) (*specs.LinuxMemory, error) {
	if r.Memory == 0 && r.MemorySwap == 0 && r.MemoryReservation == 0 {
		return nil, nil
	}
	var m specs.LinuxMemory
	switch {
	case r.Memory < 0:
		return nil, invalid("--memory", r.Memory, "a number of bytes")
	case r.Memory > 0 && r.Memory < minMemory:
		return nil, invalid("--memory", r.Memory, "at least 6m")
	case r.MemorySwap > 0 && r.Memory == 0:
		return nil, fmt.Errorf("%w: --memory-swap is memory and swap together, so it needs --memory", engine.ErrInvalid)
	case r.MemorySwap > 0 && r.MemorySwap < r.Memory:
		return nil, invalid("--memory-swap", r.MemorySwap, "at least --memory, as it is memory and swap together")
	case r.MemorySwap < -1:
		return nil, invalid("--memory-swap", r.MemorySwap, "a number of bytes, or -1 for no limit")
	case r.MemoryReservation < 0:
		return nil, invalid("--memory-reservation", r.MemoryReservation, "a number of bytes")
	case r.MemoryReservation > 0 && r.Memory > 0 && r.MemoryReservation > r.Memory:
		return nil, invalid("--memory-reservation", r.MemoryReservation, "at most --memory")
	}
	if r.Memory > 0 {
		limit, swap := r.Memory, r.MemorySwap
		if swap == 0 { // docker: as much swap again
			swap = 2 * limit
		}
		m.Limit, m.Swap = &limit, &swap
	} else if r.MemorySwap == -1 {
		swap := int64(-1)
		m.Swap = &swap
	}
	if r.MemoryReservation > 0 {
		v := r.MemoryReservation
		m.Reservation = &v
	}
	return &m, nil
}

func cpuLimits(r engine.Resources, f Facts) (*specs.LinuxCPU, error) {
	switch {
	case r.NanoCpus < 0:
		return nil, invalid("--cpus", float64(r.NanoCpus)/1e9, "a number of processors, such as 1.5")
	case r.NanoCpus > 0 && f.CPUs > 0 && r.NanoCpus > int64(f.CPUs)*1e9:
		return nil, invalid("--cpus", float64(r.NanoCpus)/1e9, fmt.Sprintf("0.01 to %d, as there are %d processors", f.CPUs, f.CPUs))
	case r.NanoCpus > 0 && (r.CPUQuota != 0 || r.CPUPeriod != 0):
		return nil, fmt.Errorf("%w: --cpus excludes --cpu-period and --cpu-quota", engine.ErrInvalid)
	case r.CPUPeriod != 0 && (r.CPUPeriod < 1000 || r.CPUPeriod > 1_000_000):
		return nil, invalid("--cpu-period", r.CPUPeriod, "1000 to 1000000 microseconds")
	case r.CPUQuota > 0 && r.CPUQuota < 1000:
		return nil, invalid("--cpu-quota", r.CPUQuota, "at least 1000 microseconds")
	case r.CPUShares < 0:
		return nil, invalid("--cpu-shares", r.CPUShares, "a positive number; 1024 is the usual share")
	}
	c := specs.LinuxCPU{Cpus: r.CpusetCpus, Mems: r.CpusetMems}
	if r.CPUShares > 0 {
		v := uint64(r.CPUShares)
		c.Shares = &v
	}
	period, quota := uint64(r.CPUPeriod), r.CPUQuota
	if r.NanoCpus > 0 {
		period, quota = cpuPeriod, r.NanoCpus*cpuPeriod/1e9
		if quota < 1000 {
			return nil, invalid("--cpus", float64(r.NanoCpus)/1e9, "at least 0.01")
		}
	}
	if period != 0 {
		c.Period = &period
	}
	if quota != 0 {
		c.Quota = &quota
	}
	if c == (specs.LinuxCPU{}) {
		return nil, nil
	}
	return &c, nil
}

// deviceRules allow what moby and runc allow: all nodes may be made, few may be
// opened.
func deviceRules() []specs.LinuxDeviceCgroup {
	rule := func(allow bool, kind string, major, minor int64, access string) specs.LinuxDeviceCgroup {
		return specs.LinuxDeviceCgroup{Allow: allow, Type: kind, Major: &major, Minor: &minor, Access: access}
	}
	const any = -1
	return []specs.LinuxDeviceCgroup{
		rule(false, "a", any, any, "rwm"),
		rule(true, "c", any, any, "m"), rule(true, "b", any, any, "m"),
		rule(true, "c", 1, 3, "rwm"), rule(true, "c", 1, 5, "rwm"), rule(true, "c", 1, 7, "rwm"), rule(true, "c", 1, 8, "rwm"), rule(true, "c", 1, 9, "rwm"),
		rule(true, "c", 5, 0, "rwm"), rule(true, "c", 5, 1, "rwm"), rule(true, "c", 5, 2, "rwm"), rule(true, "c", 136, any, "rwm"),
	}
}

// rlimitNames are getrlimit(2)'s, without their prefix.
var rlimitNames = []string{
	"as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
}

// rlimits turns ulimits into the spec's form. Where hard limits cannot be
// raised, one above the engine's own is lowered to it: refusing would make
// images unusable that set a high default for good measure.
func rlimits(list []engine.Ulimit, f Facts) ([]specs.POSIXRlimit, error) {
	var out []specs.POSIXRlimit
	for _, u := range list {
		known := false
		for _, n := range rlimitNames {
			known = known || n == u.Name
		}
		if !known {
			return nil, fmt.Errorf("%w --ulimit %q; there are %s", engine.ErrInvalid, u.Name, strings.Join(rlimitNames, ", "))
		}
		soft, hard := limitValue(u.Soft), limitValue(u.Hard)
		if soft > hard {
			return nil, fmt.Errorf("%w --ulimit %s: the soft limit %d is above the hard limit %d", engine.ErrInvalid, u.Name, u.Soft, u.Hard)
		}
		kind := "RLIMIT_" + strings.ToUpper(u.Name)
		if own, ok := f.HardLimits[kind]; ok && !f.CanRaise {
			soft, hard = min(soft, own), min(hard, own)
		}
		out = append(out, specs.POSIXRlimit{Type: kind, Soft: soft, Hard: hard})
	}
	return out, nil
}

// limitValue maps -1, no limit, to RLIM_INFINITY.
func limitValue(n int64) uint64 { return uint64(n) }
