package fake

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

// volumes implements the role of volumes.
type volumes struct{ e *Engine }

// volume is one volume; Engine.mu guards every field.
type volume struct {
	engine.Volume
	size  int64
	files map[string]file // by path
}

// SetVolumeSize says what a volume takes on the disk.
func (e *Engine) SetVolumeSize(name string, size int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.findVolume(name); v != nil {
		v.size = size
		e.notify()
	}
}

// findVolume is nil when there is none. The caller holds mu, here and below.
func (e *Engine) findVolume(name string) *volume {
	for _, v := range e.volumes {
		if v.Name == name {
			return v
		}
	}
	return nil
}

func (e *Engine) volumeEvent(name, action string, more ...string) {
	attrs := map[string]string{"driver": "local"}
	for i := 0; i+1 < len(more); i += 2 {
		attrs[more[i]] = more[i+1]
	}
	e.emit(engine.Event{Kind: engine.KindVolume, Action: action, ID: name, Attributes: attrs})
}

func (e *Engine) makeVolume(opts engine.VolumeCreateOptions) (*volume, error) {
	if opts.Driver != "" && opts.Driver != "local" {
		return nil, opError("create", "volume", opts.Name, engine.ErrUnsupported, "")
	}
	labels := maps.Clone(opts.Labels)
	if opts.Name == "" {
		opts.Name = string(e.drawID())
		if labels == nil {
			labels = map[string]string{}
		}
		labels[engine.AnonymousLabel] = ""
	}
	if err := engine.CheckName(opts.Name); err != nil {
		return nil, opError("create", "volume", opts.Name, err, "")
	}
	if v := e.findVolume(opts.Name); v != nil {
		if len(opts.Options) > 0 && !maps.Equal(opts.Options, v.Options) {
			return nil, opError("create", "volume", opts.Name, engine.ErrConflict, "it is there with other options")
		}
		return v, nil
	}
	v := &volume{Volume: engine.Volume{
		Name: opts.Name, CreatedAt: time.Now().UTC(), Driver: "local", Scope: "local", Labels: labels, Options: opts.Options,
		Mountpoint: e.info.Root + "/volumes/" + opts.Name + "/_data",
	}}
	e.volumes = append(e.volumes, v)
	slices.SortFunc(e.volumes, func(a, b *volume) int { return cmp.Compare(a.Name, b.Name) })
	e.volumeEvent(v.Name, engine.ActionCreate)
	return v, nil
}

// mountVolumes makes the volumes that a new container wants.
func (e *Engine) mountVolumes(c *container, opts engine.CreateOptions) error {
	taken := map[string]bool{}
	mount := func(o engine.VolumeCreateOptions, target, mode string, readOnly bool) error {
		v, err := e.makeVolume(o)
		if err != nil {
			return err
		}
		if o.Name == "" {
			c.anonymous = append(c.anonymous, v.Name)
		}
		c.detail.Mounts = append(c.detail.Mounts, engine.MountPoint{
			Type: "volume", Name: v.Name, Source: v.Mountpoint, Destination: target, Driver: v.Driver, Mode: mode, RW: !readOnly,
		})
		return nil
	}
	for _, m := range opts.Host.Mounts {
		if taken[m.Target] {
			return opError("create", "container", c.name, engine.ErrInvalid, "two mounts have the target "+m.Target)
		}
		taken[m.Target] = true
		if m.Type != "volume" {
			continue
		}
		o := engine.VolumeCreateOptions{Name: m.Source}
		if m.Volume != nil {
			o.Labels = m.Volume.Labels
		}
		if err := mount(o, m.Target, m.Mode, m.ReadOnly); err != nil {
			return err
		}
	}
	for _, target := range slices.Sorted(maps.Keys(c.detail.Config.Volumes)) {
		if !taken[target] {
			if err := mount(engine.VolumeCreateOptions{}, target, "", false); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropVolumes removes the anonymous volumes of a container that is gone.
func (e *Engine) dropVolumes(c *container) {
	for _, name := range c.anonymous {
		if len(e.volumeUsers(name)) == 0 {
			e.dropVolume(name)
		}
	}
}

func (e *Engine) dropVolume(name string) {
	e.volumes = slices.DeleteFunc(e.volumes, func(v *volume) bool { return v.Name == name })
	e.volumeEvent(name, engine.ActionDestroy)
}

func (e *Engine) volumeUsers(name string) []engine.ID {
	var ids []engine.ID
	for _, c := range e.containers {
		if slices.ContainsFunc(c.detail.Mounts, func(m engine.MountPoint) bool { return m.Type == "volume" && m.Name == name }) {
			ids = append(ids, c.id)
		}
	}
	return ids
}

func (e *Engine) summary(v *volume, size bool) engine.VolumeSummary {
	s := engine.VolumeSummary{Volume: v.Volume, Containers: e.volumeUsers(v.Name), Size: -1}
	if size {
		s.Size = v.size
	}
	return s
}

func (vs volumes) List(ctx context.Context, opts engine.VolumeListOptions) (engine.VolumeList, error) {
	if err := vs.e.enter(ctx, OpVolumeList); err != nil {
		return engine.VolumeList{}, opError("list", "volumes", "", err, "")
	}
	vs.e.mu.Lock()
	defer vs.e.mu.Unlock()
	list := engine.VolumeList{Seq: vs.e.lastSeq}
	for _, v := range vs.e.volumes {
		s := vs.e.summary(v, opts.Size)
		ok, err := matchVolume(s, opts.Filters)
		if err != nil {
			return engine.VolumeList{}, opError("list", "volumes", "", err, "")
		}
		if ok {
			list.Items = append(list.Items, s)
		}
	}
	return list, nil
}

func matchVolume(v engine.VolumeSummary, filters engine.Filters) (bool, error) {
	ok := true
	for key, values := range filters {
		var match func(string) bool
		switch key {
		case "name":
			match = func(s string) bool { return strings.Contains(v.Name, s) }
		case "driver":
			match = func(s string) bool { return v.Driver == s }
		case "dangling":
			match = func(s string) bool { return (len(v.Containers) == 0) == (s == "true" || s == "1") }
		case "label":
			ok = ok && matchLabels(v.Labels, values)
			continue
		default:
			return false, engine.ErrInvalid
		}
		ok = ok && slices.ContainsFunc(values, match)
	}
	return ok, nil
}

// lookup is enter, lock and find; the caller unlocks when err is nil.
func (vs volumes) lookup(ctx context.Context, op Op, verb, name string) (*volume, error) {
	if err := vs.e.enter(ctx, op); err != nil {
		return nil, opError(verb, "volume", name, err, "")
	}
	vs.e.mu.Lock()
	v := vs.e.findVolume(name)
	if v == nil {
		vs.e.mu.Unlock()
		return nil, opError(verb, "volume", name, engine.ErrNotFound, "")
	}
	return v, nil
}

func (vs volumes) Inspect(ctx context.Context, name string) (engine.VolumeSummary, error) {
	v, err := vs.lookup(ctx, OpVolumeInspect, "inspect", name)
	if err != nil {
		return engine.VolumeSummary{}, err
	}
	defer vs.e.mu.Unlock()
	return vs.e.summary(v, false), nil
}

func (vs volumes) Create(ctx context.Context, opts engine.VolumeCreateOptions) (engine.Volume, error) {
	if err := vs.e.enter(ctx, OpVolumeCreate); err != nil {
		return engine.Volume{}, opError("create", "volume", opts.Name, err, "")
	}
	vs.e.mu.Lock()
	defer vs.e.mu.Unlock()
	v, err := vs.e.makeVolume(opts)
	if err != nil {
		return engine.Volume{}, err
	}
	return v.Volume, nil
}

func (vs volumes) Remove(ctx context.Context, name string, opts engine.VolumeRemoveOptions) error {
	v, err := vs.lookup(ctx, OpVolumeRemove, "remove", name)
	if err != nil {
		if opts.Force && errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		return err
	}
	defer vs.e.mu.Unlock()
	if users := vs.e.volumeUsers(v.Name); len(users) > 0 {
		return opError("remove", "volume", name, engine.ErrInUse, "container "+users[0].Short()+" mounts it")
	}
	vs.e.dropVolume(v.Name)
	return nil
}

func (vs volumes) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	if err := vs.e.enter(ctx, OpVolumePrune); err != nil {
		return engine.PruneReport{}, opError("prune", "volumes", "", err, "")
	}
	vs.e.mu.Lock()
	defer vs.e.mu.Unlock()
	all := opts.All || slices.Contains(opts.Filters["all"], "true") || slices.Contains(opts.Filters["all"], "1")
	var report engine.PruneReport
	for _, v := range slices.Clone(vs.e.volumes) {
		if len(vs.e.volumeUsers(v.Name)) > 0 || !all && !v.Anonymous() || !matchPrune(v.CreatedAt, v.Labels, opts.Filters) {
			continue
		}
		report.Deleted = append(report.Deleted, v.Name)
		report.Reclaimed += v.size
		if !opts.DryRun {
			vs.e.dropVolume(v.Name)
		}
	}
	return report, nil
}
