package local

import (
	"errors"
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/engine/runspec"
	"gantry/engine/shim"
)

// joins are the namespaces of other containers that a container lives in, and
// whose they are.
func (r *containerRecord) joins() map[specs.LinuxNamespaceType]string {
	out := map[specs.LinuxNamespaceType]string{}
	if ref, ok := runspec.OfContainer(r.Host.PidMode); ok {
		out[specs.PIDNamespace] = ref
	}
	if ref, ok := runspec.OfContainer(r.Host.IpcMode); ok {
		out[specs.IPCNamespace] = ref
	}
	return out
}

// settleJoins resolves the containers of such modes to their IDs as the
// container is made, so that a name that another one takes means nothing.
func (e *Engine) settleJoins(rec *containerRecord) error {
	for option, mode := range map[string]*string{"--pid": &rec.Host.PidMode, "--ipc": &rec.Host.IpcMode} {
		ref, ok := runspec.OfContainer(*mode)
		if !ok {
			continue
		}
		id, err := e.find(ref)
		if err != nil {
			return fmt.Errorf("%s %s: %w", option, *mode, err)
		}
		*mode = "container:" + string(id)
	}
	return nil
}

// loan is what a start borrows of other containers: open until the launch has
// been answered.
type loan []*os.File

func (l loan) close() {
	for _, f := range l {
		f.Close()
	}
}

// borrow opens the namespaces that a container joins.
func (e *Engine) borrow(rec *containerRecord, order *shim.Launch) (l loan, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for kind, ref := range rec.joins() {
		v, err := e.viewOf(ref)
		if err != nil {
			return l, fmt.Errorf("join the %s namespace of container %s: %w", kind, shortRef(ref), err)
		}
		if err := l.take(v, kind, order); err != nil {
			return l, fmt.Errorf("join the %s namespace of container %s: %w", kind, v.rec.Name, err)
		}
	}
	return l, nil
}

// take opens a namespace of a running container; with that of IPC comes its
// /dev/shm, where POSIX keeps what is shared. The process is held meanwhile, so
// that its number cannot become another's.
func (l *loan) take(v *view, kind specs.LinuxNamespaceType, order *shim.Launch) error {
	if !v.state.Live() {
		return notRunning(v.state)
	}
	if mode := v.rec.Host.IpcMode; kind == specs.IPCNamespace && mode != "shareable" && mode != "host" {
		return fmt.Errorf("%w: non-shareable IPC; make that container with --ipc shareable", engine.ErrInvalid)
	}
	pidfd, err := record.PidFD(v.start.Pid, v.start.PidStart)
	if err != nil {
		return notRunning(engine.Exited)
	}
	defer pidfd.Close()
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", v.start.Pid, map[specs.LinuxNamespaceType]string{specs.PIDNamespace: "pid", specs.IPCNamespace: "ipc"}[kind]))
	if err != nil {
		return err
	}
	order.Join = append(order.Join, shim.Join{Kind: kind, Path: l.hand(ns)})
	if err := record.SignalFD(pidfd, unix.Signal(0)); err != nil {
		return notRunning(engine.Exited)
	}
	if kind != specs.IPCNamespace {
		return nil
	}
	shm, err := ociruntime.CloneMount(pidfd, "/dev/shm")
	if err != nil {
		return err
	}
	order.Mounts = map[string]string{"/dev/shm": l.hand(shm)}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(shm.Fd()), &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return errors.Join(fmt.Errorf("%w: its /dev/shm is no tmpfs", engine.ErrInvalid), err)
	}
	return nil
}

// hand keeps a descriptor open and returns its path for the monitor.
func (l *loan) hand(f *os.File) string {
	*l = append(*l, f)
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
}

func shortRef(ref string) string {
	if isHex(ref) {
		return engine.ID(ref).Short()
	}
	return ref
}
