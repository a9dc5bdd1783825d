package shim

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// restTime is how long nothing was asked before the monitor makes itself small.
const restTime = time.Second

// rest plans to make the monitor small. A start and a request need far more of
// the program's code than to wait and to copy output does.
func (s *shim) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resting == nil {
		s.resting = time.AfterFunc(restTime, shrink)
	} else {
		s.resting.Reset(restTime)
	}
}

// shrink gives memory back: garbage, and the program's code and constants,
// which come back from the page cache, page by page, when they are used again.
// A fault maps 64 KiB of a file at once, so that a start leaves most of a large
// program mapped, and every monitor would be charged for its share of that.
func shrink() {
	runtime.GC()
	dropProgram()
}

// dropProgram is the part of it that costs next to nothing.
func dropProgram() {
	for _, m := range constants() {
		unix.Syscall(unix.SYS_MADVISE, m[0], m[1]-m[0], unix.MADV_DONTNEED)
	}
}

// constants are the mappings that dropProgram may drop: where they begin and end.
var constants = sync.OnceValue(func() (out [][2]uintptr) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(maps)) {
		if start, end, ok := constant(line, exe); ok {
			out = append(out, [2]uintptr{start, end})
		}
	}
	return out
})

// constant parses a line of proc_pid_maps(5) and tells whether it is a mapping
// of the program that was never written to: to drop another one loses data.
func constant(line, exe string) (start, end uintptr, ok bool) {
	f := strings.Fields(line)
	if len(f) < 6 || strings.TrimSuffix(strings.Join(f[5:], " "), " (deleted)") != strings.TrimSuffix(exe, " (deleted)") {
		return 0, 0, false
	}
	if perms := f[1]; len(perms) != 4 || perms[1] != '-' {
		return 0, 0, false
	}
	from, to, ok := strings.Cut(f[0], "-")
	a, errA := strconv.ParseUint(from, 16, 64)
	b, errB := strconv.ParseUint(to, 16, 64)
	return uintptr(a), uintptr(b), ok && errA == nil && errB == nil && a < b
}
