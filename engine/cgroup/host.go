package cgroup

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine/cgroup/leaf"
)

// Values of Host.Mode.
const (
	V1     = "v1"
	Hybrid = "hybrid"
	V2     = "v2"
)

// Host is how control groups are arranged on this machine. It is made by
// Detect, never changes, and is safe for concurrent use.
type Host struct {
	Mode string
	// Controllers are the usable ones, by their kernel's names: "memory",
	// "pids", "cpu", "io" (v2) or "blkio" (v1) …
	Controllers []string
	// Parent is the group that holds the containers' groups, relative to the
	// root of each hierarchy.
	Parent string

	unified     string            // where v2 is mounted, "" when it is not
	controllers map[string]bool   // that v2 has
	legacy      map[string]string // v1 controller -> where it is mounted
	booted      bool              // systemd is PID 1
	systemd     bool              // and Parent is a unit of it, or below it
	given       bool              // Parent was asked for: see Under
	cpus        int               // processors that are online
	memory      uint64            // bytes
}

// Detect looks at what is mounted. It changes nothing.
func Detect() (*Host, error) {
	text, err := leaf.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("detect control groups: %w", err)
	}
	h := &Host{}
	h.unified, h.legacy = hierarchies(text)
	if h.unified != "" {
		list, err := leaf.ReadFile(filepath.Join(h.unified, "cgroup.controllers"))
		if err != nil {
			return nil, fmt.Errorf("detect control groups: %w", err)
		}
		h.controllers = set(strings.Fields(list))
	}
	h.booted = bootedBySystemd()
	if err := h.arrange(); err != nil {
		return nil, fmt.Errorf("detect control groups: %w", err)
	}
	h.cpus, h.memory, err = hostSize()
	if err != nil {
		return nil, fmt.Errorf("detect control groups: %w", err)
	}
	return h, nil
}

// arrange derives mode, controllers and parent from what is mounted.
func (h *Host) arrange() error {
	controllers := map[string]bool{}
	for c := range h.legacy {
		if !strings.HasPrefix(c, "name=") {
			controllers[c] = true
		}
	}
	switch {
	case h.unified == "" && len(controllers) == 0:
		return fmt.Errorf("no cgroup file system is mounted: %w", errNotMounted)
	case h.unified == "":
		h.Mode = V1
	case len(controllers) > 0:
		h.Mode = Hybrid
	default:
		h.Mode = V2
	}
	for c := range h.controllers {
		controllers[c] = true
	}
	h.Controllers = sorted(controllers)
	h.Parent = "/gantry"
	// On v1 systemd leaves groups alone that are none of its units', while it
	// empties a unit's groups in hierarchies that cannot be delegated, devices
	// among them, on every reload.
	h.systemd = h.booted && h.Mode == V2
	if h.systemd {
		h.Parent = unitPath
	}
	return nil
}

// hierarchies finds the cgroup mounts in a mountinfo (proc_pid_mountinfo(5)).
// When one is mounted more than once the first counts; later ones are bind
// mounts that containers were given.
func hierarchies(mountinfo string) (unified string, legacy map[string]string) {
	legacy = map[string]string{}
	for line := range strings.SplitSeq(mountinfo, "\n") {
		before, after, ok := strings.Cut(line, " - ")
		mount, fs := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(fs) < 3 {
			continue
		}
		point := unescape(mount[4])
		switch fs[0] {
		case "cgroup2":
			if unified == "" {
				unified = point
			}
		case "cgroup":
			for o := range strings.SplitSeq(fs[2], ",") {
				if _, dup := legacy[o]; !dup && legacyController(o) {
					legacy[o] = point
				}
			}
		}
	}
	return unified, legacy
}

// legacyControllers are the v1 controllers that containers are put in.
var legacyControllers = []string{
	"blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "pids", "name=systemd",
}

func legacyController(option string) bool { return slices.Contains(legacyControllers, option) }

// unescape undoes mountinfo's octal escapes of space, tab, newline, backslash.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// writable tells whether groups can be made in a hierarchy.
func writable(mount string) bool { return unix.Access(mount, unix.W_OK) == nil }

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

func set(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

func sorted(m map[string]bool) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
