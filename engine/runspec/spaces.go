package runspec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
)

// OfContainer is the container that a mode such as "container:web" names.
func OfContainer(mode string) (ref string, ok bool) {
	ref, ok = strings.CutPrefix(mode, "container:")
	return ref, ok && ref != ""
}

// checkSpaces refuses modes that there are not.
func checkSpaces(h engine.HostConfig) error {
	shared := func(mode string) bool { _, ok := OfContainer(mode); return ok }
	switch o := h.SpaceOptions; {
	case o.PidMode != "" && o.PidMode != "host" && !shared(o.PidMode):
		return unknownMode("--pid", o.PidMode, "host or container:NAME")
	case !slices.Contains([]string{"", "private", "none", "shareable", "host"}, o.IpcMode) && !shared(o.IpcMode):
		return unknownMode("--ipc", o.IpcMode, "none, private, shareable, host or container:NAME")
	case o.UTSMode != "" && o.UTSMode != "host":
		return unknownMode("--uts", o.UTSMode, "host")
	case !slices.Contains([]string{"", "private", "host"}, o.CgroupnsMode):
		return unknownMode("--cgroupns", o.CgroupnsMode, "host or private")
	case o.UsernsMode != "" && o.UsernsMode != "host":
		return unknownMode("--userns", o.UsernsMode, "host: containers have no user namespaces of their own here")
	case o.OomScoreAdj < -1000 || o.OomScoreAdj > 1000:
		return invalid("--oom-score-adj", o.OomScoreAdj, "-1000 to 1000")
	}
	return checkSysctls(h)
}

func unknownMode(option, mode, want string) error {
	return fmt.Errorf("%w %s: invalid mode %q; want %s", engine.ErrInvalid, option, mode, want)
}

// ipcSysctls are those of an IPC namespace.
var ipcSysctls = []string{
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
}

// checkSysctls allows what a namespace of the container's own keeps to itself.
func checkSysctls(h engine.HostConfig) error {
	for key := range h.Sysctls {
		key = strings.ReplaceAll(key, "/", ".")
		ipc := slices.Contains(ipcSysctls, key) || strings.HasPrefix(key, "fs.mqueue.")
		net := strings.HasPrefix(key, "net.")
		switch {
		case !ipc && !net:
			return fmt.Errorf("%w: sysctl '%s' is not allowed: it is no namespace's own", engine.ErrInvalid, key)
		case net && h.NetworkMode == "host":
			return fmt.Errorf("%w: sysctl '%s' not allowed in host network namespace", engine.ErrInvalid, key)
		case ipc && h.IpcMode == "host":
			return fmt.Errorf("%w: sysctl '%s' not allowed in host ipc namespace", engine.ErrInvalid, key)
		}
	}
	return nil
}

// settle puts what SpaceOptions say into a spec. A namespace of another
// container's stays in the list as one to be made: only the start knows where
// it is.
func settle(spec *specs.Spec, h engine.HostConfig) {
	drop := func(kind specs.LinuxNamespaceType) {
		spec.Linux.Namespaces = slices.DeleteFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
	}
	if h.PidMode == "host" {
		drop(specs.PIDNamespace)
	}
	if h.IpcMode == "host" {
		drop(specs.IPCNamespace)
	}
	if h.UTSMode == "host" {
		drop(specs.UTSNamespace)
		spec.Hostname, spec.Domainname = "", ""
	}
	if h.CgroupnsMode != "" {
		drop(specs.CgroupNamespace)
	}
	if h.CgroupnsMode == "private" {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	}
	for key, value := range h.Sysctls {
		if spec.Linux.Sysctl == nil {
			spec.Linux.Sysctl = map[string]string{}
		}
		spec.Linux.Sysctl[strings.ReplaceAll(key, "/", ".")] = value
	}
	if h.OomScoreAdj != 0 {
		spec.Process.OOMScoreAdj = &h.OomScoreAdj
	}
	spec.Annotations = h.Annotations
}

// shmMounts takes the /dev/shm of the container's own away where it has none,
// and the host's in its place.
func shmMounts(mounts []specs.Mount, mode string) []specs.Mount {
	if mode != "none" && mode != "host" {
		return mounts
	}
	out := slices.DeleteFunc(mounts, func(m specs.Mount) bool { return m.Destination == "/dev/shm" })
	if mode == "host" {
		out = append(out, specs.Mount{Destination: "/dev/shm", Type: "bind", Source: "/dev/shm", Options: []string{"rbind", "rprivate"}})
	}
	return out
}
