package ociruntime

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

var rlimitNumbers = map[string]int{
	"RLIMIT_AS": unix.RLIMIT_AS, "RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_CPU": unix.RLIMIT_CPU,
	"RLIMIT_DATA": unix.RLIMIT_DATA, "RLIMIT_FSIZE": unix.RLIMIT_FSIZE, "RLIMIT_LOCKS": unix.RLIMIT_LOCKS,
	"RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK, "RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE,
	"RLIMIT_NOFILE": unix.RLIMIT_NOFILE, "RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_RSS": unix.RLIMIT_RSS,
	"RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO, "RLIMIT_RTTIME": unix.RLIMIT_RTTIME,
	"RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING, "RLIMIT_STACK": unix.RLIMIT_STACK,
}

// softFiles is the soft limit of open files where the spec has none: the
// kernel's default (INR_OPEN_CUR). The child would otherwise keep the limit
// that Go's runtime has raised for itself.
const softFiles = 1024

// limit sets the resource limits of a process that waits for its start.
func limit(pid int, limits []specs.POSIXRlimit) error {
	files := false
	for _, l := range limits {
		number, ok := rlimitNumbers[l.Type]
		if !ok {
			return fmt.Errorf("set limit %s: it is not known", l.Type)
		}
		files = files || number == unix.RLIMIT_NOFILE
		if err := unix.Prlimit(pid, number, &unix.Rlimit{Cur: l.Soft, Max: l.Hard}, nil); err != nil {
			return fmt.Errorf("set limit %s to %d:%d: %w", l.Type, l.Soft, l.Hard, err)
		}
	}
	if files {
		return nil
	}
	var now unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &now); err != nil {
		return fmt.Errorf("read limit of open files: %w", err)
	}
	now.Cur = min(softFiles, now.Max)
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &now, nil); err != nil {
		return fmt.Errorf("set limit of open files: %w", err)
	}
	return nil
}
