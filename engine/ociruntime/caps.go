package ociruntime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// capNames is capabilities(7), in the order of their numbers.
var capNames = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
	"MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
	"CHECKPOINT_RESTORE",
}

// capSets are the five sets as bit masks.
type capSets struct{ bounding, effective, permitted, inheritable, ambient uint64 }

// parseCaps reads the spec. No sets at all means no capabilities.
func parseCaps(c *specs.LinuxCapabilities) (capSets, error) {
	var s capSets
	if c == nil {
		return s, nil
	}
	for _, set := range []struct {
		mask  *uint64
		names []string
	}{
		{&s.bounding, c.Bounding}, {&s.effective, c.Effective}, {&s.permitted, c.Permitted},
		{&s.inheritable, c.Inheritable}, {&s.ambient, c.Ambient},
	} {
		mask, err := capMask(set.names)
		if err != nil {
			return s, err
		}
		*set.mask = mask
	}
	return s, nil
}

func capMask(names []string) (uint64, error) {
	var mask uint64
next:
	for _, name := range names {
		short := strings.TrimPrefix(name, "CAP_")
		for n, known := range capNames {
			if known == short {
				mask |= 1 << n
				continue next
			}
		}
		return 0, fmt.Errorf("capability %q is not known", name)
	}
	return mask, nil
}

// lastCap is the highest capability of this kernel.
var lastCap = sync.OnceValue(func() uintptr {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 6); err == nil {
			return uintptr(n)
		}
	}
	return unix.CAP_LAST_CAP
})
