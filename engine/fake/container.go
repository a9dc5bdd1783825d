package fake

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
	"gantry/logs"
)

// containers implements the container roles.
type containers struct{ e *Engine }

// container is one container; Engine.mu guards every field.
type container struct {
	e        *Engine
	id       engine.ID
	name     string
	detail   engine.ContainerDetail // without Name and State
	state    engine.ContainerState
	program  Program // overrides the lookup by command
	proc     *proc   // nil when not live
	stdin    *input  // of the current or the next start
	exits    int     // how often it has ended
	lastExit engine.ExitStatus
	removed  bool
	kept     bool       // a restart: its end does not remove it
	sessions []*session // attachments that wait for output
	log      []logs.Entry
	partial  map[logs.Stream][]byte // what a stream printed after its last newline
	sample   func(time.Time) engine.Sample
	sockets  []engine.Connection
	sizeRw   int64
	platform images.Platform
	// anonymous are the volumes that were made for it alone.
	anonymous []string
	ports     engine.PortMap  // since its last start
	endpoints []*endpoint     // its networks, the first one first
	files     map[string]file // that it has beyond its image's, by path
}

// named finds a container by its exact name. The caller holds mu, here and in
// the functions below.
func (e *Engine) named(name string) *container {
	for _, c := range e.containers {
		if c.name == name {
			return c
		}
	}
	return nil
}

// find resolves an ID, a name or a unique prefix of an ID, in this order.
func (e *Engine) find(op, ref string) (*container, error) {
	ref = strings.TrimPrefix(ref, "/")
	for _, c := range e.containers {
		if string(c.id) == ref {
			return c, nil
		}
	}
	if c := e.named(ref); c != nil {
		return c, nil
	}
	var found *container
	for _, c := range e.containers {
		if ref == "" || !strings.HasPrefix(string(c.id), ref) {
			continue
		}
		if found != nil {
			return nil, opError(op, "container", ref, engine.ErrAmbiguous, "give more digits of the ID")
		}
		found = c
	}
	if found == nil {
		return nil, opError(op, "container", ref, engine.ErrNotFound, "")
	}
	return found, nil
}

// lookup is enter, lock and find for operations on one container; the caller
// unlocks when err is nil.
func (e *Engine) lookup(ctx context.Context, op Op, verb, ref string) (*container, error) {
	if err := e.enter(ctx, op); err != nil {
		return nil, opError(verb, "container", ref, err, "")
	}
	e.mu.Lock()
	c, err := e.find(verb, ref)
	if err != nil {
		e.mu.Unlock()
	}
	return c, err
}

func (cs containers) Create(ctx context.Context, opts engine.CreateOptions) (engine.CreateResult, error) {
	e := cs.e
	if err := e.enter(ctx, OpCreate); err != nil {
		return engine.CreateResult{}, opError("create", "container", opts.Name, err, "")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.newContainer(opts)
	if err != nil {
		return engine.CreateResult{}, err
	}
	e.containers = append(e.containers, c)
	e.event(c, engine.ActionCreate)
	return engine.CreateResult{ID: c.id}, nil
}

func (e *Engine) newContainer(opts engine.CreateOptions) (*container, error) {
	img, err := e.findImage("create", opts.Config.Image)
	if err != nil {
		return nil, err
	}
	if opts.Name == "" {
		opts.Name = e.drawName()
	}
	if err := engine.CheckName(opts.Name); err != nil {
		return nil, opError("create", "container", opts.Name, err, "")
	}
	if other := e.named(opts.Name); other != nil {
		return nil, opError("create", "container", opts.Name, engine.ErrConflict,
			"the name is in use by container "+other.id.Short()+"; remove or rename it, or take another name")
	}
	if opts.Host.RestartPolicy.Name == "" {
		opts.Host.RestartPolicy.Name = engine.RestartNo
	}
	if err := opts.Host.RestartPolicy.Check(opts.Host.AutoRemove); err != nil {
		return nil, opError("create", "container", opts.Name, err, "")
	}
	config := merge(img.config, opts)
	command := slices.Concat(config.Entrypoint, config.Cmd)
	if len(command) == 0 {
		return nil, opError("create", "container", opts.Name, engine.ErrInvalid, "the image has no command; give one")
	}
	c := &container{e: e, platform: img.platform, id: e.drawID(), name: opts.Name, partial: map[logs.Stream][]byte{}, sample: constantSample}
	if config.Hostname == "" {
		config.Hostname = c.id.Short()
	}
	c.state.Status = engine.Created
	c.stdin = newInput(config.OpenStdin)
	c.detail = engine.ContainerDetail{
		ID: c.id, Created: time.Now().UTC(), Path: command[0], Args: command[1:], Image: img.id,
		Driver: e.info.Storage, Platform: img.platform.OS, Config: config, HostConfig: opts.Host,
		LogPath: e.info.Root + "/containers/" + string(c.id) + "/log", CgroupPath: e.info.CgroupParent + "/" + string(c.id),
	}
	for _, m := range opts.Host.Mounts {
		if m.Type == "volume" {
			continue
		}
		c.detail.Mounts = append(c.detail.Mounts, engine.MountPoint{
			Type: m.Type, Source: m.Source, Destination: m.Target, RW: !m.ReadOnly, Propagation: "rprivate",
		})
	}
	if err := e.joinNetworks(c, opts); err != nil {
		return nil, err
	}
	if err := e.mountVolumes(c, opts); err != nil {
		return nil, err
	}
	return c, nil
}

// merge adds what the container inherits from its image, as docker does.
func merge(img images.Config, opts engine.CreateOptions) engine.ContainerConfig {
	c := opts.Config
	if len(c.Entrypoint) == 0 && !opts.ResetEntrypoint {
		c.Entrypoint = img.Entrypoint
		if len(c.Cmd) == 0 {
			c.Cmd = img.Cmd
		}
	}
	c.Env = mergeEnv(img.Env, c.Env)
	c.User = cmp.Or(c.User, img.User)
	c.WorkingDir = cmp.Or(c.WorkingDir, img.WorkingDir, "/")
	c.StopSignal = cmp.Or(c.StopSignal, img.StopSignal)
	if c.StopTimeout == nil {
		c.StopTimeout = img.StopTimeout
	}
	labels := maps.Clone(img.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, c.Labels)
	c.Labels = labels
	if len(img.Volumes)+len(c.Volumes) > 0 {
		volumes := map[string]struct{}{}
		maps.Copy(volumes, img.Volumes)
		maps.Copy(volumes, c.Volumes)
		c.Volumes = volumes
	}
	return c
}

func mergeEnv(base, over []string) []string {
	env := []string{}
	for _, v := range base {
		key, _, _ := strings.Cut(v, "=")
		if !slices.ContainsFunc(over, func(o string) bool { k, _, _ := strings.Cut(o, "="); return k == key }) {
			env = append(env, v)
		}
	}
	for _, v := range over {
		if strings.Contains(v, "=") { // a bare name takes the variable away
			env = append(env, v)
		}
	}
	return env
}

func (cs containers) Rename(ctx context.Context, ref, name string) error {
	c, err := cs.e.lookup(ctx, OpRename, "rename", ref)
	if err != nil {
		return err
	}
	defer cs.e.mu.Unlock()
	if err := engine.CheckName(name); err != nil {
		return opError("rename", "container", ref, err, "")
	}
	if other := cs.e.named(name); other != nil {
		return opError("rename", "container", ref, engine.ErrConflict, "the name is in use by container "+other.id.Short())
	}
	old := c.name
	c.name = name
	cs.e.event(c, engine.ActionRename, "oldName", old)
	return nil
}

func (cs containers) Update(ctx context.Context, ref string, res engine.UpdateOptions) error {
	c, err := cs.e.lookup(ctx, OpUpdate, "update", ref)
	if err != nil {
		return err
	}
	defer cs.e.mu.Unlock()
	if p := res.RestartPolicy; p != nil {
		if err := p.Check(c.detail.HostConfig.AutoRemove); err != nil {
			return opError("update", "container", ref, err, "")
		}
		c.detail.HostConfig.RestartPolicy = *p
	}
	r := &c.detail.HostConfig.Resources
	r.Memory = cmp.Or(res.Memory, r.Memory)
	r.MemorySwap = cmp.Or(res.MemorySwap, r.MemorySwap)
	r.MemoryReservation = cmp.Or(res.MemoryReservation, r.MemoryReservation)
	r.NanoCpus = cmp.Or(res.NanoCpus, r.NanoCpus)
	r.CPUShares = cmp.Or(res.CPUShares, r.CPUShares)
	r.CPUPeriod = cmp.Or(res.CPUPeriod, r.CPUPeriod)
	r.CPUQuota = cmp.Or(res.CPUQuota, r.CPUQuota)
	r.CpusetCpus = cmp.Or(res.CpusetCpus, r.CpusetCpus)
	r.CpusetMems = cmp.Or(res.CpusetMems, r.CpusetMems)
	r.PidsLimit = cmp.Or(res.PidsLimit, r.PidsLimit)
	r.BlkioWeight = cmp.Or(res.BlkioWeight, r.BlkioWeight)
	cs.e.event(c, engine.ActionUpdate)
	return nil
}

func (cs containers) Remove(ctx context.Context, ref string, opts engine.RemoveOptions) error {
	c, err := cs.e.lookup(ctx, OpRemove, "remove", ref)
	if err != nil {
		return err
	}
	if c.state.Status.Live() && !opts.Force {
		cs.e.mu.Unlock()
		return opError("remove", "container", ref, engine.ErrConflict, "it is "+string(c.state.Status)+"; stop it first, or remove it with force")
	}
	p := c.proc
	c.end()
	cs.e.mu.Unlock()
	if err := cs.e.await(ctx, func() bool { return p == nil || p.ended }); err != nil {
		return opError("remove", "container", ref, err, "")
	}
	cs.e.mu.Lock()
	defer cs.e.mu.Unlock()
	cs.e.drop(c)
	if opts.Volumes {
		cs.e.dropVolumes(c)
	}
	return nil
}

// drop takes an ended container away.
func (e *Engine) drop(c *container) {
	if c.removed {
		return
	}
	c.removed = true
	e.containers = slices.DeleteFunc(e.containers, func(o *container) bool { return o == c })
	for _, s := range c.sessions {
		s.ended = true
	}
	e.event(c, engine.ActionDestroy)
	if c.detail.HostConfig.AutoRemove {
		e.dropVolumes(c)
	}
}

func (cs containers) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	if err := cs.e.enter(ctx, OpPrune); err != nil {
		return engine.PruneReport{}, opError("prune", "containers", "", err, "")
	}
	cs.e.mu.Lock()
	defer cs.e.mu.Unlock()
	var report engine.PruneReport
	for _, c := range slices.Clone(cs.e.containers) {
		if c.state.Status.Live() || !matchPrune(c.detail.Created, c.detail.Config.Labels, opts.Filters) {
			continue
		}
		report.Deleted = append(report.Deleted, string(c.id))
		report.Reclaimed += c.sizeRw
		if !opts.DryRun {
			cs.e.drop(c)
		}
	}
	return report, nil
}

// matchPrune knows the filters of prune: until (RFC 3339 or a duration),
// label and label!.
func matchPrune(created time.Time, labels map[string]string, filters engine.Filters) bool {
	for _, v := range filters["until"] {
		limit, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			d, _ := time.ParseDuration(v)
			limit = time.Now().Add(-d)
		}
		if !created.Before(limit) {
			return false
		}
	}
	if not := filters["label!"]; len(not) > 0 && matchLabels(labels, not) {
		return false
	}
	return matchLabels(labels, filters["label"])
}
