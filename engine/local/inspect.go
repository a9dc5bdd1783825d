package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gantry/engine"
	"gantry/engine/record"
	"gantry/engine/shim"
	"gantry/images"
)

// Inspect implements engine.ContainerReader.
func (c *containers) Inspect(ctx context.Context, ref string) (engine.ContainerDetail, error) {
	e := (*Engine)(c)
	v, err := e.viewOf(ref)
	if err != nil {
		return engine.ContainerDetail{}, opErr("inspect", ref, err)
	}
	return e.detail(v), nil
}

func (e *Engine) detail(v *view) engine.ContainerDetail {
	r := v.rec
	d := engine.ContainerDetail{
		ID: r.ID, Created: r.Created, Path: r.Path, Args: r.Args, State: v.status(), Image: r.Image, Name: "/" + r.Name,
		RestartCount: v.restarts(), Driver: r.Driver, Platform: osOf(r.Platform), LogPath: e.file(r.ID, "log"), Config: r.Config, HostConfig: r.Host, Mounts: r.Mounts,
	}
	if d.Mounts == nil {
		d.Mounts = []engine.MountPoint{}
	}
	if d.HostConfig.PortBindings == nil {
		d.HostConfig.PortBindings = engine.PortMap{} // as docker has it
	}
	d.NetworkSettings = e.networkSettings(v)
	if g, err := e.group(r.ID); err == nil {
		d.CgroupPath = g.Path
	}
	return d
}

// summary is the row of a list.
func (v *view) summary() engine.ContainerSummary {
	r := v.rec
	s := engine.ContainerSummary{
		ID: r.ID, Name: r.Name, Image: r.ImageRef, ImageID: r.Image, Created: r.Created, Status: v.status(),
		Labels: r.Config.Labels, Mounts: r.Mounts, RestartCount: v.restarts(),
	}
	if h := s.Status.Health; h != nil {
		s.Status.Health = &engine.Health{Status: h.Status, FailingStreak: h.FailingStreak, Log: h.Log[max(0, len(h.Log)-1):]}
	}
	if p, err := images.ParsePlatform(r.Platform); err == nil {
		s.Platform = p
	}
	if r.Path != "" {
		s.Command = append([]string{r.Path}, r.Args...)
	}
	return s
}

// osOf is the operating system of a platform, which is what docker's inspect
// shows of a container's.
func osOf(platform string) string {
	os, _, _ := strings.Cut(platform, "/")
	return os
}

// status puts the derived state into docker's shape.
func (v *view) status() engine.ContainerState {
	s := engine.ContainerState{
		Status: v.state, Running: v.state.Live() || v.state == engine.Restarting, Paused: v.state == engine.Paused,
		Restarting: v.state == engine.Restarting, Dead: v.state == engine.Dead,
	}
	s.Health = v.health
	if v.err != nil {
		s.Error = v.err.Error()
	}
	if v.start != nil && v.state != engine.Created {
		s.StartedAt = v.start.StartedAt
		if v.state.Live() {
			s.Pid = v.start.Pid
		}
	}
	if v.state == engine.Restarting {
		s.RestartAt = v.exit.Due
	}
	if v.exit != nil && !v.state.Live() {
		s.ExitCode, s.OOMKilled, s.Error, s.FinishedAt = v.exit.Code, v.exit.OOM, v.exit.Error, v.exit.At
	}
	if v.state == engine.Created {
		s.FinishedAt = time.Time{} // of a start that failed: nothing ran
	}
	return s
}

// restarts counts the starts by the policy since somebody started it.
func (v *view) restarts() int {
	switch {
	case v.exit != nil && !v.state.Live():
		return v.exit.Again.Count
	case v.start != nil:
		return v.start.Again.Count
	}
	return 0
}

// sizes fills in what the container wrote and what its files take in all.
func (e *Engine) sizes(s *engine.ContainerSummary) error {
	rec, err := e.readRecord(s.ID)
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrCorrupt) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := e.snap()
	if err != nil {
		return err
	}
	if s.SizeRw, err = d.Usage(e.dir(s.ID)); err != nil {
		return opErr("measure", s.Name, err)
	}
	st, err := e.store()
	if err != nil {
		return err
	}
	s.SizeRootFs = s.SizeRw
	for _, id := range rec.Layers {
		n, err := st.LayerSize(id)
		if err != nil {
			return opErr("measure", s.Name, err)
		}
		s.SizeRootFs += n
	}
	return nil
}

// Rename implements engine.ContainerEditor.
func (c *containers) Rename(ctx context.Context, ref, name string) error {
	e := (*Engine)(c)
	return opErr("rename", ref, e.rename(ctx, ref, name))
}

func (e *Engine) rename(ctx context.Context, ref, name string) error {
	if err := engine.CheckName(name); err != nil {
		return err
	}
	id, err := e.find(ref)
	if err != nil {
		return err
	}
	lock, err := e.locks.Lock(ctx, record.LockContainer, string(id))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	rec, err := e.readRecord(id)
	if err != nil {
		return err
	}
	old := rec.Name
	if old == name {
		return fmt.Errorf("%w: it already has that name", engine.ErrConflict)
	}
	if err := e.reserve(ctx, name, rec); err != nil {
		return err
	}
	rec.Name = name
	ev := engine.Event{Kind: engine.KindContainer, Action: engine.ActionRename, ID: string(id), Time: time.Now(), Attributes: rec.attributes()}
	ev.Attributes["oldName"] = old
	if err := e.commit(ev, rec); err != nil {
		return errors.Join(err, e.names.Release(name, string(id)))
	}
	return errors.Join(e.tellMonitor(rec), e.tellNetworks(ctx, rec), e.names.Release(old, string(id)))
}

// tellMonitor writes the container's name down for its monitor, which reads it
// before every event.
func (e *Engine) tellMonitor(rec *containerRecord) error {
	return e.reviseOrders(rec.ID, func(cfg *shim.Config) { cfg.Attributes = rec.attributes() })
}
