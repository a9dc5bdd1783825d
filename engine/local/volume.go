package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/engine"
)

// volumeErr wraps a failure on a volume.
func volumeErr(op, name string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, engine.ErrNotFound):
		hint = "gantry volume ls lists the volumes there are"
	case errors.Is(err, engine.ErrInUse):
		hint = "remove the containers that mount it first"
	}
	return kindErr(op, "volume", name, err, hint)
}

// List implements engine.Volumes.
func (vs *volumes) List(ctx context.Context, opts engine.VolumeListOptions) (engine.VolumeList, error) {
	e := (*Engine)(vs)
	keep, err := volumeFilter(opts.Filters)
	if err != nil {
		return engine.VolumeList{}, kindErr("list", "volumes", "", err, "")
	}
	seq, err := e.journal.Last()
	if err != nil {
		return engine.VolumeList{}, err
	}
	rows, err := e.volumeRows(ctx, opts.Size)
	if err != nil {
		return engine.VolumeList{}, err
	}
	rows = slices.DeleteFunc(rows, func(v engine.VolumeSummary) bool { return !keep(v) })
	return engine.VolumeList{Seq: seq, Items: rows}, nil
}

// volumeRows are all volumes with who uses them.
func (e *Engine) volumeRows(ctx context.Context, size bool) ([]engine.VolumeSummary, error) {
	all, err := e.volumes.List()
	if err != nil && len(all) == 0 {
		return nil, err
	}
	users, err := e.volumeUsers()
	if err != nil {
		return nil, err
	}
	rows := make([]engine.VolumeSummary, 0, len(all))
	for _, v := range all {
		row := engine.VolumeSummary{Volume: v, Containers: users[v.Name], Size: -1}
		if size {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if row.Size, err = e.volumes.Size(v); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// volumeUsers maps volumes to the containers that mount them. What a broken
// record needs is not known; it is told by whoever would remove something.
func (e *Engine) volumeUsers() (map[string][]engine.ID, error) {
	users, _, err := e.readVolumeUsers()
	return users, err
}

// readVolumeUsers also names the containers whose records cannot be read.
func (e *Engine) readVolumeUsers() (users map[string][]engine.ID, broken []engine.ID, err error) {
	ids, err := e.ids()
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(ids)
	users = make(map[string][]engine.ID)
	for _, id := range ids {
		rec, err := e.readRecord(id)
		switch {
		case errors.Is(err, engine.ErrNotFound):
			continue
		case err != nil:
			broken = append(broken, id)
			continue
		}
		for _, name := range rec.volumeNames() {
			users[name] = append(users[name], id)
		}
	}
	return users, broken, nil
}

// volumeNames are the volumes that the container mounts, each once.
func (r *containerRecord) volumeNames() []string {
	var names []string
	for _, m := range r.Mounts {
		if m.Type == "volume" && !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// usersOf names the containers that mount a volume, except for one that is
// being removed itself.
func (e *Engine) usersOf(name string, except engine.ID) func() ([]engine.ID, error) {
	return func() ([]engine.ID, error) {
		users, broken, err := e.readVolumeUsers()
		if err != nil {
			return nil, err
		}
		for _, id := range broken {
			if id != except {
				return nil, fmt.Errorf("%w: the record of container %s cannot be read, so what it mounts is not known; remove that container first (gantry rm -f %s)", engine.ErrCorrupt, id.Short(), id.Short())
			}
		}
		return slices.DeleteFunc(users[name], func(id engine.ID) bool { return id == except }), nil
	}
}

// volumeFilter compiles docker's filters of volumes.
func volumeFilter(f engine.Filters) (func(engine.VolumeSummary) bool, error) {
	var tests []func(engine.VolumeSummary) bool
	for key, values := range f {
		anyOf := func(match func(v engine.VolumeSummary, s string) bool) {
			tests = append(tests, func(v engine.VolumeSummary) bool {
				return slices.ContainsFunc(values, func(s string) bool { return match(v, s) })
			})
		}
		switch key {
		case "name":
			anyOf(func(v engine.VolumeSummary, s string) bool { return strings.Contains(v.Name, s) })
		case "driver":
			anyOf(func(v engine.VolumeSummary, s string) bool { return v.Driver == s })
		case "label":
			tests = append(tests, func(v engine.VolumeSummary) bool { return labelsMatch(v.Labels, values) })
		case "dangling":
			want, err := filterBool(key, values[len(values)-1])
			if err != nil {
				return nil, err
			}
			tests = append(tests, func(v engine.VolumeSummary) bool { return (len(v.Containers) == 0) == want })
		default:
			return nil, invalidFilter(key, "", "name, label, driver, dangling")
		}
	}
	return func(v engine.VolumeSummary) bool {
		for _, t := range tests {
			if !t(v) {
				return false
			}
		}
		return true
	}, nil
}

func filterBool(key, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, invalidFilter(key, value, "true or false")
}

// Inspect implements engine.Volumes.
func (vs *volumes) Inspect(_ context.Context, name string) (engine.VolumeSummary, error) {
	e := (*Engine)(vs)
	v, err := e.volumes.Inspect(name)
	if err != nil {
		return engine.VolumeSummary{}, volumeErr("inspect", name, err)
	}
	users, err := e.volumeUsers()
	if err != nil {
		return engine.VolumeSummary{}, volumeErr("inspect", name, err)
	}
	return engine.VolumeSummary{Volume: v, Containers: users[name], Size: -1}, nil
}

// Create implements engine.Volumes.
func (vs *volumes) Create(ctx context.Context, opts engine.VolumeCreateOptions) (engine.Volume, error) {
	v, err := (*Engine)(vs).volumes.Create(ctx, opts)
	return v, volumeErr("create", opts.Name, err)
}

// Remove implements engine.Volumes.
func (vs *volumes) Remove(ctx context.Context, name string, opts engine.VolumeRemoveOptions) error {
	e := (*Engine)(vs)
	err := e.volumes.Remove(ctx, name, e.usersOf(name, ""))
	if opts.Force && errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return volumeErr("remove", name, err)
}

// Prune implements engine.Volumes.
func (vs *volumes) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	e := (*Engine)(vs)
	keep, all, err := volumePruneFilter(opts)
	if err != nil {
		return engine.PruneReport{}, kindErr("prune", "volumes", "", err, "")
	}
	rows, err := e.volumeRows(ctx, false)
	if err != nil {
		return engine.PruneReport{}, err
	}
	var rep engine.PruneReport
	var errs []error
	for _, v := range rows {
		if len(v.Containers) > 0 || !all && !v.Anonymous() || !keep(v.CreatedAt, v.Labels) {
			continue
		}
		size, err := e.volumes.Size(v.Volume)
		if err != nil {
			errs = append(errs, err)
		}
		if !opts.DryRun {
			err := e.volumes.Remove(ctx, v.Name, e.usersOf(v.Name, ""))
			if errors.Is(err, engine.ErrInUse) || errors.Is(err, engine.ErrNotFound) {
				continue // somebody was faster
			}
			if err != nil {
				errs = append(errs, volumeErr("remove", v.Name, err))
				continue
			}
		}
		rep.Deleted = append(rep.Deleted, v.Name)
		rep.Reclaimed += max(size, 0)
	}
	if !opts.DryRun {
		e.volumes.Sweep()
	}
	return rep, errors.Join(errs...)
}

// volumePruneFilter compiles docker's filters of volume prune, of which "all"
// stands for PruneOptions.All. There is no "until": a volume's age says nothing
// of what is in it.
func volumePruneFilter(opts engine.PruneOptions) (keep func(time.Time, map[string]string) bool, all bool, err error) {
	all = opts.All
	rest := engine.Filters{}
	for key, values := range opts.Filters {
		switch key {
		case "all":
			if all, err = filterBool(key, values[len(values)-1]); err != nil {
				return nil, false, err
			}
		case "label", "label!":
			rest[key] = values
		default:
			return nil, false, invalidFilter(key, "", "all, label, label!")
		}
	}
	keep, err = pruneFilter(rest)
	return keep, all, err
}
