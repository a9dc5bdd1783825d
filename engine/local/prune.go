package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"gantry/engine"
	"gantry/images"
	"gantry/images/snapshot"
	"gantry/images/store"
	"gantry/images/trash"
)

// Prune implements engine.ContainerEditor: it removes containers that do not
// run.
func (c *containers) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	e := (*Engine)(c)
	keep, err := pruneFilter(opts.Filters)
	if err != nil {
		return engine.PruneReport{}, kindErr("prune", "containers", "", err, "")
	}
	rows, err := e.snapshotAll(ctx)
	if err != nil {
		return engine.PruneReport{}, err
	}
	var rep engine.PruneReport
	var errs []error
	if rep.Reclaimed, err = e.leftovers(); err != nil {
		errs = append(errs, err)
	}
	for _, v := range rows {
		if v.state.Live() || v.state == engine.Restarting || !keep(v.rec.Created, v.rec.Config.Labels) {
			continue
		}
		row := v.summary()
		if err := e.sizes(&row); err != nil {
			errs = append(errs, err)
		}
		if !opts.DryRun {
			if err := e.remove(ctx, v.rec.ID); err != nil {
				if !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrConflict) {
					errs = append(errs, opErr("remove", v.rec.Name, err))
				}
				continue
			}
		}
		rep.Deleted = append(rep.Deleted, string(v.rec.ID))
		rep.Reclaimed += row.SizeRw
	}
	if !opts.DryRun {
		e.sweep(ctx)
	}
	return rep, errors.Join(errs...)
}

// leftovers is the size of what was removed before and has not been deleted:
// whoever wanted to was killed, or is at it.
func (e *Engine) leftovers() (int64, error) {
	entries, err := os.ReadDir(trash.Dir(e.root))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	var total int64
	for _, ent := range entries {
		n, err := snapshot.DiskUsage(path.Join(trash.Dir(e.root), ent.Name()))
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// pruneFilter compiles docker's prune filters.
func pruneFilter(f engine.Filters) (func(created time.Time, labels map[string]string) bool, error) {
	before := time.Time{}
	for key, values := range f {
		switch key {
		case "label", "label!":
		case "until":
			t, err := parseUntil(values[len(values)-1], time.Now())
			if err != nil {
				return nil, err
			}
			before = t
		default:
			return nil, invalidFilter(key, "", "until, label, label!")
		}
	}
	return func(created time.Time, labels map[string]string) bool {
		if !before.IsZero() && !created.Before(before) {
			return false
		}
		if !labelsMatch(labels, f["label"]) {
			return false
		}
		for _, not := range f["label!"] {
			if labelsMatch(labels, []string{not}) {
				return false
			}
		}
		return true
	}, nil
}

// parseUntil reads a duration back from now, a date, or Unix seconds.
func parseUntil(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Unix(0, int64(n*1e9)), nil
	}
	return time.Time{}, invalidFilter("until", s, "a duration such as 24h, a date such as 2026-01-31, or Unix seconds")
}

// Prune implements engine.ImageEditor: images without a name, and with
// opts.All every image that no container uses, then whatever nothing needs.
func (i *imageStore) Prune(ctx context.Context, opts engine.PruneOptions) (engine.PruneReport, error) {
	e := (*Engine)(i)
	keep, err := pruneFilter(withoutDangling(opts.Filters))
	if err != nil {
		return engine.PruneReport{}, kindErr("prune", "images", "", err, "")
	}
	s, err := e.store()
	if err != nil {
		return engine.PruneReport{}, err
	}
	all, err := s.List(ctx)
	if err != nil {
		return engine.PruneReport{}, err
	}
	users, err := e.imageUsers()
	if err != nil {
		return engine.PruneReport{}, err
	}
	everything := opts.All || contains(opts.Filters["dangling"], "false")
	var rep engine.PruneReport
	var drop []images.Digest
	for _, img := range all {
		if len(users[img.ID]) > 0 || len(img.Tags) > 0 && !everything || !keep(img.Created, img.Labels) {
			continue
		}
		drop = append(drop, img.ID)
		for _, t := range img.Tags {
			rep.Deleted = append(rep.Deleted, "untagged: "+t)
		}
		rep.Deleted = append(rep.Deleted, "deleted: "+string(img.ID))
	}
	if !opts.DryRun {
		for _, id := range drop {
			if err := s.RemoveImage(ctx, id); err != nil && !errors.Is(err, images.ErrNotFound) {
				return rep, imageErr("remove", id.Short(), err)
			}
			if err := e.imageEvent(engine.ActionDelete, id, id.String()); err != nil {
				return rep, err
			}
		}
	}
	got, err := e.collect(ctx, drop, opts.DryRun)
	rep.Reclaimed = got.Bytes
	return rep, err
}

// collect runs the garbage collection, as if the images in gone were removed
// when it is only asked what would come back.
func (e *Engine) collect(ctx context.Context, gone []images.Digest, dryRun bool) (store.Report, error) {
	s, err := e.store()
	if err != nil {
		return store.Report{}, err
	}
	return s.GC(ctx, store.GCOptions{Used: e.usedByContainers, Without: gone, DryRun: dryRun})
}

// usedByContainers names the layers and images that containers need. The
// garbage collection calls it while it holds the index lock.
func (e *Engine) usedByContainers() (store.Used, error) {
	used := store.Used{Layers: make(map[string]bool), Images: make(map[images.Digest]bool)}
	ids, err := e.ids()
	if err != nil {
		return used, err
	}
	for _, id := range ids {
		rec, err := e.readRecord(id)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			// What a broken record needs is not known: nothing may go.
			return used, fmt.Errorf("%w; remove that container first (gantry rm -f %s)", err, id.Short())
		}
		for _, l := range rec.Layers {
			used.Layers[l] = true
		}
		used.Images[rec.Image] = true
	}
	return used, nil
}

func withoutDangling(f engine.Filters) engine.Filters {
	out := make(engine.Filters, len(f))
	for k, v := range f {
		if k != "dangling" {
			out[k] = v
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if strings.EqualFold(v, s) {
			return true
		}
	}
	return false
}
