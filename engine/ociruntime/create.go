package ociruntime

import (
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup/leaf"
)

// CreateOptions describe a container's first process.
type CreateOptions struct {
	Spec *specs.Spec
	// Root is the root file system as a detached mount, which Create attaches
	// in the container's mount namespace only. The caller closes it. nil:
	// Spec.Root.Path, an absolute path.
	Root *os.File
	// Network is the namespace to enter where Spec has a fresh one. The caller
	// closes it. nil: a fresh one, with nothing but a loopback device that is up.
	Network *os.File
	// Mounts are directories, by their destinations, that are attached there in
	// place of what Spec.Mounts says: detached mounts, which the caller closes.
	Mounts map[string]*os.File
	// Seccomp is the compiled Spec.Linux.Seccomp, of which only the flags are
	// read here.
	Seccomp []unix.SockFilter
	// User is "name|uid[:group|gid]", resolved inside the root. "":
	// Spec.Process.User.
	User string
	// Groups are further groups of the program, by number or by name.
	Groups []string
	// Stdin, Stdout and Stderr are the caller's to close. nil: /dev/null.
	Stdin, Stdout, Stderr *os.File
	Group                 *leaf.Group // nil: the caller's
	// Console makes a terminal of the given size the standard streams.
	Console bool
	Size    engine.TermSize
	// InitProcess puts a reaper in the place of pid 1 (--init).
	InitProcess bool
}

// Create makes the namespaces and the root file system and a process in them
// which waits for Start.
func Create(o CreateOptions) (*Process, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("create container: %w", err)
	}
	b := &builder{
		process: o.Spec.Process,
		user:    o.User,
		groups:  o.Groups,
		files:   [3]*os.File{o.Stdin, o.Stdout, o.Stderr},
		group:   o.Group,
		move:    roomForOne(o.Spec),
		prog:    program{seccomp: o.Seccomp, reaper: o.InitProcess},
	}
	w := &world{CreateOptions: o}
	p, err := b.run(w)
	if err != nil {
		return nil, fmt.Errorf("create container: %w", err)
	}
	return p, nil
}

func (o *CreateOptions) check() error {
	switch {
	case o.Spec == nil || o.Spec.Process == nil || o.Spec.Linux == nil:
		return fmt.Errorf("%w spec: process and linux are needed", engine.ErrInvalid)
	case o.Spec.Linux.Seccomp != nil && len(o.Seccomp) == 0:
		return fmt.Errorf("%w spec: its seccomp profile was not compiled", engine.ErrInvalid)
	case o.Root == nil && (o.Spec.Root == nil || o.Spec.Root.Path == ""):
		return fmt.Errorf("%w spec: there is no root", engine.ErrInvalid)
	}
	return checkSupported(o.Spec)
}

// checkSupported refuses what would otherwise be left out in silence: a
// container that runs less confined than its spec says is worse than none.
func checkSupported(spec *specs.Spec) error {
	p, l := spec.Process, spec.Linux
	for what, asked := range map[string]bool{
		"an AppArmor profile": p.ApparmorProfile != "",
		"an SELinux label":    p.SelinuxLabel != "" || l.MountLabel != "",
		"a scheduler":         p.Scheduler != nil,
		"an I/O priority":     p.IOPriority != nil,
		"a user namespace":    len(l.UIDMappings)+len(l.GIDMappings) > 0,
		"a personality":       l.Personality != nil,
		"a memory policy":     l.MemoryPolicy != nil,
		"Intel RDT":           l.IntelRdt != nil,
		"network devices":     len(l.NetDevices) > 0,
		"offsets of clocks":   len(l.TimeOffsets) > 0,
		"hooks":               spec.Hooks != nil,
		"a seccomp listener":  l.Seccomp != nil && l.Seccomp.ListenerPath != "",
	} {
		if asked {
			return fmt.Errorf("spec with %s: %w by this runtime", what, engine.ErrUnsupported)
		}
	}
	return nil
}

// roomForOne tells that the group's limit is a single process.
func roomForOne(spec *specs.Spec) bool {
	r := spec.Linux.Resources
	return r != nil && r.Pids != nil && r.Pids.Limit != nil && *r.Pids.Limit == 1
}
