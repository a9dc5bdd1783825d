package cgroup

import (
	"bytes"

	"gantry/engine/cgroup/leaf"
)

// sources lists the files to sample, in the order of this host's mode. Files
// that a kernel lacks are skipped when they are opened.
func (h *Host) sources() []source {
	if h.Mode == V2 {
		return append(unifiedSources(), pressureSources()...)
	}
	all := legacySources()
	if h.unified == "" {
		return append(all, cpuacctSources()...)
	}
	// Without the cpu controller cpu.stat of v2 still counts processor time.
	all = append(all, source{leaf.Unified, "cpu.stat", takeCPUTime})
	return append(all, pressureSources()...)
}

func unifiedSources() []source {
	const dir = leaf.Unified
	return []source{
		{dir, "cpu.stat", takeCPUStat},
		{dir, "cpu.max", func(r *reading, b []byte) {
			quota, period := cut(b, ' ')
			r.quota, r.period = number(quota), number(period)
		}},
		{dir, "memory.current", func(r *reading, b []byte) { r.sample.Memory.Raw = number(b) }},
		{dir, "memory.peak", func(r *reading, b []byte) { r.sample.Memory.Peak = number(b) }},
		{dir, "memory.max", func(r *reading, b []byte) { r.sample.Memory.Limit = number(b) }},
		{dir, "memory.swap.current", func(r *reading, b []byte) { r.sample.Memory.Swap = number(b) }},
		{dir, "memory.stat", takeMemoryStat},
		{dir, "memory.events", takeOOMKills},
		{dir, "pids.current", func(r *reading, b []byte) { r.sample.PIDs = number(b) }},
		{dir, "pids.max", func(r *reading, b []byte) { r.sample.PIDLimit = number(b) }},
		{dir, "io.stat", takeIOStat},
	}
}

func pressureSources() []source {
	const dir = leaf.Unified
	return []source{
		{dir, "cpu.pressure", func(r *reading, b []byte) {
			r.pressure.CPUSome, _ = stalls(b)
			r.stalls = true
		}},
		{dir, "memory.pressure", func(r *reading, b []byte) {
			r.pressure.MemorySome, r.pressure.MemoryFull = stalls(b)
		}},
		{dir, "io.pressure", func(r *reading, b []byte) {
			r.pressure.IOSome, r.pressure.IOFull = stalls(b)
		}},
	}
}

func legacySources() []source {
	return []source{
		{"cpu", "cpu.stat", takeThrottling},
		{"cpu", "cpu.cfs_quota_us", func(r *reading, b []byte) { r.quota = number(b) }},
		{"cpu", "cpu.cfs_period_us", func(r *reading, b []byte) { r.period = number(b) }},
		{"memory", "memory.usage_in_bytes", func(r *reading, b []byte) { r.sample.Memory.Raw = number(b) }},
		{"memory", "memory.max_usage_in_bytes", func(r *reading, b []byte) { r.sample.Memory.Peak = number(b) }},
		{"memory", "memory.stat", takeLegacyMemoryStat},
		{"memory", "memory.oom_control", takeOOMKills},
		{"pids", "pids.current", func(r *reading, b []byte) { r.sample.PIDs = number(b) }},
		{"pids", "pids.max", func(r *reading, b []byte) { r.sample.PIDLimit = number(b) }},
		{"blkio", "blkio.throttle.io_service_bytes_recursive", func(r *reading, b []byte) {
			r.sample.IO.ReadBytes, r.sample.IO.WriteBytes = readsWrites(b)
		}},
		{"blkio", "blkio.throttle.io_serviced_recursive", func(r *reading, b []byte) {
			r.sample.IO.ReadOps, r.sample.IO.WriteOps = readsWrites(b)
		}},
		{"blkio", "cgroup.procs", takeTaskIO},
	}
}

func cpuacctSources() []source {
	const dir = "cpuacct"
	return []source{
		{dir, "cpuacct.usage", func(r *reading, b []byte) { r.sample.CPU.Usage = number(b) }},
		{dir, "cpuacct.usage_user", func(r *reading, b []byte) { r.sample.CPU.User = number(b) }},
		{dir, "cpuacct.usage_sys", func(r *reading, b []byte) { r.sample.CPU.System = number(b) }},
	}
}

// takeCPUTime reads the part of v2's cpu.stat that needs no controller.
func takeCPUTime(r *reading, b []byte) {
	const ns = 1000 // in a microsecond
	for line := range bytes.Lines(b) {
		key, value := cut(line, ' ')
		switch string(key) {
		case "usage_usec":
			r.sample.CPU.Usage = ns * number(value)
		case "user_usec":
			r.sample.CPU.User = ns * number(value)
		case "system_usec":
			r.sample.CPU.System = ns * number(value)
		}
	}
}

func takeCPUStat(r *reading, b []byte) {
	takeCPUTime(r, b)
	takeThrottling(r, b)
}

// takeThrottling reads cpu.stat of both versions.
func takeThrottling(r *reading, b []byte) {
	for line := range bytes.Lines(b) {
		key, value := cut(line, ' ')
		switch string(key) {
		case "nr_periods":
			r.sample.CPU.Periods = number(value)
		case "nr_throttled":
			r.sample.CPU.ThrottledPeriods = number(value)
		case "throttled_usec":
			r.sample.CPU.ThrottledTime = 1000 * number(value)
		case "throttled_time":
			r.sample.CPU.ThrottledTime = number(value)
		}
	}
}

func takeMemoryStat(r *reading, b []byte) {
	for line := range bytes.Lines(b) {
		key, value := cut(line, ' ')
		switch string(key) {
		case "file":
			r.sample.Memory.Cache = number(value)
		case "inactive_file":
			r.inactive = number(value)
			return // what follows is not of interest, and there is much of it
		}
	}
}

// takeLegacyMemoryStat reads the sums over the groups below as well. The limit
// is the lowest of the group's and its ancestors'.
func takeLegacyMemoryStat(r *reading, b []byte) {
	for line := range bytes.Lines(b) {
		key, value := cut(line, ' ')
		switch string(key) {
		case "hierarchical_memory_limit":
			r.sample.Memory.Limit = number(value)
		case "total_cache":
			r.sample.Memory.Cache = number(value)
		case "total_swap":
			r.sample.Memory.Swap = number(value)
		case "total_inactive_file":
			r.inactive = number(value)
		}
	}
}

func takeOOMKills(r *reading, b []byte) {
	for line := range bytes.Lines(b) {
		if key, value := cut(line, ' '); string(key) == "oom_kill" {
			r.sample.Memory.OOMKills = number(value)
		}
	}
}

// takeIOStat sums "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …" over all devices.
func takeIOStat(r *reading, b []byte) {
	io := &r.sample.IO
	for line := range bytes.Lines(b) {
		for word := range bytes.FieldsSeq(line) {
			key, value := cut(word, '=')
			switch string(key) {
			case "rbytes":
				io.ReadBytes += number(value)
			case "wbytes":
				io.WriteBytes += number(value)
			case "rios":
				io.ReadOps += number(value)
			case "wios":
				io.WriteOps += number(value)
			}
		}
	}
}

// readsWrites sums "8:0 Read 1" and "8:0 Write 2" over all devices.
func readsWrites(b []byte) (reads, writes uint64) {
	for line := range bytes.Lines(b) {
		_, rest := cut(line, ' ')
		key, value := cut(rest, ' ')
		switch string(key) {
		case "Read":
			reads += number(value)
		case "Write":
			writes += number(value)
		}
	}
	return reads, writes
}

// stalls reads the ten-second averages of "some avg10=0.12 avg60=… total=…"
// and "full …".
func stalls(b []byte) (some, full float64) {
	for line := range bytes.Lines(b) {
		kind, rest := cut(line, ' ')
		first, _ := cut(rest, ' ')
		_, value := cut(first, '=')
		switch string(kind) {
		case "some":
			some = decimal(value)
		case "full":
			full = decimal(value)
		}
	}
	return some, full
}
