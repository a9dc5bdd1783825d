package local

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"golang.org/x/sys/unix"

	"gantry/engine"
	"gantry/engine/cgroup"
	"gantry/engine/cgroup/leaf"
	"gantry/engine/runspec"
	"gantry/engine/shim"
)

// facts are what the host and this process can give to a container.
func facts(h *cgroup.Host) runspec.Facts {
	bounding := boundingSet()
	f := runspec.Facts{
		Bounding: runspec.BoundingNames(bounding), CanRaise: bounding&(1<<unix.CAP_SYS_RESOURCE) != 0,
		Unified: h.Mode == "v2", CPUs: runtime.NumCPU(), Memory: hostMemory(), HardLimits: make(map[string]uint64),
	}
	for name, kind := range map[string]int{"RLIMIT_NOFILE": unix.RLIMIT_NOFILE, "RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_CORE": unix.RLIMIT_CORE,
		"RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK, "RLIMIT_STACK": unix.RLIMIT_STACK, "RLIMIT_AS": unix.RLIMIT_AS, "RLIMIT_FSIZE": unix.RLIMIT_FSIZE,
		"RLIMIT_DATA": unix.RLIMIT_DATA, "RLIMIT_CPU": unix.RLIMIT_CPU, "RLIMIT_RSS": unix.RLIMIT_RSS, "RLIMIT_LOCKS": unix.RLIMIT_LOCKS,
		"RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING, "RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE,
		"RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO, "RLIMIT_RTTIME": unix.RLIMIT_RTTIME} {
		var l unix.Rlimit
		if unix.Getrlimit(kind, &l) == nil {
			f.HardLimits[name] = l.Max
		}
	}
	return f
}

// boundingSet reads CapBnd of this process; on failure it is empty, and
// containers get no capabilities rather than too many.
func boundingSet() uint64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			return n
		}
	}
	return 0
}

// logRotation reads the options of a log, the configuration's where the
// container says nothing.
func (e *Engine) logRotation(c engine.LogConfig) (shim.LogConfig, error) {
	if c.Type != "" && !slices.Contains(engine.LogDrivers, c.Type) {
		return shim.LogConfig{}, fmt.Errorf("%w log driver %q: there are %s", engine.ErrUnsupported, c.Type, strings.Join(engine.LogDrivers, ", "))
	}
	out := shim.LogConfig{MaxSize: e.opts.LogMaxSize, MaxFile: e.opts.LogMaxFile, Passing: c.Type == engine.LogNone}
	if out.Passing && len(c.Config) > 0 {
		return out, fmt.Errorf("%w log options: with the log driver none there is no log", engine.ErrInvalid)
	}
	for key, value := range c.Config {
		switch key {
		case "max-size":
			n, err := units.RAMInBytes(value)
			if err != nil || n <= 0 {
				return out, fmt.Errorf("%w value %q of max-size: want a size such as 10m", engine.ErrInvalid, value)
			}
			out.MaxSize = n
		case "max-file":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return out, fmt.Errorf("%w value %q of max-file: want a number of files", engine.ErrInvalid, value)
			}
			out.MaxFile = n
		case "labels", "labels-regex", "env", "env-regex", "tag": // read by logs --details
		case "mode", "max-buffer-size", "compress": // they allow what a log here does not need: to lose lines, to be packed
		default:
			return out, fmt.Errorf("%w log option %q: there are max-size, max-file, labels, labels-regex, env, env-regex, tag, mode, max-buffer-size and compress", engine.ErrInvalid, key)
		}
	}
	return out, nil
}

// shimConfig is what the monitor is told at a start.
func (e *Engine) shimConfig(r *containerRecord, group *leaf.Group) (*shim.Config, error) {
	s, err := e.store()
	if err != nil {
		return nil, err
	}
	host, err := e.host()
	if err != nil {
		return nil, err
	}
	log, err := e.logRotation(r.Host.LogConfig)
	if err != nil {
		return nil, err
	}
	cfg := &shim.Config{
		ID: r.ID, Root: e.root, Run: e.run, Bundle: e.dir(r.ID), Tty: r.Config.Tty, OpenStdin: r.Config.OpenStdin, StdinOnce: r.Config.StdinOnce,
		AutoRemove: r.Host.AutoRemove, Restart: r.Host.RestartPolicy, Init: r.Host.Init != nil && *r.Host.Init, User: r.Config.User, Groups: r.Host.GroupAdd,
		Health: healthCheck(r.Config), Log: log, Attributes: r.attributes(), Group: *group, MonitorGroup: host.MonitorGroup(),
	}
	skeleton, err := e.skeleton()
	if err != nil {
		return nil, err
	}
	cfg.Layers = append(cfg.Layers, skeleton)
	for _, id := range r.Layers {
		dir, err := s.LayerDir(id)
		if err != nil {
			return nil, err
		}
		cfg.Layers = append(cfg.Layers, dir)
	}
	for _, m := range r.Mounts {
		if m.Type == "volume" {
			cfg.Volumes = append(cfg.Volumes, shim.VolumeMount{Name: m.Name, Driver: m.Driver, Destination: m.Destination, Propagation: m.Propagation, ReadOnly: !m.RW})
			if slices.Contains(r.Mounted, m.Name) {
				cfg.Volumes[len(cfg.Volumes)-1].Mountpoint = m.Source
			}
		}
	}
	return cfg, nil
}

// applyResources changes the limits of a container that runs, and the spec for
// the next start.
func (e *Engine) applyResources(v *view, res engine.Resources) error {
	host, err := e.host()
	if err != nil {
		return err
	}
	limits, err := runspec.Resources(res, facts(host))
	if err != nil {
		return err
	}
	if err := runspec.LimitDevices(limits, v.rec.Host.DeviceOptions, blockNumbers); err != nil {
		return err
	}
	if err := host.Check(limits); err != nil {
		return err
	}
	spec, err := e.readSpec(v.rec.ID)
	if err != nil {
		return err
	}
	limits.Devices = spec.Linux.Resources.Devices // they are no limits: those of a privileged container stay
	spec.Linux.Resources = limits
	if v.state.Live() {
		group, err := e.group(v.rec.ID)
		if err != nil {
			return err
		}
		changed := *limits
		changed.Devices = nil // devices do not change
		if err := host.Update(group, &changed); err != nil {
			return err
		}
	}
	return e.writeSpec(v.rec, spec)
}
