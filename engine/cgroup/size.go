package cgroup

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// hostSize reads how many processors are online and how much memory there is.
// runtime.NumCPU would tell the caller's affinity instead.
func hostSize() (cpus int, memory uint64, err error) {
	online, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return 0, 0, fmt.Errorf("count processors: %w", err)
	}
	cpus, err = countList(strings.TrimSpace(string(online)))
	if err != nil {
		return 0, 0, fmt.Errorf("count processors: %w", err)
	}
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0, fmt.Errorf("read size of memory: %w", err)
	}
	for line := range strings.SplitSeq(string(info), "\n") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			kb, err := strconv.ParseUint(f[1], 10, 54)
			return cpus, kb * 1024, err
		}
	}
	return 0, 0, fmt.Errorf("read size of memory: no MemTotal in /proc/meminfo")
}

// maxListed bounds a list of processors or memory nodes: no kernel is built
// for more of them.
const maxListed = 1 << 16

// countList counts the members of a list such as "0-3,8", as cpuset files and
// --cpuset-cpus have it.
func countList(list string) (int, error) {
	n := 0
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		a, errA := strconv.ParseUint(low, 10, 16)
		b, errB := strconv.ParseUint(high, 10, 16)
		if errA != nil || errB != nil || b < a {
			return 0, fmt.Errorf("%q is not a list of numbers and ranges", list)
		}
		n += int(b-a) + 1
		if n > maxListed {
			return 0, fmt.Errorf("%q lists too many", list)
		}
	}
	return n, nil
}
