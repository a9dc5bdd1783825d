package ociruntime

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/network/netns"
)

// world is the container that Create builds around its thread.
type world struct {
	CreateOptions
	rootfs
	late []prepared // mounts that must wait for procfs
}

// enter moves the thread into new namespaces and builds there all that can be
// built before there is a process.
func (w *world) enter(b *builder) error {
	ns, err := openNamespaces(w.Spec, w.Network, &b.open)
	if err != nil {
		return err
	}
	if w.Spec.Linux.Seccomp != nil {
		if b.prog.seccompFlags, err = SeccompFlags(w.Spec.Linux.Seccomp.Flags); err != nil {
			return err
		}
	}
	b.prog.cgroupNS = ns.has(unix.CLONE_NEWCGROUP)
	if err := ns.enter(); err != nil {
		return err
	}
	unix.Umask(0) // of this thread alone, since ns.enter
	if err := nameHost(w.Spec, ns); err != nil {
		return err
	}
	if ns.has(unix.CLONE_NEWNET) {
		if err := netns.LoopbackUp(); err != nil {
			return err
		}
	}
	return w.build(b)
}

// build works in the only order that is safe: sources before the host's mounts
// are made private, mounts before what lies in them, pivot last.
func (w *world) build(b *builder) error {
	w.rootfs = rootfs{open: &b.open, made: map[string]made{}}
	var err error
	if w.root, err = openRoot(w.Root, w.Spec, w.open); err != nil {
		return err
	}
	b.root = w.root
	mounts, err := prepareMounts(w.Spec.Mounts, w.Mounts, w.open)
	if err != nil {
		return err
	}
	if err := w.openHostDev(); err != nil {
		return err
	}
	if err := attachRoot(w.root, w.Spec); err != nil {
		return err
	}
	if err := w.mountAll(mounts, b); err != nil {
		return err
	}
	if err := w.makeDevices(w.Spec); err != nil {
		return err
	}
	if w.Console {
		if b.console, err = w.terminal(w.Size); err != nil {
			return err
		}
	}
	if err := pivot(w.root); err != nil {
		return err
	}
	return enterDir(w.root, w.Spec.Process.Cwd, true)
}

// mountAll makes the mounts in the spec's order, but for a procfs, which only
// a process in the new pid namespace can make, and what is to lie below it.
func (w *world) mountAll(mounts []prepared, b *builder) error {
	for i := range mounts {
		m := &mounts[i]
		switch {
		case b.prog.proc != nil && below(m.Destination, b.prog.proc.Destination):
			w.late = append(w.late, *m)
		case m.Type == "proc" && m.fd < 0:
			b.prog.proc = m
		default:
			if err := w.mount(m, w.Group); err != nil {
				return err
			}
		}
	}
	return nil
}

func below(name, dir string) bool {
	return strings.HasPrefix(path.Clean(name)+"/", path.Clean(dir)+"/")
}

// complete adds what needs a process: the procfs that it has made, and what
// lies below that.
func (w *world) complete(b *builder, proc int) error {
	if b.prog.proc != nil {
		dest := b.prog.proc.Destination
		if err := w.attach(proc, dest, directory, "proc"); err != nil {
			return fmt.Errorf("mount %s: %w", dest, err)
		}
	}
	for i := range w.late {
		if err := w.mount(&w.late[i], w.Group); err != nil {
			return err
		}
	}
	if err := w.setSysctls(w.Spec.Linux.Sysctl); err != nil {
		return err
	}
	if err := w.makeReadonly(w.Spec.Linux.ReadonlyPaths); err != nil {
		return err
	}
	if err := w.mask(w.Spec.Linux.MaskedPaths); err != nil {
		return err
	}
	return sealRoot(w.root, w.Spec)
}

// terminal makes the container's console.
func (w *world) terminal(size engine.TermSize) (*console, error) {
	pts, ok := w.made["/dev/pts"]
	if !ok {
		return nil, fmt.Errorf("%w spec: a terminal needs a devpts at /dev/pts", engine.ErrInvalid)
	}
	c, err := openConsole(pts.fd, size, w.open)
	if err != nil {
		return nil, err
	}
	if err := w.bindConsole(c.slave); err != nil {
		unix.Close(c.master)
		return nil, fmt.Errorf("bind /dev/console: %w", err)
	}
	return c, nil
}
