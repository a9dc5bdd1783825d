package ociruntime

import (
	"fmt"
	"os"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
)

// nsFlags are the namespaces that a thread of a multi-threaded program can make
// or join (a user namespace is not among them).
var nsFlags = map[specs.LinuxNamespaceType]int{
	specs.PIDNamespace:     unix.CLONE_NEWPID,
	specs.NetworkNamespace: unix.CLONE_NEWNET,
	specs.MountNamespace:   unix.CLONE_NEWNS,
	specs.IPCNamespace:     unix.CLONE_NEWIPC,
	specs.UTSNamespace:     unix.CLONE_NEWUTS,
	specs.CgroupNamespace:  unix.CLONE_NEWCGROUP,
	specs.TimeNamespace:    unix.CLONE_NEWTIME,
}

// namespaces is the spec's list: those to make as one mask, and those to join.
type namespaces struct {
	fresh int
	join  []joinNS
}

type joinNS struct{ fd, flag int }

// openNamespaces opens the files of namespaces to join while the caller's own
// paths still mean something. network, if any, takes the place of a fresh one.
func openNamespaces(spec *specs.Spec, network *os.File, open *fds) (namespaces, error) {
	var ns namespaces
	for _, n := range spec.Linux.Namespaces {
		flag, ok := nsFlags[n.Type]
		if !ok {
			return ns, fmt.Errorf("make %s namespace: %w by this runtime", n.Type, engine.ErrUnsupported)
		}
		if flag == unix.CLONE_NEWNET && network != nil {
			if n.Path != "" {
				return ns, fmt.Errorf("%w spec: it names a network namespace, and the start brings another", engine.ErrInvalid)
			}
			ns.join = append(ns.join, joinNS{int(network.Fd()), flag})
			continue
		}
		if n.Path == "" {
			ns.fresh |= flag
			continue
		}
		if flag == unix.CLONE_NEWNS {
			return ns, fmt.Errorf("join mount namespace %s: %w by this runtime", n.Path, engine.ErrUnsupported)
		}
		fd, err := unix.Open(n.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return ns, fmt.Errorf("open %s namespace %s: %w", n.Type, n.Path, err)
		}
		ns.join = append(ns.join, joinNS{open.add(fd), flag})
	}
	switch {
	case ns.fresh&unix.CLONE_NEWNS == 0:
		return ns, fmt.Errorf("%w spec: a container needs a mount namespace of its own", engine.ErrInvalid)
	case network != nil && !ns.joins(unix.CLONE_NEWNET):
		return ns, fmt.Errorf("%w spec: it is for the host's network, and the start brings a network namespace", engine.ErrInvalid)
	}
	return ns, nil
}

func (n namespaces) has(flag int) bool { return n.fresh&flag != 0 }

func (n namespaces) joins(flag int) bool {
	return slices.ContainsFunc(n.join, func(j joinNS) bool { return j.flag == flag })
}

// enter moves the calling thread. The pid namespace takes effect for its
// children; the cgroup namespace is made by the child, once it is in its group.
func (n namespaces) enter() error {
	if err := unix.Unshare(n.fresh&^unix.CLONE_NEWCGROUP | unix.CLONE_FS); err != nil {
		return fmt.Errorf("make namespaces: %w", needRoot(err))
	}
	for _, j := range n.join {
		if err := unix.Setns(j.fd, j.flag); err != nil {
			return fmt.Errorf("join namespace: %w", needRoot(err))
		}
	}
	return nil
}

// nameHost sets host and domain name of a new UTS namespace.
func nameHost(spec *specs.Spec, ns namespaces) error {
	if !ns.has(unix.CLONE_NEWUTS) {
		if spec.Hostname != "" || spec.Domainname != "" {
			return fmt.Errorf("%w spec: a host name needs a UTS namespace of its own", engine.ErrInvalid)
		}
		return nil
	}
	if spec.Hostname != "" {
		if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
			return fmt.Errorf("set host name %q: %w", spec.Hostname, err)
		}
	}
	if spec.Domainname != "" {
		if err := unix.Setdomainname([]byte(spec.Domainname)); err != nil {
			return fmt.Errorf("set domain name %q: %w", spec.Domainname, err)
		}
	}
	return nil
}
