package cgroup

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
)

// Features lists what control groups give on this host, what is missing and
// how to get it, for `gantry info`.
func (h *Host) Features() []engine.Feature {
	all := []engine.Feature{h.placementFeature()}
	for _, c := range []struct{ name, controller string }{
		{"memory limit", "memory"},
		{"CPU limit", "cpu"},
		{"CPU set", "cpuset"},
		{"process limit", "pids"},
		{"IO limit", h.ioController()},
		{"huge page limit", "hugetlb"},
	} {
		f := engine.Feature{Name: c.name, OK: h.has(c.controller)}
		if !f.OK {
			f.Note = fmt.Sprintf("the %s controller is not available", c.controller)
			f.Hint = h.hint(c.controller)
		}
		all = append(all, f)
	}
	return append(all,
		feature("swap limit", h.swapAccounting(), "the kernel does not account for swap",
			"Boot with swapaccount=1."),
		feature("IO weight", h.weights(), "no disk has the BFQ scheduler or the io.cost controller",
			"Load the bfq module and choose it in /sys/block/<disk>/queue/scheduler."),
		h.killFeature(),
		h.pressureFeature())
}

func feature(name string, ok bool, note, hint string) engine.Feature {
	f := engine.Feature{Name: name, OK: ok}
	if !ok {
		f.Note, f.Hint = note, hint
	}
	return f
}

func (h *Host) ioController() string {
	if h.Mode == V2 {
		return "io"
	}
	return "blkio"
}

// placementFeature tells whether groups can be made at all, and where.
func (h *Host) placementFeature() engine.Feature {
	f := engine.Feature{Name: "cgroup " + h.Mode, OK: true, Note: "containers are placed in " + h.Parent}
	for _, root := range h.roots() {
		if writable(root) {
			continue
		}
		f.OK = false
		f.Note = root + " cannot be written"
		f.Hint = "Run as root."
		if unix.Access(root, unix.W_OK) == unix.EROFS {
			f.Hint = "Inside a container: start it with --privileged, or mount the cgroup file system read-write."
		}
		break
	}
	return f
}

// roots are the mount points that containers' groups are made in, sorted.
func (h *Host) roots() []string {
	seen := map[string]bool{}
	if h.unified != "" {
		seen[h.unified] = true
	}
	for c, root := range h.legacy {
		if h.wanted(c) {
			seen[root] = true
		}
	}
	return sorted(seen)
}

// hint says how to get a controller.
func (h *Host) hint(controller string) string {
	switch controller {
	case "memory":
		return "Boot with cgroup_enable=memory."
	case "io":
		return "Use a kernel with CONFIG_BLK_CGROUP."
	case "realtime CPU":
		return "Boot with systemd.unified_cgroup_hierarchy=0 for cgroup v1."
	}
	if h.Mode != V2 && !slices.Contains(legacyControllers, controller) {
		return fmt.Sprintf("Mount the %s controller.", controller)
	}
	if h.Mode != V2 {
		return fmt.Sprintf("mount -t cgroup -o %[1]s %[1]s /sys/fs/cgroup/%[1]s", controller)
	}
	if exists(filepath.Join(h.unified, "cgroup.type")) {
		return fmt.Sprintf("Have the outer container's engine or systemd unit delegate the %s controller.", controller)
	}
	return fmt.Sprintf("Use a kernel with CONFIG_%s.", kernelOption(controller))
}

func kernelOption(controller string) string {
	switch controller {
	case "cpu":
		return "CGROUP_SCHED"
	case "cpuset":
		return "CPUSETS"
	}
	return "CGROUP_" + strings.ToUpper(controller)
}

// killFeature tells whether one write ends all processes (Linux 5.14). Groups
// other than the root have the file, so the kernel's version answers.
func (h *Host) killFeature() engine.Feature {
	if h.unified == "" {
		return engine.Feature{Name: "cgroup.kill", Note: "cgroup v2 is not mounted; containers are frozen and killed process by process",
			Hint: "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"}
	}
	return feature("cgroup.kill", kernelAtLeast(5, 14), "the kernel is older than 5.14; containers are frozen and killed process by process",
		"Use Linux 5.14 or later.")
}

func (h *Host) pressureFeature() engine.Feature {
	if h.unified == "" {
		return engine.Feature{Name: "pressure", Note: "cgroup v2 is not mounted",
			Hint: "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"}
	}
	f, err := openFile("/proc/pressure/cpu")
	if err == nil {
		_, err = f.read(make([]byte, 256))
		f.close()
	}
	return feature("pressure", err == nil, "the kernel does not measure stalls (PSI)", "Boot with psi=1.")
}

func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var a, b int
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b)
	return err == nil && (a > major || a == major && b >= minor)
}
