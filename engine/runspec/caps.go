package runspec

import (
	"fmt"
	"slices"
	"strings"

	"gantry/engine"
)

// defaultCaps are docker's.
var defaultCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

// allCaps are the kernel's, by number (capabilities(7)).
var allCaps = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
	"CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// BoundingNames turns the bounding set of /proc/self/status (CapBnd) into
// names.
func BoundingNames(set uint64) []string {
	var out []string
	for i, name := range allCaps {
		if set&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// capabilities applies --cap-add and --cap-drop to docker's defaults, with its
// rules for ALL, and keeps what the engine itself holds: asking for more than
// that would make every start fail where the engine runs confined.
func capabilities(add, drop, bounding []string) ([]string, error) {
	adds, err := capNames("--cap-add", add)
	if err != nil {
		return nil, err
	}
	drops, err := capNames("--cap-drop", drop)
	if err != nil {
		return nil, err
	}
	base := defaultCaps
	switch {
	case slices.Contains(adds, "ALL") && slices.Contains(drops, "ALL"):
		return nil, fmt.Errorf("%w: --cap-add ALL and --cap-drop ALL exclude each other", engine.ErrInvalid)
	case slices.Contains(adds, "ALL"):
		base = allCaps
	case slices.Contains(drops, "ALL"):
		base, drops = nil, nil
	}
	var out []string
	for _, name := range allCaps {
		want := slices.Contains(base, name) && !slices.Contains(drops, name) || slices.Contains(adds, name)
		if want && slices.Contains(bounding, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// containerCaps are the capabilities of a container. A privileged one has all,
// whatever is added and dropped, as in docker.
func containerCaps(h engine.HostConfig, bounding []string) ([]string, error) {
	if h.Privileged {
		return capabilities([]string{"ALL"}, nil, bounding)
	}
	return capabilities(h.CapAdd, h.CapDrop, bounding)
}

func capNames(option string, names []string) ([]string, error) {
	out := make([]string, 0, len(names))
	for _, n := range names {
		name := strings.ToUpper(n)
		if name != "ALL" && !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		if name != "ALL" && !slices.Contains(allCaps, name) {
			return nil, fmt.Errorf("%w capability %q in %s; capabilities(7) lists them", engine.ErrInvalid, n, option)
		}
		out = append(out, name)
	}
	return out, nil
}
