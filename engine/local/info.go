package local

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/network"
)

// Info implements engine.Engine.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	info := engine.Info{
		Name: "embedded engine", Version: e.opts.Version, Root: e.root, Runtime: e.run,
		Kernel: kernelRelease(), OS: osName(), Architecture: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Memory: hostMemory(), DefaultNet: firstOf(e.opts.DefaultNetwork, engine.NetworkNone), Networks: true, Unsupported: []string{"build", "checkpoint", "compose"},
	}
	rows, err := e.snapshotAll(ctx)
	if err != nil {
		return info, err
	}
	for _, v := range rows {
		info.Containers.Total++
		switch v.state {
		case engine.Running:
			info.Containers.Running++
		case engine.Paused:
			info.Containers.Paused++
		default:
			info.Containers.Stopped++
		}
	}
	s, err := e.store()
	if err != nil {
		return info, err
	}
	all, err := s.List(ctx)
	if err != nil {
		info.Warnings = append(info.Warnings, err.Error())
	}
	info.Images = len(all)
	e.hostInfo(&info)
	return info, nil
}

// hostInfo adds what the host offers and lacks; a probe that fails is a
// warning, because info is what people run to find out why.
func (e *Engine) hostInfo(info *engine.Info) {
	if d, err := e.snap(); err == nil {
		info.Storage = d.Kind()
	} else {
		info.Warnings = append(info.Warnings, "storage: "+err.Error())
	}
	if h, err := e.host(); err == nil {
		info.Cgroup, info.CgroupParent, info.Controllers = h.Mode, h.Parent, h.Controllers
		info.Features = append(info.Features, h.Features()...)
	} else {
		info.Warnings = append(info.Warnings, "control groups: "+err.Error())
	}
	info.Features = append(info.Features, hostFeatures(info.Storage)...)
	obstacles, err := network.Obstacles()
	if err != nil {
		obstacles = []string{"packet filter: " + err.Error()}
	}
	info.Warnings = append(info.Warnings, obstacles...)
}

// hostFeatures probes what containers use of the kernel, each with how to get
// it.
func hostFeatures(storage string) []engine.Feature {
	exists := func(p string) bool { _, err := os.Stat(p); return err == nil }
	return []engine.Feature{
		{Name: "overlay", OK: storage == "overlay", Note: "containers share their image's files",
			Hint: "load the module overlay, and keep the state on ext4, xfs or btrfs"},
		{Name: "seccomp", OK: exists("/proc/sys/kernel/seccomp/actions_avail"), Note: "system call filter",
			Hint: "a kernel with CONFIG_SECCOMP_FILTER"},
		{Name: "user namespaces", OK: exists("/proc/self/ns/user"), Note: "needed to run without root, which is still to come",
			Hint: "a kernel with CONFIG_USER_NS"},
		{Name: "bridge networks", OK: bridges(), Note: "containers that reach each other and the world",
			Hint: "load the modules bridge, veth and nf_tables, or use --network host"},
		{Name: "pidfd exit status", OK: kernelAtLeast(6, 15), Note: "exit codes survive a killed monitor",
			Hint: "kernel 6.15 or later; before it such an exit is shown as unknown"},
	}
}

// bridges tells whether the kernel makes what a bridge network is made of. A
// module that can be loaded is loaded by its first use.
func bridges() bool {
	modules := filepath.Join("/lib/modules", kernelRelease())
	builtin, _ := os.ReadFile(filepath.Join(modules, "modules.builtin"))
	loadable, _ := os.ReadFile(filepath.Join(modules, "modules.dep"))
	if len(builtin)+len(loadable) == 0 {
		return true // nothing is known of this kernel: the first use will tell
	}
	for _, name := range []string{"bridge", "veth", "nf_tables"} {
		_, err := os.Stat(filepath.Join("/sys/module", name))
		file := []byte("/" + name + ".ko")
		if err != nil && !bytes.Contains(builtin, file) && !bytes.Contains(loadable, file) {
			return false
		}
	}
	return true
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

func kernelAtLeast(major, minor int) bool {
	parts := strings.SplitN(kernelRelease(), ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, _ := strconv.Atoi(parts[0])
	b, _ := strconv.Atoi(strings.TrimRightFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' }))
	return a > major || a == major && b >= minor
}

func hostMemory() uint64 {
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) != nil {
		return 0
	}
	return uint64(si.Totalram) * uint64(si.Unit)
}

func osName() string {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "linux"
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return "linux"
}

// Findings are what this host has and lacks for running containers, as far as
// that can be told without an engine: for whoever could not open one.
func Findings() []engine.Feature {
	list := []engine.Feature{{
		Name: "root", OK: os.Geteuid() == 0, Note: "this process has no privileges",
		Hint: "run it with sudo; running without root is not there yet",
	}}
	storage := ""
	if b, err := os.ReadFile("/proc/filesystems"); err == nil && strings.Contains(string(b), "\toverlay\n") {
		storage = "overlay"
	}
	for _, f := range hostFeatures(storage) {
		if f.Name == "overlay" || f.Name == "seccomp" {
			list = append(list, f)
		}
	}
	h, err := cgroup.Detect()
	if err != nil {
		return append(list, engine.Feature{Name: "control groups", Note: err.Error(), Hint: "mount cgroup2 on /sys/fs/cgroup"})
	}
	for _, f := range h.Features() {
		if !f.OK {
			list = append(list, f)
		}
	}
	return list
}
