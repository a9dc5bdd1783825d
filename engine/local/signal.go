package local

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// ParseSignal reads "TERM", "SIGTERM", "15" or "RTMIN+3"; def when s is empty.
func ParseSignal(s string, def syscall.Signal) (syscall.Signal, error) {
	if s == "" {
		return def, nil
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > 64 {
			return 0, fmt.Errorf("%w signal %q: signals are numbered 1 to 64", engine.ErrInvalid, s)
		}
		return syscall.Signal(n), nil
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	if sig, ok := realtime(name); ok {
		return sig, nil
	}
	return 0, fmt.Errorf("%w signal %q: use a name such as TERM or a number", engine.ErrInvalid, s)
}

// realtime reads RTMIN, RTMIN+n, RTMAX and RTMAX-n. glibc and musl keep the
// first two or three for themselves; RTMIN is 34 for programs (signal(7)).
func realtime(name string) (syscall.Signal, bool) {
	const first, last = 34, 64
	for prefix, base := range map[string]int{"SIGRTMIN": first, "SIGRTMAX": last} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(rest)
		if rest == "" {
			n, err = 0, nil
		}
		if sig := base + n; err == nil && sig >= first && sig <= last {
			return syscall.Signal(sig), true
		}
	}
	return 0, false
}
