package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gantry/engine"
	"gantry/images"
)

// resourceFlags are the limits that run, create and update share.
type resourceFlags struct {
	memory, reservation bytesValue
	swap                swapValue
	cpus                cpusValue
	res                 engine.Resources
}

func (r *resourceFlags) add(f *pflag.FlagSet) {
	f.VarP(&r.memory, "memory", "m", "Memory limit")
	f.Var(&r.swap, "memory-swap", "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")
	f.Var(&r.reservation, "memory-reservation", "Memory soft limit")
	f.Var(&r.cpus, "cpus", "Number of CPUs")
	f.Int64VarP(&r.res.CPUShares, "cpu-shares", "c", 0, "CPU shares (relative weight)")
	f.Int64Var(&r.res.CPUPeriod, "cpu-period", 0, "Limit CPU CFS (Completely Fair Scheduler) period")
	f.Int64Var(&r.res.CPUQuota, "cpu-quota", 0, "Limit CPU CFS (Completely Fair Scheduler) quota")
	f.StringVar(&r.res.CpusetCpus, "cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)")
	f.StringVar(&r.res.CpusetMems, "cpuset-mems", "", "MEMs in which to allow execution (0-3, 0,1)")
	f.Int64Var(&r.res.PidsLimit, "pids-limit", 0, "Tune container pids limit (set -1 for unlimited)")
	f.Uint16Var(&r.res.BlkioWeight, "blkio-weight", 0, "Block IO (relative weight), between 10 and 1000, or 0 to disable")
}

// resources are the limits of a new container, which have to fit together.
func (r *resourceFlags) resources() (engine.Resources, error) {
	res, err := r.updated()
	switch {
	case err != nil:
		return res, err
	case res.MemorySwap > 0 && res.Memory == 0:
		return res, errors.New("--memory-swap needs --memory: it is the limit of memory and swap together")
	case res.MemorySwap > 0 && res.MemorySwap < res.Memory:
		return res, errors.New("--memory-swap is less than --memory: it is the limit of memory and swap together")
	case res.MemoryReservation > 0 && res.Memory > 0 && res.MemoryReservation > res.Memory:
		return res, errors.New("--memory-reservation is more than --memory")
	}
	return res, nil
}

// updated are the limits of update. Which of them fit together depends on what
// the container has, so only the engine can tell.
func (r *resourceFlags) updated() (engine.Resources, error) {
	res := r.res
	res.Memory, res.MemorySwap, res.MemoryReservation = int64(r.memory), int64(r.swap), int64(r.reservation)
	res.NanoCpus = int64(r.cpus)
	if res.NanoCpus > 0 && (res.CPUPeriod > 0 || res.CPUQuota > 0) {
		return res, errors.New("--cpus conflicts with --cpu-period and --cpu-quota")
	}
	return res, nil
}

// createFlags are the flags that run and create share.
type createFlags struct {
	resourceFlags
	portFlags
	networkFlags
	dns                        dnsFlags
	health                     healthFlags
	over                       hostFlags
	name, hostname, domainname string
	interactive, tty, detach   bool
	attach                     streamNames
	env, envFiles              list
	labels, labelFiles         list
	volumes, mounts, tmpfs     list
	workdir, user, entrypoint  string
	autoRemove, readOnly, init bool
	restart                    policyValue
	privileged                 bool
	shmSize                    bytesValue
	ulimits                    ulimits
	stopSignal                 string
	stopTimeout                int
	capAdd, capDrop            list
	security, logOpts          list
	pull, platform             string
	quiet                      bool
	cidFile                    string
	changed                    func(name string) bool
}

func (c *createFlags) add(f *pflag.FlagSet, platform string) {
	c.changed = f.Changed
	f.Bool("help", false, "Print usage") // -h is the host name
	f.StringVar(&c.name, "name", "", "Assign a name to the container")
	f.StringVarP(&c.hostname, "hostname", "h", "", "Container host name")
	f.StringVar(&c.domainname, "domainname", "", "Container NIS domain name")
	f.BoolVarP(&c.interactive, "interactive", "i", false, "Keep STDIN open even if not attached")
	f.BoolVarP(&c.tty, "tty", "t", false, "Allocate a pseudo-TTY")
	f.VarP(&c.attach, "attach", "a", "Attach to STDIN, STDOUT or STDERR")
	f.VarP(&c.env, "env", "e", "Set environment variables")
	f.Var(&c.envFiles, "env-file", "Read in a file of environment variables")
	f.VarP(&c.labels, "label", "l", "Set meta data on a container (all labels together: up to 512 KiB)")
	f.Var(&c.labelFiles, "label-file", "Read in a line delimited file of labels")
	f.VarP(&c.volumes, "volume", "v", "Mount a volume, or a directory or file of the host (NAME:TARGET[:ro], /SOURCE:TARGET[:ro], TARGET)")
	f.Var(&c.mounts, "mount", "Attach a filesystem mount to the container (type=bind, type=volume or type=tmpfs)")
	f.Var(&c.tmpfs, "tmpfs", "Mount a tmpfs directory")
	f.StringVarP(&c.workdir, "workdir", "w", "", "Working directory inside the container")
	f.StringVarP(&c.user, "user", "u", "", "Username or UID (format: <name|uid>[:<group|gid>])")
	f.StringVar(&c.entrypoint, "entrypoint", "", "Overwrite the default ENTRYPOINT of the image")
	f.BoolVar(&c.autoRemove, "rm", false, "Automatically remove the container when it exits")
	f.Var(&c.restart, "restart", "Restart policy to apply when a container exits: no, on-failure[:N], always or unless-stopped (default no)")
	f.BoolVar(&c.readOnly, "read-only", false, "Mount the container's root filesystem as read only")
	f.BoolVar(&c.privileged, "privileged", false, "Give extended privileges to this container: all capabilities and devices, no filters (it can take over the host)")
	f.BoolVar(&c.init, "init", false, "Run an init inside the container that forwards signals and reaps processes")
	f.Var(&c.shmSize, "shm-size", "Size of /dev/shm")
	f.Var(&c.ulimits, "ulimit", "Ulimit options")
	f.StringVar(&c.stopSignal, "stop-signal", "", "Signal to stop the container")
	f.IntVar(&c.stopTimeout, "stop-timeout", 0, "Timeout (in seconds) to stop a container")
	f.Var(&c.capAdd, "cap-add", "Add Linux capabilities")
	f.Var(&c.capDrop, "cap-drop", "Drop Linux capabilities")
	f.Var(&c.security, "security-opt", "Security options: no-new-privileges, seccomp=FILE, seccomp=unconfined")
	f.Var(&c.logOpts, "log-opt", "Log options: max-size=SIZE, max-file=N, labels=KEY,…, env=NAME,…")
	f.StringVar(&c.pull, "pull", "missing", `Pull image before running ("always", "missing", "never")`)
	f.StringVar(&c.platform, "platform", platform, "Set platform, for an image that has several")
	f.BoolVarP(&c.quiet, "quiet", "q", false, "Suppress the pull output")
	f.StringVar(&c.cidFile, "cidfile", "", "Write the container ID to the file")
	c.resourceFlags.add(f)
	c.portFlags.add(f)
	c.networkFlags.add(f)
	c.dns.add(f)
	c.health.add(f)
	c.over.add(f)
}

// options turns the flags and arguments into what the engine is asked for.
func (c *createFlags) options(a *app, args []string) (engine.CreateOptions, error) {
	opts := engine.CreateOptions{Name: c.name, Platform: c.platform}
	if c.name != "" {
		if err := engine.CheckName(c.name); err != nil {
			return opts, err
		}
	}
	if c.platform != "" {
		if _, err := images.ParsePlatform(c.platform); err != nil {
			return opts, err
		}
	}
	if !slices.Contains([]string{"always", "missing", "never"}, c.pull) {
		return opts, fmt.Errorf("--pull %q: want always, missing or never", c.pull)
	}
	var err error
	if opts.Config, err = c.config(a, args); err != nil {
		return opts, err
	}
	opts.ResetEntrypoint = c.changed("entrypoint") && c.entrypoint == ""
	if opts.Host, err = c.host(); err != nil {
		return opts, err
	}
	anonymousVolumes(&opts)
	if err := c.portFlags.apply(&opts); err != nil {
		return opts, err
	}
	opts.Host.NetworkMode, opts.Networks, err = c.attachments()
	return opts, err
}

func (c *createFlags) config(a *app, args []string) (engine.ContainerConfig, error) {
	cfg := engine.ContainerConfig{
		Image: args[0], Cmd: args[1:],
		Hostname: c.hostname, Domainname: c.domainname, User: c.user, WorkingDir: c.workdir,
		Tty: c.tty, OpenStdin: c.interactive, StopSignal: c.stopSignal,
	}
	if c.workdir != "" && !strings.HasPrefix(c.workdir, "/") {
		return cfg, fmt.Errorf("--workdir %q: want an absolute path", c.workdir)
	}
	if c.entrypoint != "" {
		cfg.Entrypoint = []string{c.entrypoint}
	}
	if c.changed("stop-timeout") {
		cfg.StopTimeout = &c.stopTimeout
	}
	if !c.detach {
		cfg.AttachStdin = c.interactive || slices.Contains(c.attach, "stdin")
		cfg.AttachStdout = len(c.attach) == 0 || slices.Contains(c.attach, "stdout")
		cfg.AttachStderr = len(c.attach) == 0 || slices.Contains(c.attach, "stderr")
		cfg.StdinOnce = cfg.OpenStdin && cfg.AttachStdin
	}
	var err error
	if cfg.Env, err = a.environment(c.envFiles, c.env); err != nil {
		return cfg, err
	}
	if cfg.Healthcheck, err = c.health.check(); err != nil {
		return cfg, err
	}
	cfg.Labels, err = labelMap(c.labelFiles, c.labels)
	return cfg, err
}

func (c *createFlags) host() (engine.HostConfig, error) {
	h := engine.HostConfig{
		AutoRemove: c.autoRemove, RestartPolicy: c.restart.policy, ReadonlyRootfs: c.readOnly, Privileged: c.privileged, CapAdd: c.capAdd, CapDrop: c.capDrop,
		ShmSize: int64(c.shmSize), Ulimits: c.ulimits, ContainerIDFile: c.cidFile,
	}
	if c.changed("init") {
		h.Init = &c.init
	}
	if c.autoRemove && !h.RestartPolicy.IsNo() {
		return h, errors.New("--restart and --rm exclude each other: a container is removed when it ends, or started again")
	}
	var err error
	if h.Mounts, h.Tmpfs, err = c.mountOptions(); err != nil {
		return h, err
	}
	if h.SecurityOpt, err = securityOptions(c.security); err != nil {
		return h, err
	}
	if h.LogConfig, err = logConfig(c.logOpts); err != nil {
		return h, err
	}
	if err := errors.Join(c.over.apply(&h), c.dns.set(&h)); err != nil {
		return h, err
	}
	h.Resources, err = c.resources()
	return h, err
}

// anonymousVolumes puts what -v TARGET asks for where an image's VOLUMEs are.
func anonymousVolumes(opts *engine.CreateOptions) {
	opts.Host.Mounts = slices.DeleteFunc(opts.Host.Mounts, func(m engine.Mount) bool {
		plain := m.Type == "volume" && m.Source == "" && m.Volume == nil && !m.ReadOnly && !m.Chown
		if plain {
			if opts.Config.Volumes == nil {
				opts.Config.Volumes = map[string]struct{}{}
			}
			opts.Config.Volumes[m.Target] = struct{}{}
		}
		return plain
	})
	if len(opts.Host.Mounts) == 0 {
		opts.Host.Mounts = nil
	}
}

func (c *createFlags) mountOptions() ([]engine.Mount, map[string]string, error) {
	var mounts []engine.Mount
	for _, s := range c.volumes {
		m, err := parseVolume(s)
		if err != nil {
			return nil, nil, err
		}
		mounts = append(mounts, m)
	}
	for _, s := range c.mounts {
		m, err := parseMount(s)
		if err != nil {
			return nil, nil, err
		}
		mounts = append(mounts, m)
	}
	targets := map[string]bool{}
	for _, m := range mounts {
		if targets[m.Target] {
			return nil, nil, fmt.Errorf("mount target %s is given twice", m.Target)
		}
		targets[m.Target] = true
	}
	var tmpfs map[string]string
	for _, s := range c.tmpfs {
		target, options, err := parseTmpfs(s)
		if err != nil {
			return nil, nil, err
		}
		if tmpfs == nil {
			tmpfs = map[string]string{}
		}
		tmpfs[target] = options
	}
	return mounts, tmpfs, nil
}

// securityOptions checks --security-opt. A seccomp profile's path becomes
// absolute, because the engine reads it at a later time.
func securityOptions(given []string) ([]string, error) {
	var out []string
	for _, s := range given {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			key, value, ok = strings.Cut(s, ":") // docker's old form
		}
		switch {
		case key == "no-new-privileges" && (!ok || value == "true" || value == "false"):
			if value == "false" {
				continue
			}
			out = append(out, key)
		case key == "seccomp" && (value == "unconfined" || value == "builtin"):
			out = append(out, "seccomp="+value)
		case key == "seccomp" && value != "":
			abs, err := filepath.Abs(value)
			if err != nil {
				return nil, fmt.Errorf("--security-opt %s: %w", s, err)
			}
			out = append(out, "seccomp="+abs)
		default:
			return nil, fmt.Errorf("--security-opt %q: want no-new-privileges, seccomp=unconfined, seccomp=builtin or seccomp=FILE", s)
		}
	}
	return out, nil
}

// logOptions are docker's for json-file and local.
var logOptions = []string{"max-size", "max-file", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size", "compress"}

func logConfig(given []string) (engine.LogConfig, error) {
	cfg := engine.LogConfig{Type: engine.LogJournal}
	for _, s := range given {
		key, value, ok := strings.Cut(s, "=")
		if !ok || value == "" || !slices.Contains(logOptions, key) {
			return cfg, fmt.Errorf("--log-opt %q: want KEY=VALUE with one of %s", s, strings.Join(logOptions, ", "))
		}
		if cfg.Config == nil {
			cfg.Config = map[string]string{}
		}
		cfg.Config[key] = value
	}
	return cfg, nil
}
