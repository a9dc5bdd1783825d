package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"gantry/engine"
	"gantry/engine/ociruntime"
	"gantry/engine/record"
	"gantry/engine/runspec"
	"gantry/engine/seccomp"
	"gantry/engine/shim"
	"gantry/images"
	"gantry/images/store"
	"gantry/images/trash"
	"gantry/internal/names"
)

// Create implements engine.ContainerLifecycle.
func (c *containers) Create(ctx context.Context, opts engine.CreateOptions) (engine.CreateResult, error) {
	e := (*Engine)(c)
	if opts.Name != "" {
		if err := engine.CheckName(opts.Name); err != nil {
			return engine.CreateResult{}, kindErr("create", "container", opts.Name, err, "")
		}
	}
	id := engine.NewID()
	if opts.StartSoon {
		id = e.prepareMonitor(id)
	}
	res, err := e.createFrom(ctx, id, opts)
	if err != nil {
		e.dropMonitor(id)
	}
	return res, err
}

// createFrom resolves the image and makes a container from it.
func (e *Engine) createFrom(ctx context.Context, id engine.ID, opts engine.CreateOptions) (engine.CreateResult, error) {
	s, err := e.store()
	if err != nil {
		return engine.CreateResult{}, err
	}
	lease, err := s.Lease(ctx) // until the record says that the layers are needed
	if err != nil {
		return engine.CreateResult{}, err
	}
	defer lease.Release()
	base, err := e.baseImage(ctx, s, lease, opts)
	if err != nil {
		return engine.CreateResult{}, err
	}
	rec, warnings, err := e.create(ctx, id, base, opts)
	if err != nil {
		return engine.CreateResult{}, kindErr("create", "container", opts.Name, err, "")
	}
	return engine.CreateResult{ID: rec.ID, Warnings: warnings}, nil
}

// base is the image that a container is made from.
type base struct {
	images.Image
	config *images.ConfigFile
	layers []string // IDs, bottom first, none twice
	dirs   []string
}

func (e *Engine) baseImage(ctx context.Context, s *store.Store, lease *store.Lease, opts engine.CreateOptions) (*base, error) {
	name := opts.Config.Image
	img, err := s.Hold(ctx, lease, name)
	if err != nil {
		return nil, imageErr("use", name, err)
	}
	if opts.Platform != "" {
		want, err := platformOf(opts.Platform)
		if err != nil {
			return nil, imageErr("use", name, err)
		}
		if !img.Platform.Matches(want) {
			return nil, imageErr("use", name, fmt.Errorf("%w for %s: the local one is for %s", engine.ErrNotFound, want, img.Platform))
		}
	}
	cfg, _, err := s.Config(img.ID)
	if err != nil {
		return nil, imageErr("use", name, err)
	}
	b := &base{Image: img, config: cfg}
	layers, err := s.Layers(img)
	if err != nil {
		return nil, imageErr("use", name, err)
	}
	if b.dirs, err = s.LayerDirs(img); err != nil {
		return nil, imageErr("use", name, err)
	}
	seen := make(map[string]bool, len(layers))
	for _, l := range layers {
		if !seen[l.ID] {
			seen[l.ID] = true
			b.layers = append(b.layers, l.ID)
		}
	}
	return b, nil
}

// create makes the container's folder. Its record comes last, together with
// the event: before that the container does not exist, and what a killed
// process leaves is swept.
func (e *Engine) create(ctx context.Context, id engine.ID, img *base, opts engine.CreateOptions) (_ *containerRecord, warnings []string, err error) {
	if err := errors.Join(checkShared(opts), checkFinding(&opts.Host)); err != nil {
		return nil, nil, err
	}
	merged, err := runspec.Merge(opts.Config, img.config.Config, opts.ResetEntrypoint)
	if err != nil {
		return nil, nil, err
	}
	rec := &containerRecord{
		ID: id, Name: opts.Name, Created: time.Now().UTC(), Image: img.ID, ImageRef: opts.Config.Image, Platform: img.Platform.String(),
		Config: merged, Host: opts.Host, Layers: img.layers,
	}
	if err := e.completeNetworks(ctx, rec, opts.Networks); err != nil {
		return nil, nil, err
	}
	discarded, err := checkPorts(&rec.Host)
	if err != nil {
		return nil, nil, err
	}
	if err := e.complete(rec); err != nil {
		return nil, nil, err
	}
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return nil, nil, err
	}
	defer lock.Unlock()
	if err := os.Mkdir(e.dir(id), 0o700); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.discard(ctx, rec))
		}
	}()
	if err := e.name(ctx, rec); err != nil {
		return nil, nil, err
	}
	volumes, err := e.attachVolumes(ctx, rec)
	if err != nil {
		return nil, nil, err
	}
	defer volumes.release()
	defer func() {
		if err != nil {
			err = errors.Join(err, volumes.drop(ctx))
		}
	}()
	var group <-chan madeGroup // nil: it is made for the start
	warnings, err = e.bundle(ctx, rec, img, volumes, func(limits *specs.LinuxResources) {
		// Before the record is there only the usual place is looked at for a group
		// that a kill left behind.
		if e.spares.prepared(id) && rec.Host.CgroupParent == "" {
			group = e.makeGroup(rec, limits)
		}
	})
	if err != nil {
		return nil, nil, errors.Join(err, dropGroup(group))
	}
	begun := e.beginAhead(ctx, rec, group)
	defer func() { <-begun }() // under the lock: nobody else starts a monitor meanwhile
	ev := engine.Event{Kind: engine.KindContainer, Action: engine.ActionCreate, ID: string(id), Attributes: rec.attributes()}
	return rec, append(discarded, warnings...), e.commit(ev, rec)
}

// discard removes what a failed creation made.
func (e *Engine) discard(ctx context.Context, rec *containerRecord) error {
	errs := []error{e.dismissBegun(context.WithoutCancel(ctx), rec.ID)}
	if rec.Name != "" {
		errs = append(errs, e.names.Release(rec.Name, string(rec.ID)))
	}
	return errors.Join(append(errs, trash.Delete(e.dir(rec.ID)))...)
}

// complete fills in what the options leave to the engine.
func (e *Engine) complete(rec *containerRecord) error {
	c, h := &rec.Config, &rec.Host
	argv := append(append([]string{}, c.Entrypoint...), c.Cmd...)
	rec.Path, rec.Args = argv[0], argv[1:]
	if h.RestartPolicy.Name == "" {
		h.RestartPolicy.Name = engine.RestartNo
	}
	if err := h.RestartPolicy.Check(h.AutoRemove); err != nil {
		return err
	}
	if h.LogConfig.Type == "" {
		h.LogConfig.Type = engine.LogJournal
	}
	switch h.Runtime {
	case "":
		h.Runtime = engine.RuntimeName
	case engine.RuntimeName:
	default:
		return fmt.Errorf("%w runtime %q: gantry starts containers itself and has no others; leave --runtime out", engine.ErrUnsupported, h.Runtime)
	}
	if h.UTSMode == "host" && c.Hostname+c.Domainname != "" {
		return fmt.Errorf("%w: conflicting options: hostname and the UTS mode", engine.ErrInvalid)
	}
	if c.Hostname == "" {
		c.Hostname = rec.ID.Short()
		if h.NetworkMode == "host" || h.UTSMode == "host" {
			name, err := os.Hostname()
			if err != nil {
				return err
			}
			c.Hostname = name
		}
	}
	if _, err := ParseSignal(c.StopSignal, 0); err != nil {
		return err
	}
	if _, err := e.logRotation(h.LogConfig); err != nil {
		return err
	}
	if err := e.settleJoins(rec); err != nil {
		return err
	}
	if err := e.inherit(rec); err != nil {
		return err
	}
	return e.completeMounts(rec)
}

// completeMounts checks the sources of bind mounts, makes those that -v may
// make, and records what inspect shows. Volumes come later, see attachVolumes.
func (e *Engine) completeMounts(rec *containerRecord) error {
	for _, m := range rec.mounts() {
		if m.Type == "volume" {
			continue
		}
		p := engine.MountPoint{Type: m.Type, Source: m.Source, Destination: m.Target, Mode: m.Mode, RW: !m.ReadOnly}
		if m.Type == "bind" {
			p.Propagation = "rprivate"
			if m.BindOptions != nil && m.BindOptions.Propagation != "" {
				p.Propagation = m.BindOptions.Propagation
			}
			if err := bindSource(m); err != nil {
				return err
			}
		}
		rec.Mounts = append(rec.Mounts, p)
	}
	return nil
}

func bindSource(m engine.Mount) error {
	_, err := os.Stat(m.Source)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if m.BindOptions == nil || !m.BindOptions.CreateMountpoint {
		return fmt.Errorf("%w mount config for type \"bind\": bind source path does not exist: %s", engine.ErrInvalid, m.Source)
	}
	return os.MkdirAll(m.Source, 0o755)
}

// name reserves the container's name, a drawn one where none was given.
func (e *Engine) name(ctx context.Context, rec *containerRecord) error {
	if rec.Name != "" {
		if err := e.reserve(ctx, rec.Name, rec); err != nil {
			rec.Name = "" // it is another's
			return err
		}
		return nil
	}
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for {
		name := names.Pick(random, func(n string) bool { _, err := e.names.Lookup(n); return err == nil })
		err := e.reserve(ctx, name, rec)
		if err == nil {
			rec.Name = name
			return nil
		}
		if !errors.Is(err, engine.ErrConflict) {
			return err
		}
	}
}

// bundle writes what the monitor starts the container from. limited is called
// as soon as the limits are known and found to be good.
func (e *Engine) bundle(ctx context.Context, rec *containerRecord, img *base, volumes *attached, limited func(*specs.LinuxResources)) (warnings []string, err error) {
	d, err := e.snap()
	if err != nil {
		return nil, err
	}
	rec.Driver = d.Kind()
	if err := d.Create(e.dir(rec.ID), img.dirs); err != nil {
		return nil, err
	}
	if err := volumes.fill(ctx, d, img.dirs); err != nil {
		return nil, err
	}
	files, err := e.writeFiles(rec)
	if err != nil {
		return nil, err
	}
	host, err := e.hostFor(rec)
	if err != nil {
		return nil, err
	}
	in := runspec.Input{
		ID: rec.ID, Config: rec.Config, Host: rec.Host, Files: files, Cgroup: host.Parent + "/" + string(rec.ID), Facts: facts(host), Volumes: volumes.specs(),
	}
	in.Host.Mounts = rec.mounts()
	if in.Mapped, err = mappedDevices(rec.Host.Devices); err != nil {
		return nil, err
	}
	in.Blocks = blockNumbers
	if rec.Host.Privileged {
		if in.Devices, err = hostDevices(); err != nil {
			return nil, err
		}
	}
	spec, err := runspec.Build(in)
	if err != nil {
		return nil, err
	}
	rec.Host.MaskedPaths, rec.Host.ReadonlyPaths = spec.Linux.MaskedPaths, spec.Linux.ReadonlyPaths
	if err := host.Check(spec.Linux.Resources); err != nil {
		return nil, err
	}
	limited(spec.Linux.Resources)
	if err := e.writeSeccomp(rec, spec); err != nil {
		return nil, err
	}
	warnings = host.Warnings(spec.Linux.Resources)
	return warnings, e.writeSpec(rec, spec)
}

func (e *Engine) writeSpec(rec *containerRecord, spec *specs.Spec) error {
	b, err := ociruntime.EncodeConfig(spec)
	if err != nil {
		return err
	}
	return record.WriteFile(e.file(rec.ID, "config.json"), b, rec.durability())
}

// readSpec reads the bundle's config.json.
func (e *Engine) readSpec(id engine.ID) (*specs.Spec, error) {
	path := e.file(id, "config.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var spec specs.Spec
	if err := json.Unmarshal(b, &spec); err != nil {
		return nil, fmt.Errorf("%w: %s: %w; remove the container and create it again", engine.ErrCorrupt, path, err)
	}
	if spec.Process == nil || spec.Linux == nil {
		return nil, fmt.Errorf("%w: %s lacks its process or its linux part; remove the container and create it again", engine.ErrCorrupt, path)
	}
	return &spec, nil
}

// writeSeccomp compiles the profile now, so that the monitor needs no compiler
// and a wrong profile is found before anything starts.
func (e *Engine) writeSeccomp(rec *containerRecord, spec *specs.Spec) error {
	security, err := runspec.ParseSecurity(rec.Host.SecurityOpt)
	if err != nil {
		return err
	}
	if security.Seccomp == "" && rec.Host.Privileged {
		return nil
	}
	switch security.Seccomp {
	case "unconfined":
		return nil
	case "", "builtin":
		spec.Linux.Seccomp, err = seccomp.Default(spec)
	default:
		spec.Linux.Seccomp, err = seccomp.Load(security.Seccomp, spec)
	}
	if err != nil {
		return err
	}
	if spec.Linux.Seccomp == nil { // an empty profile: docker turns the filter off, too
		return nil
	}
	return e.putFilter(e.file(rec.ID, shim.SeccompFile), spec.Linux.Seccomp, rec.durability())
}

// isHex tells whether a name could be a container's folder.
func isHex(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }
