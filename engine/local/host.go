package local

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

var _ engine.HostReader = (*Engine)(nil)

// Host implements engine.HostReader.
func (e *Engine) Host(context.Context) (engine.HostSample, error) {
	s := engine.HostSample{Time: time.Now()}
	stat, err := os.Open("/proc/stat")
	if err != nil {
		return s, fmt.Errorf("read load of the host: %w", err)
	}
	defer stat.Close()
	if line, err := bufio.NewReader(stat).ReadString('\n'); err == nil {
		s.Busy, s.Total = processorTime(line)
	}
	mem, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return s, fmt.Errorf("read memory of the host: %w", err)
	}
	s.MemoryUsed, s.MemoryTotal = memoryUse(string(mem))
	var fs unix.Statfs_t
	if err := unix.Statfs(e.root, &fs); err != nil {
		return s, fmt.Errorf("read size of the file system of %s: %w", e.root, err)
	}
	// As df: what only root may use counts neither as used nor as free.
	s.StoreUsed = (fs.Blocks - fs.Bfree) * uint64(fs.Bsize)
	s.StoreTotal = s.StoreUsed + fs.Bavail*uint64(fs.Bsize)
	return s, nil
}

// processorTime reads the first line of /proc/stat, in ticks: user, nice,
// system, idle, iowait, irq, softirq, steal; guests are in the first two
// already (proc_stat(5)).
func processorTime(line string) (busy, total uint64) {
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[0] != "cpu" {
		return 0, 0
	}
	for i, f := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return 0, 0
		}
		total += n
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return busy, total
}

// memoryUse reads /proc/meminfo. What can be had without swapping is not in
// use.
func memoryUse(text string) (used, total uint64) {
	var available uint64
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "MemTotal":
			total = kb << 10
		case "MemAvailable":
			available = kb << 10
		}
	}
	if available > total {
		return 0, total
	}
	return total - available, total
}
